//! Numbers as people read them.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use serde_json::Value;
use volley_engine::{Breakdown, MessageState, Outcome, Summary, Tally};

use crate::failure::Failure;

/// Octets of a file that go to the system at once.
const FILE_BUFFER: usize = 1 << 20;

/// 1234567 as "1,234,567".
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The text at `pointer`; empty when there is none.
pub(crate) fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at `pointer`; 0 when there is none.
pub(crate) fn n_at(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// Writes to stdout; a reader that has left is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::io("can't write to stdout"))
}

/// The report of one campaign as a table.
pub(crate) fn summary_table(summary: &Summary) -> String {
    let mut out = format!("{} · {} · {} rows\n", summary.campaign, summary.status.name(), grouped(summary.rows));
    if !summary.why.is_empty() {
        out.push_str(&format!("  {}\n", summary.why));
    }
    for (state, n_rows) in summary.states.iter().filter(|(_, n_rows)| *n_rows > 0) {
        let share = n_rows as f64 / summary.rows.max(1) as f64 * 100.0;
        out.push_str(&format!("  {:<12} {:>14}  {share:>5.1} %\n", state.name(), grouped(n_rows)));
    }
    let segments = &summary.segments;
    out.push_str(&format!(
        "segments: {} planned, {} submitted, {} accepted, {} delivered\n",
        grouped(segments.planned),
        grouped(segments.submitted),
        grouped(segments.accepted),
        grouped(segments.delivered)
    ));
    if summary.possible_duplicates > 0 {
        out.push_str(&format!("possible duplicates: {}\n", grouped(summary.possible_duplicates)));
    }
    if summary.taken_twice > 0 {
        out.push_str(&format!("of these surely taken twice: {}\n", grouped(summary.taken_twice)));
    }
    if summary.inferred > 0 {
        out.push_str(&format!("in doubt until a receipt told of them: {}\n", grouped(summary.inferred)));
    }
    if summary.states.get(MessageState::InDoubt) > 0 {
        out.push_str(&format!(
            "in doubt: their answers were never seen (at most {} can be at once)\n",
            grouped(summary.in_doubt_bound)
        ));
    }
    out.push_str(&format!(
        "took {:.1} s, {} segments/s\n",
        summary.elapsed.as_secs_f64(),
        grouped(summary.submitted_per_s.round() as u64)
    ));
    for (reason, n_rows) in summary.reasons.iter().take(12) {
        out.push_str(&format!("  {:>10}  {reason}\n", grouped(*n_rows)));
    }
    out
}

/// A breakdown as a table, with the sum of each column below.
pub(crate) fn breakdown_table(breakdown: &Breakdown) -> String {
    let total = breakdown.total();
    let mut rows = vec![[
        breakdown.by.name().to_owned(),
        "rows".to_owned(),
        "delivered".to_owned(),
        "failed".to_owned(),
        "open".to_owned(),
        "rejected".to_owned(),
        "segments".to_owned(),
        "settled".to_owned(),
    ]];
    let mut put = |name: String, tally: &Tally| {
        let n_in = |states: &[MessageState]| grouped(states.iter().map(|state| tally.states.get(*state)).sum());
        use MessageState::{Accepted, Cancelled, Deferred, Delivered, Expired, Failed, InDoubt, InFlight};
        use MessageState::{Pending, Rejected, Suppressed, Undelivered, Unknown};
        let cost = match (tally.cost_settled.is_empty(), tally.no_price > 0) {
            (false, _) => tally.cost_settled.in_words(),
            (true, true) => "no price".to_owned(),
            (true, false) => "–".to_owned(),
        };
        rows.push([
            name,
            grouped(tally.rows()),
            n_in(&[Delivered]),
            n_in(&[Undelivered, Expired, Failed, Unknown, Cancelled]),
            n_in(&[Pending, Deferred, InFlight, InDoubt, Accepted]),
            n_in(&[Rejected, Suppressed]),
            grouped(tally.segments.accepted),
            cost,
        ]);
    };
    for line in &breakdown.lines {
        let code = line.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        put(plain(&Value::String(format!("{}{code}", line.name))), &line.tally);
    }
    put("all".to_owned(), &total);
    aligned(&rows)
}

/// The first column to the left, the others to the right.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            out.push_str(&if at == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") });
        }
        out.push('\n');
    }
    out
}

/// Writes a file that is whole or not there: beside its place first, and then renamed. What is no
/// plain file (a device, a pipe) is written as it is.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = || Failure::io(format!("can't write {}", path.display()));
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if is_special {
        let mut out = BufWriter::with_capacity(FILE_BUFFER, File::options().write(true).open(path).map_err(failed())?);
        write(&mut out)?;
        return out.flush().map_err(failed());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = path.with_file_name(name);
    let written = File::create(&unfinished).map_err(failed()).and_then(|file| {
        let mut out = BufWriter::with_capacity(FILE_BUFFER, file);
        write(&mut out)?;
        let synced = out.flush().and_then(|()| out.get_ref().sync_all());
        synced.and_then(|()| fs::rename(&unfinished, path)).map_err(failed())
    });
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// The end of a run: report, what simulated carriers saw, what to do next.
pub(crate) fn outcome_json(outcome: &Outcome) -> serde_json::Value {
    let mut value = serde_json::json!(outcome.summary);
    if let (Some(map), Some(seen)) = (value.as_object_mut(), &outcome.seen) {
        map.insert("simulator".to_owned(), serde_json::json!(seen));
    }
    value
}

/// A JSON object as lines of names and values, nested ones indented.
pub(crate) fn sheet(value: &Value) -> String {
    let mut out = String::new();
    put_sheet(value, 0, &mut out);
    out
}

fn put_sheet(value: &Value, depth: usize, out: &mut String) {
    let Some(map) = value.as_object() else {
        out.push_str(&format!("{}{}\n", "  ".repeat(depth), plain(value)));
        return;
    };
    let width = map.keys().map(String::len).max().unwrap_or(0);
    for (key, value) in map {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push_str(&format!("{indent}{key}\n"));
                put_sheet(value, depth + 1, out);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                out.push_str(&format!("{indent}{key}\n"));
                for item in items {
                    let fields = item.as_object().into_iter().flatten();
                    let fields: Vec<_> = fields.map(|(key, value)| format!("{key} {}", plain(value))).collect();
                    out.push_str(&format!("{indent}  {}\n", fields.join(" · ")));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                out.push_str(&format!("{indent}{key:<width$}  {}\n", plain(value)));
            }
        }
    }
}

/// A value on one line. Control characters of strangers' texts never reach the terminal.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.chars().any(char::is_control) => format!("{text:?}"),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
