//! `volley init`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley init                            campaign.toml, carriers.toml and a sample list, here
  volley init spring                     in a folder of that name
  volley init --from customers.csv.gz    for a list of your own: which column holds what is proposed
  volley init winter --from customers.csv --country DE

The carrier is one that volley plays itself: nothing reaches a phone. Files that are there already
are left as they are, and nothing is written then (exit code 2).")]
pub(crate) struct InitArgs {
    /// The folder; made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// A list of your own: CSV in any form, plain, gzip or zstd. It stays where it is
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Country (ISO 3166, such as DE) of numbers without a country code
    #[arg(long, value_name = "COUNTRY", requires = "from")]
    pub(crate) country: Option<String>,
}
