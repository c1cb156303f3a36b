//! What explains the rest: `volley help`, `completions`, `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley help run                  a command, as `volley run --help`
  volley help suppress import
  volley help text                 a topic
  volley help recipes | less

Topics: campaign, carriers, schedule, text, contract, receipts, simulator, errors, exit-codes, recipes")]
pub(crate) struct HelpArgs {
    /// A topic, or a command with its subcommand
    #[arg(value_name = "TOPIC|COMMAND")]
    pub(crate) what: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley completions bash > ~/.local/share/bash-completion/completions/volley
  volley completions zsh > ~/.zfunc/_volley
  volley completions fish > ~/.config/fish/completions/volley.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley man | man -l -
  volley man /usr/local/share/man/man1     a page for each command")]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this folder instead of one to stdout
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
