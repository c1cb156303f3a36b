//! Arguments of `volley pause`, `pace`, `cancel` and `audit`.

use clap::Args;
use volley_engine::Rate;

const WHERE: &str = "\
Acts on the process that runs the campaign, within a second, and returns when the order is durable; without one
the next run begins with it. `volley audit` shows who ordered what, when and why.";

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  volley pause spring-sale --reason \"wrong link\"
  volley pause spring-sale --carrier north       the others go on, and take what north has not begun
  volley resume spring-sale                      lifts it

Nothing is begun; what is in flight is answered, and receipts are taken. A pause is no attempt, and outlives
a crash. {WHERE}"))]
pub(crate) struct PauseArgs {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// Pause one carrier alone
    #[arg(long, value_name = "NAME")]
    pub(crate) carrier: Option<String>,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  volley pace spring-sale 200/s
  volley pace spring-sale 50/s --carrier north --reason \"the carrier asked for it\"
  volley pace spring-sale default                back to what the files say

A change lets no burst out: the next segment leaves after one interval of the new rate. {WHERE}"))]
pub(crate) struct PaceArgs {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// Segments, such as 200/s, 30/min or 5000/h, or `default`
    #[arg(value_parser = pace)]
    pub(crate) rate: Pace,
    /// Of one carrier alone, over its binds
    #[arg(long, value_name = "NAME")]
    pub(crate) carrier: Option<String>,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  volley cancel spring-sale
  volley cancel spring-sale --yes --reason \"sent to the wrong list\"

What was not begun becomes `cancelled`, for good; what is in flight is answered, and receipts are taken.
{WHERE}"))]
pub(crate) struct CancelArgs {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// Cancel without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley audit
  volley audit spring-sale --json | jq '.[] | select(.order == \"cancel\")'

What people and guards ordered, oldest first. Nothing is ever taken out of it.")]
pub(crate) struct AuditArgs {
    /// The campaign's name or number [default: all]
    pub(crate) campaign: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// Why, for whoever reads the audit log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Who orders it; the machine's name is added
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) by: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A rate, or what the files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace(pub(crate) Option<Rate>);

fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "default" => Ok(Pace(None)),
        rate => rate
            .parse()
            .map(|rate| Pace(Some(rate)))
            .map_err(|error: <Rate as std::str::FromStr>::Err| error.to_string()),
    }
}
