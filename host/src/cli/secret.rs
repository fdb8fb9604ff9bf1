//! How a secret comes in: from a file, from standard input, or typed without being shown.
//! Never from an argument, where every user of the machine could read it.

use std::{
    io::{IsTerminal, Read},
    path::Path,
};

use portolan_core::secret::Secret;

use crate::error::{Code, Error};

/// Longest secret in bytes: some providers' keys are whole JSON files.
const MAX_SECRET: u64 = 256 * 1024;

/// The secret in a file, or on standard input for `-`, without the line end after it.
///
/// # Errors
/// When it cannot be read, is empty, or is longer than 256 KiB.
pub fn from_file(path: &Path) -> Result<Secret, Error> {
    let from_stdin = path == Path::new("-");
    let name = if from_stdin { "standard input".into() } else { path.display().to_string() };
    let refuse = |why: String| {
        Error::new(Code::Invalid, format!("cannot read the secret from {name}: {why}"))
    };
    let mut text = String::new();
    let read = if from_stdin {
        std::io::stdin().lock().take(MAX_SECRET + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|error| refuse(error.to_string()))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    if length as u64 > MAX_SECRET {
        return Err(refuse(format!("it is longer than {} KiB", MAX_SECRET / 1024)));
    }
    Ok(Secret::new(text))
}

/// The secret in a file, or typed; `option` is what names the file.
///
/// # Errors
/// When the file cannot be read, or there is neither a file nor a terminal.
pub fn from_file_or_prompt(
    file: Option<&Path>,
    option: &str,
    prompt: &str,
) -> Result<Secret, Error> {
    if let Some(path) = file {
        return from_file(path);
    }
    let missing = |why: &str| {
        Error::new(
            Code::Invalid,
            format!("{why}; give a file with {option} FILE, or - for standard input"),
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(missing("a secret is needed, and there is no terminal to ask on"));
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "))
        .map_err(|error| missing(&format!("the secret could not be asked for: {error}")))?;
    Ok(Secret::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_end_is_taken_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        for (content, secret) in [
            ("pa ss \n", Some("pa ss ")),
            ("pass\r\n", Some("pass")),
            ("two\nlines\n", Some("two\nlines")),
            ("\n", None),
        ] {
            std::fs::write(&path, content).unwrap();
            let read = from_file(&path).ok();
            assert_eq!(read.as_ref().map(Secret::expose), secret, "{content:?}");
        }
        std::fs::write(&path, "x".repeat(MAX_SECRET as usize + 1)).unwrap();
        let error = from_file(&path).err().unwrap().to_string();
        assert!(error.ends_with("it is longer than 256 KiB"), "{error}");
        let missing = from_file(&directory.path().join("none")).err().unwrap().to_string();
        assert!(missing.contains("none: No such file"), "{missing}");
    }
}
