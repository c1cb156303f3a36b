//! `volley check`.

use std::path::PathBuf;

use clap::Args;

use super::RejectsArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley check campaign.toml
  volley check campaign.toml --json | jq '.verdict'
  volley check campaign.toml --json | jq '.cost.by_country'
  volley check campaign.toml --rejects rejects.csv
  volley check campaign.toml --save           keeps it as a plan that `run --approved` takes
  volley check campaign.toml --carriers /etc/volley/carriers.toml

Every row is read, rejected or made into its message as for sending; nothing is sent, and nothing
is remembered without --save.

Exit codes:
  0 it can run · 1 no row is ready, or it can't be done by the deadline · 2 wrong configuration
  3 a limit under [guards] of the campaign file is passed")]
pub(crate) struct CheckArgs {
    /// The campaign file
    pub(crate) campaign: PathBuf,
    /// The carriers file [default: carriers.toml beside the campaign file]
    #[arg(long, value_name = "FILE")]
    pub(crate) carriers: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rejects: RejectsArgs,
    /// Save it as a plan, if it can run: `volley run --approved HASH` sends exactly that
    #[arg(long)]
    pub(crate) save: bool,
    /// Who saves it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) by: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub(crate) no_progress: bool,
}
