//! `volley replies`: what recipients sent back.

use std::io;

use serde_json::Value;
use volley_engine::{DataDir, Numbers, ReplyRow};

use crate::{
    args::RepliesArgs,
    failure::{Code, Failure},
    output::{plain, print},
};

pub(crate) fn replies(data: &DataDir, args: &RepliesArgs) -> Result<Code, Failure> {
    let rows = volley_engine::replies(data, args.campaign.as_deref())?;
    let numbers = if args.full_numbers { Numbers::Full } else { Numbers::Masked };
    if args.csv {
        let mut out = io::BufWriter::new(io::stdout().lock());
        volley_engine::write_replies_csv(&rows, numbers, &mut out)?;
    } else if args.json {
        let rows: Vec<Value> = rows.iter().map(|row| row.json(numbers)).collect();
        print(&format!("{:#}\n", Value::Array(rows)))?;
    } else {
        for row in &rows {
            print(&line(row, numbers))?;
        }
        let n_opt_outs = rows.iter().filter(|row| row.decision.starts_with("opt_out")).count();
        say!("{} replies, {n_opt_outs} of them opt out", rows.len());
    }
    Ok(Code::Clean)
}

fn line(row: &ReplyRow, numbers: Numbers) -> String {
    let campaign = row.campaign.as_ref().map_or("–", |campaign| &campaign.name);
    let text = row.text.clone().map_or(Value::Null, Value::String);
    let incomplete = if row.is_incomplete { " (parts are missing)" } else { "" };
    let sender = plain(&Value::String(row.sender(numbers)));
    format!("{}  {sender:<16} {:<14} {campaign:<20} {}{incomplete}\n", row.time(), row.decision, plain(&text))
}
