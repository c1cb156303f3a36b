//! Arguments of `volley replies`.

use clap::Args;

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
