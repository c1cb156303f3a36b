//! `volley report`.

use std::path::PathBuf;

use clap::{Args, builder::TypedValueParser as _};
use volley_engine::{By, ReportZone};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley report spring-sale
  volley report spring-sale --json
  volley report spring-sale --csv recipients-report.csv     one line for each recipient
  volley report spring-sale --html report.html              a page for browser, phone and paper
  volley report spring-sale --by country                    also carrier, sender, variant, error, hour
  volley report spring-sale --by hour --time-zone Europe/Berlin --csv > hours.csv
  volley report --archive .volley/archives/1-spring-sale.tar.zst --csv > rows.csv

Every column of a breakdown adds up to the whole report. Amounts are exact; several currencies stand
side by side and are never added.")]
pub(crate) struct ReportArgs {
    /// The campaign's name or number
    #[arg(required_unless_present = "archive")]
    pub(crate) campaign: Option<String>,
    /// Where to write it [default: stdout]
    pub(crate) file: Option<PathBuf>,
    /// From an archive file, wherever it lies; every octet of it is checked first
    #[arg(long, value_name = "ARCHIVE", conflicts_with_all = ["by", "html", "file"])]
    pub(crate) archive: Option<PathBuf>,
    /// Break it down: a line for each
    #[arg(long, value_name = "WHAT", value_parser = by())]
    pub(crate) by: Option<By>,
    /// JSON
    #[arg(long, conflicts_with_all = ["csv", "html"])]
    pub(crate) json: bool,
    /// CSV: a line for each recipient, or with --by for each line of the breakdown
    #[arg(long, conflicts_with = "html")]
    pub(crate) csv: bool,
    /// A self-contained HTML page
    #[arg(long, conflicts_with = "by")]
    pub(crate) html: bool,
    /// The zone that hours are shown in, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = ReportZone::named)]
    pub(crate) time_zone: ReportZone,
    /// No progress on stderr
    #[arg(long)]
    pub(crate) no_progress: bool,
}

/// How the report comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportForm {
    Table,
    Json,
    Csv,
    Html,
}

impl ReportArgs {
    pub(crate) const fn form(&self) -> ReportForm {
        match (self.json, self.csv, self.html) {
            (true, _, _) => ReportForm::Json,
            (_, true, _) => ReportForm::Csv,
            (_, _, true) => ReportForm::Html,
            (false, false, false) => ReportForm::Table,
        }
    }
}

fn by() -> impl clap::builder::TypedValueParser<Value = By> {
    let names = clap::builder::PossibleValuesParser::new(By::ALL.map(By::name));
    names.try_map(|name| By::ALL.into_iter().find(|by| by.name() == name).ok_or("no such breakdown"))
}
