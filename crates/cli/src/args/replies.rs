//! Arguments of `volley replies` and `volley suppress`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley replies                        all, oldest first
  volley replies spring-sale --json
  volley replies --csv --full-numbers > replies.csv")]
pub(crate) struct RepliesArgs {
    /// Only from recipients of this campaign, by name or number [default: all]
    pub(crate) campaign: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print a line for each reply
    #[arg(long)]
    pub(crate) csv: bool,
    /// Show senders' numbers in full; they are masked else
    #[arg(long)]
    pub(crate) full_numbers: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley suppress add +4915112345678    gets nothing from here on
  volley suppress check +4915112345678
  volley suppress remove +4915112345678")]
pub(crate) struct SuppressArgs {
    #[command(subcommand)]
    pub(crate) what: SuppressCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuppressCommand {
    /// Put a number on the suppression list
    Add(SuppressNumber),
    /// Take a number off it
    Remove(SuppressNumber),
    /// Say whether a number is on it, since when and why
    Check(SuppressNumber),
}

#[derive(Debug, Args)]
pub(crate) struct SuppressNumber {
    /// The number, with its country code
    #[arg(allow_hyphen_values = true)]
    pub(crate) number: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
