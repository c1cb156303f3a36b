//! The live view of a run, made of what `status` gives: the same here and in another terminal.

mod speed;

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;
use volley_engine::{MessageState, Summary};

pub(crate) use self::speed::Speed;
use crate::output::{grouped, n_at, text_at};

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Whether colours help; each part of the bar has a sign of its own besides.
    pub(crate) colour: bool,
}

/// What the bar is made of, in order: states, sign, colour, word.
const PARTS: [(&[MessageState], char, &str, &str); 5] = [
    (&[MessageState::Delivered], '█', "32", "delivered"),
    (
        &[MessageState::Failed, MessageState::Undelivered, MessageState::Expired, MessageState::Unknown],
        '▒',
        "31",
        "failed",
    ),
    (&[MessageState::InDoubt], '?', "33", "in doubt"),
    (&[MessageState::Accepted, MessageState::InFlight], '▓', "36", "on the way"),
    (&[MessageState::Pending, MessageState::Deferred], '∙', "2", "to send"),
];

/// The lines of the view; none is wider than the terminal. `status` is what `volley status --json`
/// gives, with the campaign in it.
pub(crate) fn frame(status: &Value, summary: &Summary, speed: &Speed, style: Style) -> Vec<String> {
    let mut lines = vec![
        format!("{} · {} · {} rows", summary.campaign, summary.status.name(), grouped(summary.rows)),
        bar(summary, style),
        states_line(summary),
        speed.line(summary, limit(status)),
    ];
    let carriers = status.pointer("/carriers").and_then(Value::as_array);
    lines.extend(carriers.into_iter().flatten().flat_map(carrier_lines));
    // The bar is cut to measure, and holds colours that have no width.
    let fit = |(n, line): (usize, String)| if n == 1 { vec![line] } else { wrapped(&line, style.width) };
    lines.into_iter().enumerate().flat_map(fit).collect()
}

fn n_in(summary: &Summary, states: &[MessageState]) -> u64 {
    states.iter().map(|state| summary.states.get(*state)).sum()
}

/// The rows that can be sent, stacked.
fn bar(summary: &Summary, style: Style) -> String {
    let total: u64 = PARTS.iter().map(|(states, ..)| n_in(summary, states)).sum::<u64>().max(1);
    let settled = n_in(summary, PARTS[0].0) + n_in(summary, PARTS[1].0);
    let percent = format!(" {:>5.1} %", settled as f64 / total as f64 * 100.0);
    let cells = style.width.saturating_sub(percent.len() + 2).min(100) as u64;
    let (mut out, mut sum, mut drawn) = (String::from("["), 0, 0);
    for (states, sign, colour, _) in PARTS {
        sum += n_in(summary, states);
        let end = sum * cells / total;
        let part: String = std::iter::repeat_n(sign, (end - drawn) as usize).collect();
        match style.colour && !part.is_empty() {
            true => out.push_str(&format!("\x1b[{colour}m{part}\x1b[0m")),
            false => out.push_str(&part),
        }
        drawn = end;
    }
    out.push(']');
    out.push_str(&percent);
    out
}

fn states_line(summary: &Summary) -> String {
    let parts = PARTS.iter().map(|(states, sign, _, word)| (n_in(summary, states), *sign, *word));
    let words = parts.filter(|(n, ..)| *n > 0).map(|(n, sign, word)| format!("{sign} {} {word}", grouped(n)));
    let left_out = n_in(summary, &[MessageState::Rejected, MessageState::Suppressed, MessageState::Cancelled]);
    let left_out = (left_out > 0).then(|| format!("{} not sent to", grouped(left_out)));
    words.chain(left_out).collect::<Vec<_>>().join(" · ")
}

/// What holds the carriers back, in words; the first that says so.
pub(crate) fn limit(status: &Value) -> Option<&str> {
    let carriers = status.pointer("/carriers").and_then(Value::as_array)?;
    carriers.iter().find_map(|carrier| carrier.get("waits_for").and_then(Value::as_str))
}

/// A carrier, and below it what a person should look at.
fn carrier_lines(carrier: &Value) -> Vec<String> {
    let binds = || carrier.pointer("/binds").and_then(Value::as_array).into_iter().flatten();
    let sum = |pointer: &str| binds().map(|bind| n_at(bind, pointer)).sum::<u64>();
    let rate: f64 = binds().filter_map(|bind| bind.pointer("/rate_per_s").and_then(Value::as_f64)).sum();
    let slowest = |pointer: &str| binds().filter_map(|bind| bind.pointer(pointer).and_then(Value::as_u64)).max();
    let mut line = format!(
        "  {:<12} {:>8} submitted {:>7}/s",
        text_at(carrier, "/carrier"),
        grouped(sum("/submitted")),
        grouped(rate.round() as u64)
    );
    for (n, word) in [
        (sum("/throttled"), "throttled"),
        (n_at(carrier, "/refused"), "refused"),
        (n_at(carrier, "/delivered"), "delivered"),
        (sum("/in_flight"), "unanswered"),
    ] {
        if n > 0 {
            line.push_str(&format!(" · {} {word}", grouped(n)));
        }
    }
    let answers = (slowest("/answer_p50_us"), slowest("/answer_p99_us"));
    if let (Some(p50), Some(p99)) = answers {
        line.push_str(&format!(" · answers p50 {} p99 {}", duration(p50), duration(p99)));
    }
    if let (Some(p50), Some(p99)) = (
        carrier.pointer("/receipt_p50_us").and_then(Value::as_u64),
        carrier.pointer("/receipt_p99_us").and_then(Value::as_u64),
    ) {
        line.push_str(&format!(" · receipts p50 {} p99 {}", duration(p50), duration(p99)));
    }
    if let Some(ceiling) = carrier.pointer("/learned_ceiling_per_s").and_then(Value::as_f64) {
        line.push_str(&format!(" · takes {ceiling:.0}/s"));
    }
    let reach = text_at(carrier, "/reach");
    if reach != "bound" {
        line.push_str(&format!(" · {reach}"));
    }
    let alarm = carrier.pointer("/alarm").and_then(Value::as_str).map(|alarm| format!("    ALARM: {alarm}"));
    std::iter::once(line).chain(alarm).collect()
}

