//! Arguments of `volley send-test`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::carrier::duration;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley send-test campaign.toml --to +4915112345678
  volley send-test campaign.toml --to +4915112345678 --row 131 --carrier south
  volley send-test campaign.toml --to +4915112345678 --dry-run --json | jq -r .text

The list is read as for sending, and the message made of one row's values goes to the phone that is
named, to nobody else. It counts in no campaign and costs what the carrier charges. A phone on a
suppression list that applies gets nothing. Exit codes: 0 accepted and not undelivered, 1 refused,
unanswered, undelivered or suppressed, 4 no bind came up.")]
pub(crate) struct SendTestArgs {
    /// The campaign file
    pub(crate) campaign: PathBuf,
    /// The phone
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: String,
    /// Which of the campaign's carriers [default: the first route's]
    #[arg(long, value_name = "NAME")]
    pub(crate) carrier: Option<String>,
    /// The row whose values are taken, by its line in the list [default: the first that can be sent]
    #[arg(long, value_name = "LINE")]
    pub(crate) row: Option<u64>,
    /// Show the message, send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Send without asking. Simulated carriers and those on this machine are never asked for
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// How long to wait for answers, and then for receipts
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) patience: Duration,
    /// The carriers file [default: carriers.toml beside the campaign file]
    #[arg(long, value_name = "FILE")]
    pub(crate) carriers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub(crate) no_progress: bool,
}
