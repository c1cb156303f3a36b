//! `volley watch`.

use std::time::Duration;

use clap::Args;

use super::carrier::duration;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley watch                       the campaign that runs, from another terminal
  volley watch spring-sale
  volley watch --json-lines          a JSON object for each look, for programs

Only looks: Ctrl-C ends the view, and the campaign goes on.")]
pub(crate) struct WatchArgs {
    /// The campaign's name or number [default: the one that runs]
    pub(crate) campaign: Option<String>,
    /// How often to look [default: 200ms on a terminal, else 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) every: Option<Duration>,
    /// One JSON object on a line for each look
    #[arg(long)]
    pub(crate) json_lines: bool,
}