/// A time as people read it: "340 us", "4.2 ms", "1.5 s", "3 min".
fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..100_000 => format!("{:.1} ms", us as f64 / 1e3),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..120_000_000 => format!("{:.1} s", us as f64 / 1e6),
        _ => format!("{} min", us / 60_000_000),
    }
}

/// A line as several where it is too wide, broken between its parts.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in line.split(" · ") {
        match lines.last_mut() {
            Some(last) if last.width() + " · ".width() + part.width() <= width => *last = format!("{last} · {part}"),
            Some(_) => lines.push(format!("    {part}")),
            None => lines.push(part.to_owned()),
        }
    }
    lines.iter().map(|line| fitted(line, width)).collect()
}

/// As much of a line as fits. Control characters of strangers' texts never reach the terminal.
fn fitted(line: &str, width: usize) -> String {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.width() <= width {
        return clean;
    }
    let mut out = String::new();
    for c in clean.chars() {
        if out.width() + unicode_width::UnicodeWidthChar::width(c).unwrap_or(0) + 1 > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status() -> Value {
        serde_json::json!({
            "campaigns": [],
            "carriers": [{
                "carrier": "north", "reach": "bound", "waits_for": "campaign rate 4000/s", "alarm": "look\x1b[31m here",
                "binds": [
                    { "submitted": 6200, "throttled": 12, "in_flight": 34, "rate_per_s": 1980.4, "answer_p50_us": 4100,
                      "answer_p99_us": 1_500_000 },
                    { "submitted": 1, "throttled": 0, "in_flight": 0, "rate_per_s": 0.0, "answer_p50_us": null },
                ],
            }],
        })
    }

    fn summary() -> Summary {
        let mut states = serde_json::Map::new();
        for state in MessageState::ALL {
            states.insert(state.name().to_owned(), 0.into());
        }
        for (state, n) in
            [("delivered", 4_000), ("undelivered", 1_000), ("accepted", 2_000), ("pending", 3_000), ("rejected", 7)]
        {
            states.insert(state.to_owned(), n.into());
        }
        Summary::from_json(&serde_json::json!({
            "campaign": "spring-sale", "status": "running", "rows": 10_007, "states": states,
            "segments": { "planned": 10_000, "submitted": 7_000, "accepted": 7_000, "delivered": 4_000 },
            "possible_duplicates": 0, "inferred": 0, "taken_twice": 0, "in_doubt_bound": 40, "elapsed_ms": 3_500,
            "submitted_per_s": 2_000.0, "why": "", "reasons": {},
        }))
        .unwrap()
    }

    fn speed() -> Speed {
        let mut speed = Speed::default();
        for s in 0..=4 {
            speed.see(Duration::from_secs(s), s * 1_750);
        }
        speed
    }

    #[test]
    fn the_view_shows_states_speed_limit_and_carriers() {
        let lines = frame(&status(), &summary(), &speed(), Style { width: 120, colour: false });
        let expected = [
            "spring-sale · running · 10,007 rows",
            "████████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙]  50.0 %",
            "█ 4,000 delivered · ▒ 1,000 failed · ▓ 2,000 on the way · ∙ 3,000 to send · 7 not sent to",
            "1,750/s now, 2,000/s on average · about 2 s left · limit: campaign rate 4000/s",
            "north           6,201 submitted   1,980/s · 12 throttled · 34 unanswered · answers p50 4.1 ms p99 1.5 s",
            "    ALARM: look [31m here",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.trim_start_matches(['[', ' ']).ends_with(expected.trim_start()), "{line}\n{expected}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [20, 40, 60, 80, 200] {
            let lines = frame(&status(), &summary(), &speed(), Style { width, colour: false });
            for line in lines {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colours_change_no_sign() {
        let drawn = |colour| bar(&summary(), Style { width: 80, colour });
        let plain: String =
            drawn(true).split('\x1b').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest)).collect();
        assert_eq!(plain, drawn(false));
        assert!(drawn(true).contains("\x1b[32m█"));
    }
}
