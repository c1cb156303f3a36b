//! Carriers that run, as tables.

use serde_json::Value;

use crate::output::{grouped, n_at, text_at};

/// A block for each carrier of `carriers`, which is what `status` gives.
pub(crate) fn live_table(carriers: &Value) -> String {
    carriers.as_array().into_iter().flatten().map(carrier_block).collect()
}

fn carrier_block(carrier: &Value) -> String {
    let mut out = format!("carrier {} · {}", text_at(carrier, "/carrier"), text_at(carrier, "/reach"));
    out.push_str(&format!(" · {} outstanding, {} queued", n_at(carrier, "/outstanding"), n_at(carrier, "/queued")));
    if let Some(ceiling) = carrier.pointer("/learned_ceiling_per_s").and_then(Value::as_f64) {
        out.push_str(&format!(" · learned ceiling {ceiling:.1}/s"));
    }
    if let Some(limit) = carrier.pointer("/waits_for").and_then(Value::as_str) {
        out.push_str(&format!(" · limit: {limit}"));
    }
    out.push('\n');
    if let Some(alarm) = carrier.pointer("/alarm").and_then(Value::as_str) {
        out.push_str(&format!("  ALARM: {alarm}\n"));
    }
    out.push_str(&format!(
        "  {:>4}  {:<24} {:<11} {:<10} {:>9} {:>8} {:>8} {:>8}  {}\n",
        "bind", "host", "kind", "phase", "in flight", "rate", "p50 ms", "p99 ms", "limit since"
    ));
    for bind in carrier.pointer("/binds").and_then(Value::as_array).into_iter().flatten() {
        out.push_str(&bind_line(bind));
    }
    out
}

fn bind_line(bind: &Value) -> String {
    let ms = |pointer| match bind.pointer(pointer).and_then(Value::as_f64) {
        Some(us) => format!("{:.1}", us / 1_000.0),
        None => "–".to_owned(),
    };
    let rate = bind.pointer("/rate_per_s").and_then(Value::as_f64).unwrap_or(0.0);
    let in_flight = format!("{}/{}", n_at(bind, "/in_flight"), n_at(bind, "/window"));
    let mut line = format!(
        "  {:>4}  {:<24} {:<11} {:<10} {in_flight:>9} {:>8} {:>8} {:>8}  {} {}\n",
        n_at(bind, "/bind"),
        text_at(bind, "/host"),
        text_at(bind, "/kind"),
        text_at(bind, "/phase"),
        format!("{}/s", grouped(rate.round() as u64)),
        ms("/answer_p50_us"),
        ms("/answer_p99_us"),
        text_at(bind, "/limit"),
        clock_time(text_at(bind, "/limit_since")),
    );
    if let Some(error) = bind.pointer("/last_error").and_then(Value::as_str) {
        line.push_str(&format!("        last error: {error}\n"));
    }
    line
}

/// The time of day of an RFC 3339 time.
fn clock_time(at: &str) -> &str {
    at.get(11..19).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_shows_its_limit_since_when_and_an_alarm_stands_out() {
        let carriers = serde_json::json!([{
            "carrier": "north", "reach": "bound", "outstanding": 7, "queued": 2, "alarm": "look here",
            "learned_ceiling_per_s": 95.0, "waits_for": "carrier north 300/s",
            "binds": [{
                "bind": 0, "host": "smsc:2775", "kind": "transceiver", "phase": "bound", "window": 10, "in_flight": 3,
                "rate_per_s": 1234.4, "answer_p50_us": 1500, "answer_p99_us": null, "limit": "rate",
                "limit_since": "2026-11-24T12:34:56.789Z", "last_error": "connection lost",
            }],
        }]);
        let table = live_table(&carriers);
        assert!(table.contains("learned ceiling 95.0/s · limit: carrier north 300/s\n  ALARM: look here\n"), "{table}");
        for part in ["3/10", "1,234/s", "1.5", "rate 12:34:56", "last error: connection lost"] {
            assert!(table.contains(part), "no `{part}` in {table}");
        }
    }
}
