//! Arguments of `volley erase`.

use clap::Args;
use volley_engine::UnixMicros;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley erase +4915112345678                     asks first
  volley erase '0151 12345678' --country DE --yes --reason \"request 17\"
  volley erase --expired                          campaigns whose `retention` is over
  volley erase --expired --as-of 2027-03-01 --json

Frozen lists, rejected rows, replies, suppression lists with their numbers, what simulated carriers
remember and files exported into the data directory lose the person: rows stay in their place,
without number and values, so that every sum stays what it was. The number stays suppressed by its
keyed hash, and what still waited for it is not sent. The journal keeps that it happened: when, who,
why, the keyed hash, and what the changed files are now. It holds no numbers; the carriers' ids of
messages stay in it. Your own lists outside of the data directory are named, not changed. A kill in
the middle loses nothing: the next command finishes it. Works while nothing runs (exit code 5).")]
pub(crate) struct EraseArgs {
    /// The number, with its country code or with --country
    #[arg(allow_hyphen_values = true, required_unless_present = "expired", conflicts_with = "expired")]
    pub(crate) number: Option<String>,
    /// Country (ISO 3166, such as DE) of a number without a country code
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) country: Option<String>,
    /// What for, for whoever reads the journal
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Who asks for it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) by: String,
    /// Erase everybody from the campaigns whose `retention` is over
    #[arg(long)]
    pub(crate) expired: bool,
    /// With --expired: what is over by then (a date, or RFC 3339) [default: now]
    #[arg(long, value_name = "WHEN", requires = "expired", value_parser = moment)]
    pub(crate) as_of: Option<UnixMicros>,
    /// Erase without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn moment(text: &str) -> Result<UnixMicros, String> {
    volley_engine::moment(text).ok_or_else(|| format!("`{text}` is no date: write 2027-03-01 or 2027-03-01T12:00:00Z"))
}
