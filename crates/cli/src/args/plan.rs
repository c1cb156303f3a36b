//! Arguments of `volley plan`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley check campaign.toml --save            saves a plan and prints its hash
  volley plan list
  volley plan show 4f1d9a2c                    what was saved, key by key
  volley run campaign.toml --approved 4f1d9a2c
  volley plan remove 4f1d9a2c

A plan's hash is the SHA-256 of its terms: the campaign's keys, those of its carriers (without
secrets), and the list as it was frozen. It is the same on any machine. No number of the list
stands in a plan.")]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(crate) what: PlanCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// The plans that were saved: waiting, or approved by being run
    #[command(after_help = "\
Examples:
  volley plan list
  volley plan list --json | jq '.[] | select(.status == \"waiting\")'")]
    List(PlanList),
    /// What a saved plan consists of, for whoever is to approve it
    #[command(after_help = "\
Examples:
  volley plan show 4f1d9a2c
  volley plan show 4f1d9a2c --json | jq -r '.terms.campaign[\"message.text\"]'")]
    Show(PlanShow),
    /// Remove a saved plan; a campaign that it became stays
    #[command(after_help = "\
Examples:
  volley plan remove 4f1d9a2c")]
    Remove(PlanRemove),
}

#[derive(Debug, Args)]
pub(crate) struct PlanList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanShow {
    /// Its hash, or the first digits of it, 8 at least
    pub(crate) hash: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanRemove {
    /// Its hash, or the first digits of it, 8 at least
    pub(crate) hash: String,
}
