//! `volley report`.

use std::io;

use volley_engine::{DataDir, Error, Report};

use crate::{
    args::{ReportArgs, StatusArgs},
    failure::{Code, Failure},
    output::{print, summary_table},
};

pub(crate) fn report(data: &DataDir, args: &ReportArgs) -> Result<Code, Failure> {
    let report = match Report::open(data, &args.campaign) {
        // The numbers of a campaign that runs come from the process that runs it.
        Err(Error::InUse { .. }) if !args.csv => {
            let campaign = Some(args.campaign.clone());
            return super::status::status(data, &StatusArgs { campaign, json: args.json });
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
