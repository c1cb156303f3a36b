//! `volley sample`: finished messages of some rows.

use serde_json::Value;
use volley_engine::{Numbers, SampleRows, carriers_file, sample as take};

use crate::{
    args::SampleArgs,
    failure::{Code, Failure},
    output::{n_at, plain, print, text_at},
    progress::freeze_progress,
};

pub(crate) fn sample(args: &SampleArgs) -> Result<Code, Failure> {
    let carriers = carriers_file(&args.campaign, args.carriers.as_deref());
    let rows = match args.rows.is_empty() {
        true => SampleRows::Random { n: args.n, seed: args.seed },
        false => SampleRows::Lines(args.rows.iter().copied().collect()),
    };
    let samples = take(&args.campaign, &carriers, &rows, &mut freeze_progress(args.no_progress))?;
    let numbers = if args.full_numbers { Numbers::Full } else { Numbers::Masked };
    let values: Vec<Value> = samples.iter().map(|sample| sample.json(numbers)).collect();
    match args.json {
        true => print(&format!("{:#}\n", Value::Array(values)))?,
        false => values.iter().try_for_each(|value| print(&lines(value)))?,
    }
    let is_missing = !args.rows.is_empty() && samples.iter().any(|sample| !sample.is_sent());
    Ok(if is_missing { Code::Failures } else { Code::Clean })
}

/// A row for people: what it is on one line, its text on the next.
fn lines(value: &Value) -> String {
    let text = |pointer| plain(value.pointer(pointer).unwrap_or(&Value::Null));
    let line = n_at(value, "/line");
    match text_at(value, "/fate") {
        "sent" => {
            let variant = value.get("variant").and_then(Value::as_str);
            let variant = variant.map(|name| format!(", variant {name}")).unwrap_or_default();
            let parts = n_at(value, "/parts");
            let several = if parts == 1 { "" } else { "s" };
            let head =
                format!("line {line}, {}{variant}: {parts} part{several} in {}", text("/number"), text("/alphabet"));
            format!("{head}, {} characters\n  {}\n", n_at(value, "/characters"), text("/text"))
        }
        "hold-out" => format!("line {line}, {}: gets nothing, it is held out\n", text("/number")),
        "rejected" => {
            let column = value.get("column").and_then(Value::as_str);
            let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
            format!("line {line}{column}: rejected, {}: {}\n", text("/code"), text("/reason"))
        }
        _ => format!("line {line}: no row begins here\n"),
    }
}
