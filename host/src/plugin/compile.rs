//! From WebAssembly to machine code, once: in this process or in a child of the binary.
//!
//! Code that is kept goes through [`super::cache`]; nothing here maps it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use portolan_core::oci::Digest;
use wasmtime::component::Component;

use super::{Compiler, Limits, PluginError, cache::Cache, imports::shown};

/// Longest time a compiling child may take.
const CHILD_TIME: Duration = Duration::from_secs(180);
/// First line of a job file: the limit the machine code depends on, then the component.
const JOB: &str = "portolan-compile memory=";
/// How the reason begins where it is the component that is at fault, in the child's words too.
const REFUSED: &str = "the component cannot be compiled";
/// Longest reason taken from a child, in bytes.
const MAX_REASON: usize = 1000;

/// Compiles, or maps what was compiled before.
pub(super) struct Workshop {
    pub(super) engine: wasmtime::Engine,
    pub(super) compiler: Compiler,
    pub(super) cache: Option<Cache>,
    pub(super) limits: Limits,
}

impl Workshop {
    /// The compiled component. Without a cache it is always compiled in this process.
    pub(super) async fn component(
        self: Arc<Self>,
        bytes: Bytes,
        digest: &Digest,
    ) -> Result<Component, PluginError> {
        let digest = digest.clone();
        let name = self.cache.as_ref().map(|_| Cache::name(&self.engine, &digest));
        let Some(name) = name else {
            return blocking(move || {
                Component::from_binary(&self.engine, &bytes).map_err(|e| refused(&e))
            })
            .await;
        };
        let (workshop, wanted) = (self.clone(), name.clone());
        if let Some(component) = blocking(move || Ok(workshop.mapped(&wanted))).await? {
            return Ok(component);
        }
        self.clone().build(bytes, &name).await?;
        blocking(move || {
            self.mapped(&name).ok_or_else(|| {
                PluginError::Internal("the component just compiled cannot be loaded".to_owned())
            })
        })
        .await
    }

    fn mapped(&self, name: &str) -> Option<Component> {
        self.cache.as_ref()?.map(&self.engine, name)
    }

    /// Compiles into a draft in the cache's directory and takes it in.
    async fn build(self: Arc<Self>, bytes: Bytes, name: &str) -> Result<(), PluginError> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let draft = cache.draft();
        match &self.compiler {
            Compiler::InProcess => {
                let (workshop, output) = (self.clone(), draft.path.clone());
                blocking(move || {
                    let code =
                        workshop.engine.precompile_component(&bytes).map_err(|e| refused(&e))?;
                    write_new(&output, &[&code])
                })
                .await?;
            }
            Compiler::Command(program) => {
                let input = cache.draft();
                let (workshop, path) = (self.clone(), input.path.clone());
                blocking(move || {
                    let line = format!("{JOB}{}\n", workshop.limits.memory);
                    write_new(&path, &[line.as_bytes(), &bytes])
                })
                .await?;
                run_child(program, &input.path, &draft.path).await?;
            }
        }
        let (workshop, name) = (self.clone(), name.to_owned());
        blocking(move || match &workshop.cache {
            Some(cache) => cache.admit(&draft, &name),
            None => Ok(()),
        })
        .await
    }
}

async fn run_child(program: &Path, input: &Path, output: &Path) -> Result<(), PluginError> {
    let failed = |why: String| {
        PluginError::Internal(format!("compiling an adapter with {}: {why}", program.display()))
    };
    let child = tokio::process::Command::new(program)
        .arg("compile-plugin")
        .args([input, output])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let done = match tokio::time::timeout(CHILD_TIME, child).await {
        Err(_) => return Err(failed(format!("no end after {} s", CHILD_TIME.as_secs()))),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(done)) => done,
    };
    if done.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    if let Some((_, why)) = text.split_once(REFUSED) {
        let why = shown(why.trim_end(), MAX_REASON);
        return Err(PluginError::Unusable(format!("{REFUSED}{why}")));
    }
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(failed(format!("{}: {last}", done.status)))
}

/// What the hidden subcommand `compile-plugin IN OUT` does: compiles the job `IN` (or a plain
/// component, with the default limits) into the new file `OUT`, mode 0600.
///
/// # Errors
/// A sentence for standard error: unreadable input, invalid component, existing output.
pub fn compile_to_file(input: &Path, output: &Path) -> Result<(), String> {
    let job = fs::read(input).map_err(|error| format!("{}: {error}", input.display()))?;
    let (memory, bytes) = read_job(&job).ok_or("the job's first line cannot be read")?;
    let limits = Limits { memory, concurrent_calls: 1, ..Limits::default() };
    let engine = wasmtime::Engine::new(&super::engine::config(&limits))
        .map_err(|error| format!("the engine cannot be made: {error:#}"))?;
    let code = engine.precompile_component(bytes).map_err(|error| refused(&error).to_string())?;
    write_new(output, &[&code]).map_err(|error| error.to_string())
}

fn read_job(job: &[u8]) -> Option<(usize, &[u8])> {
    let Some(rest) = job.strip_prefix(JOB.as_bytes()) else {
        return Some((Limits::default().memory, job));
    };
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (number, bytes) = rest.split_at_checked(end)?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, bytes.get(1..)?))
}

