//! `volley explain`.

use serde_json::json;
use volley_engine::{DataDir, Explained, Pace, explain, explain_pace};

use crate::{
    args::ExplainArgs,
    failure::{Code, Failure},
    output::print,
};

pub(crate) fn show_explained(data: &DataDir, args: &ExplainArgs) -> Result<Code, Failure> {
    let (value, words) = match &args.number {
        Some(number) => {
            let explained = explain(data, &args.campaign, number)?;
            (json!(explained), recipient(&explained))
        }
        None => {
            let pace = explain_pace(data, &args.campaign)?;
            (json!(pace), whole(&pace))
        }
    };
    if args.json {
        print(&format!("{value:#}\n"))?;
    } else {
        print(&words)?;
    }
    Ok(Code::Clean)
}

fn whole(pace: &Pace) -> String {
    let mut out = format!("{} · {} · {:.1}/s\n", pace.campaign, pace.status, pace.rate_per_s);
    if let Some(why) = &pace.why {
        out.push_str(&format!("  {why}\n"));
    }
    for carrier in &pace.carriers {
        let since = carrier.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        out.push_str(&format!("  {:<16} {:>9.1}/s  {}{since}\n", carrier.carrier, carrier.rate_per_s, carrier.limit));
    }
    out
}

fn recipient(explained: &Explained) -> String {
    let mut out = format!("{} in {}", explained.number, explained.campaign);
    if let (Some(row), Some(line)) = (explained.row, explained.line) {
        out.push_str(&format!(", row {row}, line {line}"));
    }
    if let Some(state) = &explained.state {
        out.push_str(&format!(" · {state}"));
    }
    out.push_str(&format!("\n  {}\n", explained.why));
    if explained.row.is_some() {
        out.push_str(&format!("  routes: {}\n", explained.routes.join(", ")));
    }
    for list in &explained.suppressed {
        out.push_str(&format!("  on suppression list {list}\n"));
    }
    for rejected in &explained.rejected {
        let column = rejected.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        out.push_str(&format!(
            "  line {}{column} was rejected: {} ({})\n",
            rejected.line, rejected.reason, rejected.code
        ));
    }
    for event in &explained.events {
        let carrier = event.carrier.as_ref().map(|carrier| format!(" {carrier}")).unwrap_or_default();
        let segment = event.segment.map(|segment| format!(" segment {segment}")).unwrap_or_default();
        out.push_str(&format!("  {}  {:<12}{carrier}{segment}  {}\n", event.at, event.what, event.details));
    }
    out
}
