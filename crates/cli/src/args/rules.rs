//! `volley rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) what: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List all rule packs, a line each
    List(RulesList),
    /// Show what holds in a country
    Show(RulesShow),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley rules list
  volley rules list --json
  volley rules list --file my-rules.toml        a file that `rules` of a campaign names")]
pub(crate) struct RulesList {
    /// Packs of this file, in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley rules show FR
  volley rules show US --json

Exit codes: 0, or 1 when no pack is for the country.")]
pub(crate) struct RulesShow {
    /// The country, two capital letters
    pub(crate) country: String,
    /// Packs of this file, in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
