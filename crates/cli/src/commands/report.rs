//! `volley report`.

use std::{
    io::{self, Write},
    path::Path,
};

use serde_json::json;
use volley_engine::{ArchiveFile, By, DataDir, Error, Report};

use crate::{
    args::{ReportArgs, ReportForm, StatusArgs},
    failure::{Code, Failure},
    output::{breakdown_table, summary_table, write_file},
    progress::ReportProgress,
};

/// Octets that go to the system at once.
const BUFFER: usize = 1 << 20;
/// What an HTML page is broken down by.
const ON_A_PAGE: [By; 4] = [By::Carrier, By::Country, By::Error, By::Hour];

pub(crate) fn report(data: &DataDir, args: &ReportArgs) -> Result<Code, Failure> {
    let numbers_alone = matches!(args.form(), ReportForm::Table | ReportForm::Json) && args.by.is_none();
    let campaign = match (&args.archive, &args.campaign) {
        (Some(archive), to) => return from_archive(archive, to.as_deref().map(Path::new), args),
        (None, campaign) => campaign.clone().unwrap_or_default(),
    };
    let report = match Report::open(data, &campaign) {
        // The numbers of a campaign that runs come from the process that runs it.
        Err(Error::InUse { .. }) if numbers_alone && args.file.is_none() => {
            return super::status::status(data, &StatusArgs { campaign: Some(campaign), json: args.json });
        }
        other => other?,
    };
    match &args.file {
        Some(path) => write_file(path, |out| write(&report, args, out))?,
        None => write(&report, args, &mut io::BufWriter::with_capacity(BUFFER, io::stdout().lock()))?,
    }
    Ok(Code::Clean)
}

/// `to`: a file; stdout without.
fn from_archive(archive: &Path, to: Option<&Path>, args: &ReportArgs) -> Result<Code, Failure> {
    let archive = ArchiveFile::open(archive)?;
    let write = |out: &mut dyn Write| -> Result<(), Failure> {
        let text = match args.form() {
            ReportForm::Csv => return Ok(archive.write_csv(out)?),
            ReportForm::Json => format!("{:#}\n", archive.report()),
            ReportForm::Table | ReportForm::Html => summary_table(&archive.summary()?),
        };
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::io("can't write the report"))
    };
    match to {
        Some(path) => write_file(path, |out| write(out))?,
        None => write(&mut io::BufWriter::with_capacity(BUFFER, io::stdout().lock()))?,
    }
    Ok(Code::Clean)
}

/// The report by recipient to a file.
pub(crate) fn write_rows(data: &DataDir, campaign: &str, path: &Path, quiet: bool) -> Result<(), Failure> {
    let report = Report::open(data, campaign)?;
    let mut progress = ReportProgress::new(quiet, report.summary()?.rows);
    write_file(path, |out| Ok(report.write_csv(out, &mut |n_rows| progress.show(n_rows))?))
}

fn write(report: &Report, args: &ReportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let numbers_alone = matches!(args.form(), ReportForm::Table | ReportForm::Json) && args.by.is_none();
    if numbers_alone && report.is_archived() {
        let summary = report.summary()?;
        let text = if args.json { format!("{:#}\n", json!(summary)) } else { summary_table(&summary) };
        return out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::io("can't write the report"));
    }
    let mut progress = ReportProgress::new(args.no_progress, report.summary()?.rows);
    let mut show = |n_rows| progress.show(n_rows);
    let by = match (args.form(), args.by) {
        (ReportForm::Csv, None) => {
            report.write_csv(out, &mut show)?;
            return Ok(());
        }
        (ReportForm::Html, _) => ON_A_PAGE.to_vec(),
        (ReportForm::Table | ReportForm::Json | ReportForm::Csv, by) => by.into_iter().collect(),
    };
    let details = report.details(&by, &args.time_zone, &mut show)?;
    drop(progress);
    let text = match (args.form(), details.breakdowns.first()) {
        (ReportForm::Html, _) => details.html(),
        (ReportForm::Csv, Some(breakdown)) => breakdown.csv(),
        (ReportForm::Json, _) => format!("{:#}\n", json!(details.json())),
        (ReportForm::Table, Some(breakdown)) => breakdown_table(breakdown),
        (ReportForm::Table | ReportForm::Csv, None) => {
            let lines: Vec<_> = details.lines().iter().map(|line| format!("{line}\n")).collect();
            summary_table(&details.summary) + &lines.concat()
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::io("can't write the report"))
}
