//! Numbers as people read them.

use std::io::{self, Write};

use serde_json::Value;
use volley_engine::{MessageState, Outcome, Summary};

use crate::failure::Failure;

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
