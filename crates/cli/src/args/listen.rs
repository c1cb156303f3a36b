//! Arguments of `volley listen`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley listen                                   all carriers of carriers.toml here
  volley listen north --carriers /etc/volley/carriers.toml
  volley listen --json > taken.json               ends with Ctrl-C, then says what it took

Binds the carriers and sends nothing: late receipts reach their campaigns, STOP and START change the
suppression list, and all of it is acknowledged when it is durable. It owns the data directory; a
campaign that runs takes receipts and replies by itself.")]
pub(crate) struct ListenArgs {
    /// The carriers [default: all of the file but simulated ones]
    #[arg(value_name = "CARRIER")]
    pub(crate) names: Vec<String>,
    /// The carriers file
    #[arg(long, value_name = "FILE", default_value = "carriers.toml")]
    pub(crate) carriers: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
