//! `volley report`.

use std::{io, path::Path};

use volley_engine::{ArchiveFile, DataDir, Error, Report};

use crate::{
    args::{ReportArgs, StatusArgs},
    failure::{Code, Failure},
    output::{print, summary_table},
};

pub(crate) fn report(data: &DataDir, args: &ReportArgs) -> Result<Code, Failure> {
    let campaign = match (&args.archive, &args.campaign) {
        (Some(file), _) => return from_archive(file, args),
        (None, campaign) => campaign.clone().unwrap_or_default(),
    };
    let report = match Report::open(data, &campaign) {
        // The numbers of a campaign that runs come from the process that runs it.
        Err(Error::InUse { .. }) if !args.csv => {
            return super::status::status(data, &StatusArgs { campaign: Some(campaign), json: args.json });
        }
        other => other?,
    };
    if args.csv {
        let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
        report.write_csv(&mut out)?;
        return Ok(Code::Clean);
    }
    let summary = report.summary()?;
    if args.json {
        print(&format!("{:#}\n", serde_json::json!(summary)))?;
    } else {
        print(&summary_table(&summary))?;
    }
    Ok(Code::Clean)
}

fn from_archive(file: &Path, args: &ReportArgs) -> Result<Code, Failure> {
    let archive = ArchiveFile::open(file)?;
    if args.csv {
        archive.write_csv(&mut io::BufWriter::with_capacity(1 << 20, io::stdout().lock()))?;
    } else if args.json {
        print(&format!("{:#}\n", archive.report()))?;
    } else {
        print(&summary_table(&archive.summary()?))?;
    }
    Ok(Code::Clean)
}
