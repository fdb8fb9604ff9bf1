//! The `portolan` program: arguments in, exit status out. The only reader of the environment.

use std::{mem, num::NonZero, process::ExitCode, thread, time::Duration};

use clap::Parser;
use portolan::{
    cli::{
        self,
        args::{Cli, Command},
        output::{self, Failure},
    },
    config::Config,
    daemon,
};
use tokio::runtime;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::finish_parsing(&error),
    };
    let runtime = match threads(&cli.command).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::finish(Err(Failure::new(format!("cannot start threads: {error}"))));
        }
    };
    let is_copy = matches!(cli.command, Command::Replicate(_));
    let result = runtime.block_on(run(cli.command));
    if is_copy {
        // It has ended what it began. What is left are connections, which end with the process.
        mem::forget(runtime);
    } else {
        // A read of standard input cannot be cancelled: it must not hold up the exit.
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    output::finish(result)
}

/// The threads of a command. A copy takes half of the cores: the registries are at work meanwhile,
/// here or elsewhere, and threads that wake each other for a little at a time cost more than they
/// bring (on two cores a tenth of the processor time, and a twentieth of the wall time).
fn threads(command: &Command) -> runtime::Builder {
    if !matches!(command, Command::Replicate(_)) {
        return runtime::Builder::new_multi_thread();
    }
    match thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2) {
        1 => runtime::Builder::new_current_thread(),
        half => {
            let mut threads = runtime::Builder::new_multi_thread();
            threads.worker_threads(half);
            threads
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => {
            let config = Config::load(&args.into(), environment)?;
            Ok(daemon::serve(config).await?)
        }
        Command::Demo(args) => cli::demo::run(args, environment).await,
        Command::Replicate(args) => cli::replicate::run(*args, environment).await,
        Command::Noun(noun) => cli::run(noun, environment).await,
        Command::Restore(args) => cli::backup::restore(&args, environment),
        Command::Doctor(args) => cli::doctor(args, environment).await,
        Command::Completions(args) => cli::shell::completions(&args),
        Command::Man(args) => cli::shell::man(&args),
        Command::CompilePlugin(args) => {
            portolan::compile_to_file(&args.input, &args.output).map_err(Failure::new)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
