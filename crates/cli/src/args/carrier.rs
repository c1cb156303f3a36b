//! Arguments of `volley carrier`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley carrier list                                  carriers.toml here, and what runs
  volley carrier test north --to +4915112345678        before the first campaign
  volley carrier watch                                 the binds of a run, live")]
pub(crate) struct CarrierArgs {
    #[command(subcommand)]
    pub(crate) what: CarrierCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CarrierCommand {
    /// The carriers of a file, and what those that run are doing
    #[command(after_help = "\
Examples:
  volley carrier list
  volley carrier list --carriers /etc/volley/carriers.toml --json")]
    List(CarrierList),
    /// Try a carrier: binds, keep-alives, a message for each alphabet, ids
    #[command(after_help = "\
Examples:
  volley carrier test north                            binds and keep-alives alone
  volley carrier test north --to +4915112345678        and a message for each alphabet
  volley carrier test north --idle 90s --json > north.json
  volley carrier test north --to +4915112345678 --field template_id=1107

Messages go to the number given, to nobody else, and cost what the carrier charges. They belong
to no campaign. Receipts of other messages are left to the carrier. Exit codes: 0 all steps ok
or skipped, 1 a step failed, 4 no bind came up.")]
    Test(CarrierTestArgs),
    /// Watch the binds of a campaign that runs
    #[command(after_help = "\
Examples:
  volley carrier watch
  volley carrier watch --every 5s
  volley carrier watch --json | jq '.[].binds[] | {host, phase, limit, limit_since}'")]
    Watch(CarrierWatch),
}

#[derive(Debug, Args)]
pub(crate) struct CarrierList {
    /// The carriers file
    #[arg(long, value_name = "FILE", default_value = "carriers.toml")]
    pub(crate) carriers: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CarrierTestArgs {
    /// The carrier's name
    pub(crate) name: String,
    /// The carriers file
    #[arg(long, value_name = "FILE", default_value = "carriers.toml")]
    pub(crate) carriers: PathBuf,
    /// Send a message for each alphabet to this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<String>,
    /// The sender of these messages
    #[arg(long, value_name = "SENDER", default_value = "volley")]
    pub(crate) sender: String,
    /// How long the binds are left idle; enquire_link is sent three times in it
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration)]
    pub(crate) idle: Duration,
    /// How long to wait for answers, and then for receipts
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) patience: Duration,
    /// A value for a column that one of the carrier's own fields comes from
    #[arg(long = "field", value_name = "COLUMN=VALUE", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CarrierWatch {
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) every: Duration,
    /// Print what is now as JSON, once
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    volley_engine::options::HumanDuration::parse(text).map(|duration| duration.0)
}

fn field(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`: write COLUMN=VALUE"))?;
    Ok((column.to_owned(), value.to_owned()))
}
