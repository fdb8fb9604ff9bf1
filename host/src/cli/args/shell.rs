//! `portolan completions` and `portolan man`: what is made of these definitions for shells and man.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// `portolan completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan completions bash > ~/.local/share/bash-completion/completions/portolan
  portolan completions zsh > ~/.zfunc/_portolan
  portolan completions fish > ~/.config/fish/completions/portolan.fish")]
pub struct CompletionsArgs {
    /// The shell: bash, zsh or fish
    #[arg(value_enum, hide_possible_values = true)]
    pub shell: CompletedShell,
}

/// A shell whose completions are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompletedShell {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
}

impl From<CompletedShell> for Shell {
    fn from(shell: CompletedShell) -> Self {
        match shell {
            CompletedShell::Bash => Self::Bash,
            CompletedShell::Zsh => Self::Zsh,
            CompletedShell::Fish => Self::Fish,
        }
    }
}

/// `portolan man`.
#[derive(Debug, Args)]
#[command(after_help = "\
One page for each command: portolan.1, portolan-endpoint.1, portolan-endpoint-add.1 and so on.

Examples:
  portolan man /usr/local/share/man/man1
  portolan man ./man && man ./man/portolan-endpoint-add.1")]
pub struct ManArgs {
    /// Directory to write into; made where missing
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}
