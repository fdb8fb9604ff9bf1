//! Values that several commands take, checked as they were typed: a mistake in them is told before
//! anything is sent, with the option it stands in, and ends with exit status 2.

use std::{path::Path, time::Duration};

use portolan_core::{
    endpoint::{EndpointUrl, check_ca},
    naming, pattern,
    policy::options::Span,
};

use super::output::Failure;

/// Longest file of certificates, in bytes.
const MAX_PEM: u64 = 1 << 20;

/// A registry's address. A bare host is taken as https, never as http, and a password in it is
/// refused: every user of the machine can read the arguments.
pub(super) fn url(option: &str, text: &str) -> Result<EndpointUrl, Failure> {
    // An image layout of the daemon's; `oci:5000` is a host.
    if text.strip_prefix("oci:").is_some_and(|name| !name.starts_with(|c: char| c.is_ascii_digit()))
    {
        return text.parse().map_err(|error| Failure::usage(format!("{option}: {error}")));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        let message = format!("{option}: an address with a name or a password can be seen by all");
        return Err(Failure::usage(message).hint("use the options for an access id and its secret"));
    }
    let parsed = format!("{scheme}://{rest}").parse();
    parsed.map_err(|error| Failure::usage(format!("{option}: {error}")))
}

/// A glob. Matching finds a fault only where it comes to it, and a glob comes through itself.
pub(super) fn glob(option: &str, text: &str) -> Result<(), Failure> {
    let fault = pattern::matches(text, text).err();
    fault.map_or(Ok(()), |fault| Err(Failure::usage(format!("{option}: {fault}"))))
}

/// A namespace at a destination.
pub(super) fn namespace(option: &str, text: &str) -> Result<(), Failure> {
    naming::check_namespace(text).map_err(|fault| Failure::usage(format!("{option}: {fault}")))
}

/// A length of time, written as the ages of a rule are.
pub(super) fn age(option: &str, text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::usage(format!("{option}: {text} is no age, e.g. 90s, 30m, 12h or 7d"));
    let span = Span::try_from(text.to_owned()).map_err(|_| wrong())?;
    span.duration().try_into().map_err(|_| wrong())
}

/// A file of PEM certificates to trust; an empty one is no certificate.
pub(super) fn certificates(option: &str, path: &Path) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("{option} {}: {why}", path.display()));
    let pem = text_file(option, path, MAX_PEM)?;
    if !pem.trim().is_empty() {
        check_ca(&pem).map_err(|fault| wrong(fault.to_string()))?;
    }
    Ok(pem)
}

/// A text file that an option names, of at most `most` bytes.
pub(super) fn text_file(option: &str, path: &Path, most: u64) -> Result<String, Failure> {
    let wrong =
        |why: String| Failure::new(format!("cannot read {option} {}: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > most {
        return Err(wrong(format!("it is longer than {} MiB", most >> 20)));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_taken_as_http_and_holds_no_password() {
        for (text, taken) in [
            ("registry.example.com", Some("https://registry.example.com")),
            ("127.0.0.1:5000", Some("https://127.0.0.1:5000")),
            ("http://127.0.0.1:5000/", Some("http://127.0.0.1:5000")),
            ("https://example.com/@scope", Some("https://example.com/@scope")),
            ("http://me:secret@example.com", None),
            ("me:secret@example.com", None),
            ("ftp://example.com", None),
            ("", None),
        ] {
            let found = url("--url", text);
            assert_eq!(found.as_ref().ok().map(EndpointUrl::as_str), taken, "{text}");
            assert!(!format!("{found:?}").contains("secret@"), "{found:?}");
        }
    }

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("12h", Some(43_200)),
            ("7d", Some(604_800)),
            ("0s", Some(0)),
            ("7", None),
            ("d", None),
            ("", None),
            ("-1h", None),
            ("1.5h", None),
            ("7dd", None),
            ("7 d", None),
        ] {
            let found = age("--trust-state", text).ok();
            assert_eq!(found, seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_malformed_glob_is_told_wherever_the_fault_is() {
        for good in ["", "**", "library/**", "v1.*", "{a,b}/c", "v[0-9]*", "a?c"] {
            assert_eq!(glob("--tag", good), Ok(()), "{good}");
        }
        for bad in ["[", "library/[", "v1[", "a/b/c["] {
            assert!(glob("--tag", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn certificates_are_told_by_their_option_and_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, "").unwrap();
        assert_eq!(certificates("--ca", &path), Ok(String::new()));
        std::fs::write(&path, "no PEM").unwrap();
        for path in [path, directory.path().join("none")] {
            let told = format!("{:?}", certificates("--to-ca", &path));
            assert!(told.contains("--to-ca") && told.contains(path.to_str().unwrap()), "{told}");
        }
    }
}
