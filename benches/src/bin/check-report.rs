//! Checks the JSON report of a run against its list and against what simulated carriers saw:
//! `check-report REPORT.json LIST.csv`. Exit 1 with the reason when something doesn't add up.

use std::{env, fs, process::ExitCode};

use serde_json::Value;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [report, list] = arguments.as_slice() else {
        eprintln!("usage: check-report REPORT.json LIST.csv");
        return ExitCode::from(2);
    };
    match check(report, list) {
        Ok(words) => {
            eprintln!("{words}");
            ExitCode::SUCCESS
        }
        Err(words) => {
            eprintln!("{report}: {words}");
            ExitCode::FAILURE
        }
    }
}

fn check(report: &str, list: &str) -> Result<String, String> {
    let text = fs::read_to_string(report).map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let list = fs::read_to_string(list).map_err(|error| error.to_string())?;
    let n = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).ok_or(format!("no {pointer}"));
    // The example's fields hold no line feeds, so its lines are its rows and a header.
    let n_lines = list.lines().count() as u64 - 1;
    let states = report.pointer("/states").and_then(Value::as_object).ok_or("no /states")?;
    let sum: u64 = states.values().filter_map(Value::as_u64).sum();
    let rows = n("/rows")?;
    let must_be_equal = [
        ("rows and the list's lines", rows, n_lines),
        ("the states' sum and the rows", sum, rows),
        ("submits seen and segments submitted", n("/simulator/submits")?, n("/segments/submitted")?),
        ("recipients seen and rows submitted", n("/simulator/unique_recipients")?, rows - n("/states/rejected")?),
        ("copies seen and none", n("/simulator/copies_beyond_first")?, 0),
        ("receipts acknowledged and sent", n("/simulator/receipts_acknowledged")?, n("/simulator/receipts_sent")?),
        ("open rows and none", n("/states/pending")? + n("/states/in_flight")? + n("/states/accepted")?, 0),
    ];
    for (what, found, expected) in must_be_equal {
        if found != expected {
            return Err(format!("{what} differ: {found} and {expected}"));
        }
    }
    Ok(format!(
        "{rows} rows add up; the simulated carriers saw {} recipients and no copy",
        n("/simulator/unique_recipients")?
    ))
}
