//! `volley report`.

use std::io;

use volley_engine::{DataDir, Report};

use crate::{
    args::ReportArgs,
    failure::{Code, Failure},
    output::{print, summary_table},
};

pub(crate) fn report(data: &DataDir, args: &ReportArgs) -> Result<Code, Failure> {
    let report = Report::open(data, &args.campaign)?;
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
