//! Arguments of `volley doubt` and `volley doctor`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley doubt list spring-sale
  volley doubt resolve spring-sale --as sent --rows 17,20-25 --why \"the carrier's portal shows them\"
  volley doubt resolve spring-sale --as resend          all of them, as possible duplicates")]
pub(crate) struct DoubtArgs {
    #[command(subcommand)]
    pub(crate) what: DoubtCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DoubtCommand {
    /// The rows whose fate is unknown
    #[command(after_help = "\
Examples:
  volley doubt list spring-sale
  volley doubt list spring-sale --json | jq '.rows[].line'

Works while a campaign runs, whose process is asked then.")]
    List(DoubtList),
    /// Say what became of rows in doubt, or have them sent again
    #[command(after_help = "\
Examples:
  volley doubt resolve spring-sale --as sent --rows 17,20-25 --why \"the carrier's portal shows them\"
  volley doubt resolve spring-sale --as failed --yes
  volley doubt resolve spring-sale --as resend && volley resume spring-sale

The decision is kept in the journal with who and why. What is sent again counts as a possible
duplicate. A receipt that can only be of such a row corrects `sent` and `failed`, also later, and tells
of a resent row that it was taken twice. Exit codes: 0 none is left in doubt, 6 some are.")]
    Resolve(DoubtResolve),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley doctor                         looks, changes nothing
  volley doctor --json | jq '.findings'
  volley doctor --repair                cuts a torn tail, rebuilds a damaged store

Each campaign is added up three times: by the counters, from the rows in the store, and from the
journal alone. Works while nothing runs. Exit codes: 0 all is well, or was mended; 7 damaged.")]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended without losing anything, and look again
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoubtList {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoubtResolve {
    /// The campaign's name or number
    pub(crate) campaign: String,
    /// What they count as, or `resend`
    #[arg(long = "as", value_name = "VERDICT")]
    pub(crate) verdict: Verdict,
    /// Row numbers as `doubt list` shows them, and ranges of them [default: all in doubt]
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = rows)]
    pub(crate) rows: Vec<(u64, u64)>,
    /// Why, for whoever reads the journal
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) why: String,
    /// Who decides
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) by: String,
    /// Decide without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a person says of rows in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// The carrier took them
    Sent,
    /// It did not, and they are given up
    Failed,
    /// Send them once more: possible duplicates
    Resend,
}

fn rows(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let number =
        |digits: &str| digits.trim().parse::<u64>().map_err(|_| format!("`{text}` is no row: write 17 or 20-25"));
    let (from, to) = (number(from)?, number(to)?);
    let most = 1_000_000;
    if from > to || to - from >= most {
        return Err(format!("`{text}` is no range of up to {most} rows"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn rows_are_numbers_and_ranges() {
        assert_eq!((rows("17"), rows("20-25")), (Ok((17, 17)), Ok((20, 25))));
        assert!(["", "x", "5-3", "1-99999999", "-4"].iter().all(|text| rows(text).is_err()));
    }
}