fn write_new(path: &Path, parts: &[&[u8]]) -> Result<(), PluginError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    };
    write().map_err(|error| {
        PluginError::Internal(format!("writing compiled code to {}: {error}", path.display()))
    })
}

fn refused(error: &wasmtime::Error) -> PluginError {
    PluginError::Unusable(format!("{REFUSED}: {error:#}"))
}

/// Runs work that takes long or touches files on a thread for it; a panic there is an error here.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PluginError> + Send + 'static,
) -> Result<T, PluginError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(PluginError::Unusable(format!("the component could not be read: {error}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_carry_the_memory_limit() {
        type Wanted<'a> = Option<(usize, &'a [u8])>;
        let cases: [(&[u8], Wanted); 4] = [
            (b"\0asm..", Some((Limits::default().memory, b"\0asm.."))),
            (b"portolan-compile memory=65536\n\0asm\n", Some((65536, b"\0asm\n"))),
            (b"portolan-compile memory=x\n\0asm", None),
            (b"portolan-compile memory=1", None),
        ];
        for (job, wanted) in cases {
            assert_eq!(read_job(job), wanted);
        }
    }

    /// The smallest component there is.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A compiler that is a script; `$2` is the job, `$3` the output.
    fn script(directory: &Path, text: &str) -> Compiler {
        let program = directory.join("compiler");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Compiler::Command(program)
    }

    fn workshop(directory: &Path, compiler: Compiler) -> Arc<Workshop> {
        let limits = Limits { memory: 1 << 20, concurrent_calls: 1, ..Limits::default() };
        let engine = wasmtime::Engine::new(&super::super::engine::config(&limits)).unwrap();
        let cache = Some(Cache::open(directory.join("cache")).unwrap());
        Arc::new(Workshop { engine, compiler, cache, limits })
    }

    #[tokio::test]
    async fn a_child_compiles_once_and_what_it_made_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (path, digest) = (dir.path(), Digest::of(EMPTY));
        let text = format!(
            "head -1 \"$2\" > {0}/seen; cp {0}/code \"$3\"; chmod 600 \"$3\"",
            path.display()
        );
        let workshop = workshop(path, script(path, &text));
        let code = workshop.engine.precompile_component(EMPTY).unwrap();
        fs::write(path.join("code"), code).unwrap();
        for _ in 0..2 {
            workshop.clone().component(EMPTY.into(), &digest).await.unwrap();
            fs::remove_file(path.join("code")).ok();
        }
        let seen = fs::read_to_string(path.join("seen")).unwrap();
        assert_eq!(seen, "portolan-compile memory=1048576\n");
    }

    #[tokio::test]
    async fn a_child_that_fails_says_why() {
        let dir = tempfile::tempdir().unwrap();
        for (text, wanted) in [
            ("echo first >&2; echo it is broken >&2; exit 3", "it is broken"),
            ("kill -9 $$", "no reason given"),
            ("echo \"error: the component cannot be compiled: x (at 0x9)\" >&2; exit 1", REFUSED),
            ("true", "No such file"),
            ("echo nonsense > \"$3\"; chmod 600 \"$3\"", "cannot be loaded"),
        ] {
            let workshop = workshop(dir.path(), script(dir.path(), text));
            let error = workshop.component(EMPTY.into(), &Digest::of(EMPTY)).await.err().unwrap();
            assert!(error.to_string().contains(wanted), "{text}: {error}");
            let is_the_components = matches!(error, PluginError::Unusable(_));
            assert_eq!(is_the_components, wanted.starts_with(REFUSED), "{text}: {error}");
        }
        let files: Vec<_> = fs::read_dir(dir.path().join("cache")).unwrap().flatten().collect();
        assert!(files.iter().all(|it| !it.file_name().to_string_lossy().contains("draft")));
    }

    #[test]
    fn what_the_child_makes_fits_the_parent() {
        let dir = tempfile::tempdir().unwrap();
        let (input, output) = (dir.path().join("in"), dir.path().join("out"));
        fs::write(&input, [b"portolan-compile memory=1048576\n", EMPTY].concat()).unwrap();
        compile_to_file(&input, &output).unwrap();
        let parent = workshop(dir.path(), Compiler::InProcess);
        let name = Cache::name(&parent.engine, &Digest::of(EMPTY));
        let cache = parent.cache.as_ref().unwrap();
        let draft = cache.draft();
        fs::rename(&output, &draft.path).unwrap();
        cache.admit(&draft, &name).unwrap();
        assert!(cache.map(&parent.engine, &name).is_some());
        assert!(compile_to_file(&input, &cache.draft().path).is_ok());
        assert!(compile_to_file(&input, &input).unwrap_err().contains("exists"));
    }

    #[test]
    fn what_is_no_component_is_said_to_be_none() {
        let dir = tempfile::tempdir().unwrap();
        let (input, output) = (dir.path().join("in"), dir.path().join("out"));
        fs::write(&input, b"not wasm").unwrap();
        let error = compile_to_file(&input, &output).unwrap_err();
        assert!(error.starts_with("the component cannot be compiled"), "{error}");
        assert!(!output.exists());
    }
}
