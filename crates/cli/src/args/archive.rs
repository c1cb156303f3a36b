//! Arguments of `volley archive`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::carrier::duration;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley archive spring-sale
  volley archive spring-sale --to /backup/spring-sale.tar.zst
  volley archive --finished --older-than 30d --json
  volley report --archive .volley/archives/1-spring-sale.tar.zst --csv
  tar --zstd -tf .volley/archives/1-spring-sale.tar.zst      what is in it

The archive holds the frozen list, what was rejected, the final report, a line for each recipient,
and the ledger's rows; anyone who has it can read the numbers in it. The campaign stays in `volley
list` with its final sums; receipts that come later count as unknown. Only finished campaigns are
archived. Works while nothing runs; asked again after a crash, it goes on. Exit codes: 0 archived,
2 not finished, 6 rows are in doubt.")]
pub(crate) struct ArchiveArgs {
    /// The campaign's name or number
    #[arg(required_unless_present = "finished")]
    pub(crate) campaign: Option<String>,
    /// All finished campaigns; those with rows in doubt are left alone
    #[arg(long, conflicts_with_all = ["campaign", "to"])]
    pub(crate) finished: bool,
    /// Of those, only campaigns to which nothing has happened for so long
    #[arg(long, value_name = "TIME", requires = "finished", default_value = "0s", value_parser = duration)]
    pub(crate) older_than: Duration,
    /// The archive file [default: archives/NUMBER-NAME.tar.zst in the data directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    /// Also with rows in doubt: they stay so for ever
    #[arg(long)]
    pub(crate) even_in_doubt: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
