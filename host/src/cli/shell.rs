//! `portolan completions` and `portolan man`: made of the same definitions that parse what is typed.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{
    args::{Cli, CompletionsArgs, ManArgs},
    output::{self, Failure},
};

/// Prints the completions of one shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(Shell::from(args.shell), &mut Cli::command(), "portolan", &mut script);
    output::whole(&String::from_utf8_lossy(&script))
}

/// Writes a manual page for each command.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn man(args: &ManArgs) -> Result<(), Failure> {
    let directory = &args.directory;
    let failed = |error: io::Error| {
        Failure::new(format!("cannot write manual pages into {}: {error}", directory.display()))
            .hint("name a directory that you may write to")
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let mut cli = Cli::command();
    cli.build();
    let count = pages(&cli, directory).map_err(failed)?;
    output::line(&format!("{count} pages written into {}", directory.display()))
}

/// The page of a command and those of what is below it.
fn pages(command: &Command, directory: &Path) -> io::Result<usize> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)?;
    let mut count = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        count += pages(below, directory)?;
    }
    Ok(count)
}
