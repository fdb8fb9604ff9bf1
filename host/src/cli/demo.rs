//! `portolan demo`: shows what it does, and stays up to be looked at.

use std::path::PathBuf;

use super::{
    args::DemoArgs,
    output::{self, Failure},
};
use crate::{
    Compiler,
    config::cache_dir,
    daemon,
    oneshot::demo::{self, Demo, Outcome},
};

/// Runs the demonstration; with `--once` it ends after one run.
///
/// # Errors
/// When it cannot start, or something did not arrive.
pub async fn run(args: DemoArgs, lookup: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
    if !args.once {
        daemon::may_show_on(args.listen)?;
    }
    // One run needs one adapter; whoever looks around wants to see them all.
    let providers: Vec<&str> = match args.once {
        true => vec![demo::PROVIDER],
        false => bundled_plugins::ALL.iter().map(|bundled| bundled.provider).collect(),
    };
    let demo = Demo::start(&providers, cache_dir(&lookup), compiler()?).await?;
    let (from, to) = demo.addresses();
    output::line(&format!("registry harbour at {from}, filled with two sample images"))?;
    output::line(&format!("registry island at {to}, empty, wants a token"))?;
    output::line("rule: every repository below tools goes to mirror/ on island")?;
    let outcome = demo.run().await?;
    print(&outcome)?;
    if !args.once {
        output::line("ends with Ctrl-C; nothing is kept")?;
        return Ok(daemon::show(demo.host.clone(), args.listen).await?);
    }
    if outcome.verified {
        Ok(())
    } else {
        Err(Failure::new("the demonstration failed: not everything arrived whole"))
    }
}

fn print(outcome: &Outcome) -> Result<(), Failure> {
    outcome.lines.iter().try_for_each(|line| output::line(line))
}

/// This program compiles adapters in a child of itself.
pub(super) fn compiler() -> Result<Compiler, Failure> {
    let program: PathBuf = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find this program's own file: {error}")))?;
    Ok(Compiler::Command(program))
}
