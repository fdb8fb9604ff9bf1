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

use portolan_core::oci::Digest;
use wasmtime::component::Component;

use super::{Compiler, Limits, PluginError, cache::Cache};

/// Longest time a compiling child may take.
const CHILD_TIME: Duration = Duration::from_secs(180);
/// First line of a job file: the limit the machine code depends on, then the component.
const JOB: &str = "portolan-compile memory=";

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
        bytes: Arc<[u8]>,
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
    async fn build(self: Arc<Self>, bytes: Arc<[u8]>, name: &str) -> Result<(), PluginError> {
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
    PluginError::Unusable(format!("the component cannot be compiled: {error:#}"))
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
        let cases: [(&[u8], Option<(usize, &[u8])>); 4] = [
            (b"\0asm..", Some((Limits::default().memory, b"\0asm.."))),
            (b"portolan-compile memory=65536\n\0asm\n", Some((65536, b"\0asm\n"))),
            (b"portolan-compile memory=x\n\0asm", None),
            (b"portolan-compile memory=1", None),
        ];
        for (job, wanted) in cases {
            assert_eq!(read_job(job), wanted);
        }
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
