//! Arguments of `volley suppress`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use volley_engine::UnixMicros;

use super::erase::moment;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley suppress add +4915112345678 --reason \"called us\"     gets nothing from here on
  volley suppress import robinson.csv --list brand-x --source \"Robinson list\"
  volley suppress list                                         the lists, in numbers
  volley suppress export --list brand-x > brand-x.csv
  volley suppress check +4915112345678
  volley suppress remove +4915112345678

The list `global` applies to every campaign; others to those that name them with `suppress` under
[audience]. Each row is asked again right before it is sent.")]
pub(crate) struct SuppressArgs {
    #[command(subcommand)]
    pub(crate) what: SuppressCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuppressCommand {
    /// Put a number on a suppression list
    #[command(after_help = "\
Examples:
  volley suppress add +4915112345678
  volley suppress add '0151 12345678' --country DE --list brand-x --expires 2027-03-01
  volley suppress add +4915112345678 --source hotline --reason \"ticket 17\"

A number that is there stays since when it was; of two ends the later counts.")]
    Add(SuppressAdd),
    /// Take a number off a list
    #[command(after_help = "\
Examples:
  volley suppress remove +4915112345678
  volley suppress remove +4915112345678 --list brand-x

Numbers that were erased stay on the global list.")]
    Remove(SuppressNumber),
    /// Put all numbers of a CSV on a list
    #[command(after_help = "\
Examples:
  volley suppress import robinson.csv
  volley suppress import moved.csv --column msisdn --country DE --list brand-x --expires 2027-03-01

The number stands in the column that --column names, else in the first one; a header may be missing
then. Columns `source`, `reason` and `expires` (a date) count where they are there. Rows that can't
be read are listed with their line and passed over: exit code 1 then.")]
    Import(SuppressImportArgs),
    /// Write a list, or all, as CSV with full numbers
    #[command(after_help = "\
Examples:
  volley suppress export > suppressed.csv
  volley suppress export --list brand-x > brand-x.csv

Of people who were erased only the keyed hash is known: their lines have no number.")]
    Export(SuppressExport),
    /// The lists in numbers, or the numbers on one
    #[command(after_help = "\
Examples:
  volley suppress list
  volley suppress list --list brand-x --full-numbers
  volley suppress list --list global --json")]
    List(SuppressListArgs),
    /// Say whether a number is on a list, since when and why
    #[command(after_help = "\
Examples:
  volley suppress check +4915112345678
  volley suppress check '0151 12345678' --country DE --json")]
    Check(SuppressCheck),
}

#[derive(Debug, Args)]
pub(crate) struct SuppressAdd {
    #[command(flatten)]
    pub(crate) number: SuppressNumber,
    #[command(flatten)]
    pub(crate) with: SuppressWith,
}

/// What is kept with numbers.
#[derive(Debug, Args)]
pub(crate) struct SuppressWith {
    /// Where they come from
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) source: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// From when on they count no more (a date, or RFC 3339) [default: for good]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) expires: Option<UnixMicros>,
}

#[derive(Debug, Args)]
pub(crate) struct SuppressNumber {
    /// The number, with its country code or with --country
    #[arg(allow_hyphen_values = true)]
    pub(crate) number: String,
    /// The list
    #[arg(long, value_name = "NAME", default_value = "global")]
    pub(crate) list: String,
    /// Country (ISO 3166, such as DE) of a number without a country code
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) country: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SuppressCheck {
    /// The number, with its country code or with --country
    #[arg(allow_hyphen_values = true)]
    pub(crate) number: String,
    /// One list [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Option<String>,
    /// Country (ISO 3166, such as DE) of a number without a country code
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) country: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SuppressImportArgs {
    /// The CSV
    pub(crate) file: PathBuf,
    /// The column with the number [default: the first]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<String>,
    /// The delimiter [default: found out from the file]
    #[arg(long, value_name = "SIGN")]
    pub(crate) delimiter: Option<char>,
    /// The list
    #[arg(long, value_name = "NAME", default_value = "global")]
    pub(crate) list: String,
    /// Country (ISO 3166, such as DE) of numbers without a country code
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) country: Option<String>,
    #[command(flatten)]
    pub(crate) with: SuppressWith,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SuppressExport {
    /// One list [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Option<String>,
    /// Print JSON instead
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SuppressListArgs {
    /// The numbers on this one
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Option<String>,
    /// Show numbers in full; they are masked else
    #[arg(long)]
    pub(crate) full_numbers: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
