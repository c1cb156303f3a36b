//! Arguments of `volley explain`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley explain spring-sale                     why it runs at this rate now
  volley explain spring-sale +4915112345678      why this recipient was sent to, skipped or deferred
  volley explain spring-sale 015112345678 --json

Works while the campaign runs, whose process is asked then. A number without a country code is read as
the campaign reads its list.")]
pub(crate) struct ExplainArgs {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// A recipient [default: the campaign as a whole]
    pub(crate) number: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
