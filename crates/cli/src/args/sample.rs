//! `volley sample`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley sample campaign.toml                      ten rows, drawn by seed 1
  volley sample campaign.toml -n 50 --seed 7 --json
  volley sample campaign.toml --rows 5,17,131      rows by their line in the list
  volley sample campaign.toml --full-numbers

Exit codes: 0, or 1 when a row that was asked for by line gets no message.")]
pub(crate) struct SampleArgs {
    /// The campaign file
    pub(crate) campaign: PathBuf,
    /// How many rows, drawn from those that can be sent
    #[arg(short, long = "number", value_name = "N", default_value_t = 10)]
    pub(crate) n: usize,
    /// Same list and seed, same rows
    #[arg(long, default_value_t = 1, conflicts_with = "rows")]
    pub(crate) seed: u64,
    /// These rows instead, by the lines of the list in which they begin, as previews and rejects
    /// name them; the header is line 1
    #[arg(long, value_name = "LINES", value_delimiter = ',', conflicts_with = "n")]
    pub(crate) rows: Vec<u64>,
    /// Show whole numbers
    #[arg(long)]
    pub(crate) full_numbers: bool,
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
