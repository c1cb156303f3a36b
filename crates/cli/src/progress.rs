//! Live progress on stderr: a line that renews itself on a terminal, a plain line now and then
//! elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use volley_engine::{Board, FreezeProgress, MessageState, PreflightProgress, Summary};

use crate::{
    output::{grouped, text_at},
    screen::{self, Speed, Style},
    terminal,
};

const RENEW: Duration = Duration::from_millis(200);
/// Renewals between two plain lines: five seconds.
const PLAIN_EVERY: u32 = 25;
/// What takes so long shows plain lines.
const PLAIN_FROM: Duration = Duration::from_secs(1);
/// Renewals between two lines of JSON: a second.
const JSON_EVERY: u32 = 5;
/// What takes no longer than that shows no progress.
const QUIET_FOR: Duration = Duration::from_secs(2);

/// Shows a run until dropped.
pub(crate) struct RunProgress {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showing {
    /// A view on a terminal, a plain line now and then elsewhere.
    Lines,
    /// A JSON object on stdout for each look and each note.
    JsonLines,
    /// Notes alone.
    Notes,
}

impl RunProgress {
    pub(crate) fn start(board: Arc<Board>, campaign: u32, showing: Showing) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || show(&board, campaign, showing, &stopped));
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(board: &Board, campaign: u32, showing: Showing, stop: &AtomicBool) {
    let can_draw = terminal::can_draw() && showing == Showing::Lines;
    let every = match showing {
        Showing::Lines if can_draw => 1,
        Showing::Lines | Showing::Notes => PLAIN_EVERY,
        Showing::JsonLines => JSON_EVERY,
    };
    let (mut n_notes, mut n_turns) = (0, 0_u32);
    let (start, mut speed) = (now(), Speed::default());
    while !stop.load(Ordering::SeqCst) {
        thread::sleep(RENEW);
        n_notes += show_notes(board, n_notes, showing);
        n_turns += 1;
        if !n_turns.is_multiple_of(every) || showing == Showing::Notes {
            continue;
        }
        let Some(summary) = board.summary(campaign) else { continue };
        speed.see(now().duration_since(start), summary.segments.submitted);
        let status = board.status();
        if can_draw {
            draw(&status, &summary, &speed);
        } else if showing == Showing::JsonLines {
            put(&event("progress", &status, &summary.campaign));
        } else {
            let draining = if board.is_draining() { " · draining" } else { "" };
            say!("{}{draining}", plain_line(&status, &summary, &speed));
        }
    }
    // What happened last is what explains the end.
    show_notes(board, n_notes, showing);
    terminal::draw(&[]);
}

/// Whoever read our output has left: the run goes on.
fn put(event: &Value) {
    let _ = writeln!(io::stdout(), "{event}");
}

/// One campaign and the carriers as they are now: a line of `--json-lines`.
pub(crate) fn event(name: &str, status: &Value, campaign: &str) -> Value {
    let campaigns = status.pointer("/campaigns").and_then(Value::as_array);
    let is_meant = |value: &&Value| value.get("campaign").and_then(Value::as_str) == Some(campaign);
    let numbers = campaigns.into_iter().flatten().rev().find(is_meant);
    json!({ "event": name, "campaign": numbers, "carriers": status.get("carriers") })
}

/// The last line of `--json-lines`.
pub(crate) fn ended_event(summary: &Summary) -> Value {
    json!({ "event": "ended", "campaign": summary })
}

/// Draws the view of one campaign.
pub(crate) fn draw(status: &Value, summary: &Summary, speed: &Speed) {
    let style = Style { width: terminal::width(), colour: terminal::is_coloured() };
    terminal::draw(&screen::frame(status, summary, speed, style));
}

/// Shows the notes from the `from`-th on, and gives how many.
fn show_notes(board: &Board, from: usize, showing: Showing) -> usize {
    let notes = board.notes_from(from);
    for note in &notes {
        match showing {
            Showing::Lines | Showing::Notes => say!("{note}"),
            Showing::JsonLines => put(&json!({ "event": "note", "note": note })),
        }
    }
    notes.len()
}

fn clear(is_terminal: bool) {
    if is_terminal {
        say_part!("\r\x1b[K");
    }
}

/// A run in one line.
pub(crate) fn plain_line(status: &Value, summary: &Summary, speed: &Speed) -> String {
    let n_in = |state| summary.states.get(state);
    let done = summary.rows - summary.n_open();
    let percent = done as f64 / summary.rows.max(1) as f64 * 100.0;
    let mut line = format!(
        "{percent:>5.1} %  {} submitted · {} delivered · {} waiting for a receipt",
        grouped(summary.segments.submitted),
        grouped(n_in(MessageState::Delivered)),
        grouped(n_in(MessageState::Accepted)),
    );
    let n_failed = n_in(MessageState::Failed) + n_in(MessageState::Undelivered) + n_in(MessageState::Expired);
    for (n, word) in [(n_failed, "failed"), (n_in(MessageState::InDoubt), "in doubt")] {
        if n > 0 {
            line.push_str(&format!(" · {} {word}", grouped(n)));
        }
    }
    line.push_str(&format!(" · {}", speed.line(summary, screen::limit(status))));
    for carrier in status.pointer("/carriers").and_then(Value::as_array).into_iter().flatten() {
        if let Some(alarm) = carrier.get("alarm").and_then(Value::as_str) {
            line.push_str(&format!(" · {}: {alarm}", text_at(carrier, "/carrier")));
        }
    }
    line
}

/// Shows how far freezing is: at a terminal five times a second, elsewhere every five seconds.
pub(crate) fn freeze_progress(quiet: bool) -> impl FnMut(FreezeProgress) {
    let is_terminal = io::stderr().is_terminal();
    let every = if is_terminal { RENEW } else { RENEW * PLAIN_EVERY };
    let start = now();
    let mut shown = start;
    move |progress| {
        let at = now();
        if quiet || (at.duration_since(shown) < every && !progress.is_end) {
            return;
        }
        shown = at;
        clear(is_terminal);
        if !progress.is_end {
            say_part!("{}", freeze_line(&progress, at.duration_since(start)));
            if !is_terminal {
                say!();
            }
            let _ = io::stderr().flush();
        }
    }
}

/// Shows how far a pre-flight is: a line that renews itself at a terminal; elsewhere a line now and
/// then, and one for the whole, of what takes a second or longer.
pub(crate) fn preflight_progress(quiet: bool) -> impl FnMut(PreflightProgress) {
    let is_terminal = io::stderr().is_terminal();
    let start = now();
    let mut next = start + if is_terminal { RENEW } else { PLAIN_FROM };
    let mut n_bytes = 0;
    move |progress| {
        let at = now();
        let elapsed = at.duration_since(start);
        let line = match progress {
            PreflightProgress::Reading(reading) if reading.is_end => {
                let read = format!("read {} rows, {:.1} MB", grouped(reading.n_rows), n_bytes as f64 / 1e6);
                (elapsed >= PLAIN_FROM).then(|| format!("{read} in {:.1} s", elapsed.as_secs_f64()))
            }
            PreflightProgress::Reading(reading) => {
                n_bytes = reading.n_bytes;
                (at >= next).then(|| freeze_line(&reading, elapsed))
            }
            PreflightProgress::Weighing { n_rows, total } => {
                let percent = n_rows as f64 / total.max(1) as f64 * 100.0;
                let line = || format!("weighing messages: {} of {}, {percent:.0} %", grouped(n_rows), grouped(total));
                (at >= next && n_rows < total).then(line)
            }
        };
        let is_end = matches!(progress, PreflightProgress::Weighing { n_rows, total } if n_rows >= total);
        if !quiet && is_terminal && (is_end || line.is_some()) {
            clear(true);
        }
        let Some(line) = line.filter(|_| !quiet) else { return };
        next = at + if is_terminal { RENEW } else { RENEW * PLAIN_EVERY };
        say_part!("{line}");
        if !is_terminal {
            say!();
        }
        let _ = io::stderr().flush();
    }
}

/// Shows how many rows were read.
pub(crate) fn rows_progress(quiet: bool) -> impl FnMut(u64) {
    let is_terminal = io::stderr().is_terminal();
    move |n_rows| {
        if quiet || !(is_terminal || n_rows.is_multiple_of(1_000_000)) || n_rows == 0 {
            return;
        }
        clear(is_terminal);
        say_part!("read {} rows", grouped(n_rows));
        if is_terminal {
            let _ = io::stderr().flush();
        } else {
            say!();
        }
    }
}

/// Shows how far a report is, once it takes long.
pub(crate) struct ReportProgress {
    total: u64,
    is_terminal: bool,
    /// When to show the next line; `None` for never.
    next: Option<Instant>,
    shown: bool,
}

impl ReportProgress {
    pub(crate) fn new(quiet: bool, total: u64) -> Self {
        let next = (!quiet).then(|| now() + QUIET_FOR);
        Self { total, is_terminal: io::stderr().is_terminal(), next, shown: false }
    }

    pub(crate) fn show(&mut self, n_rows: u64) {
        if self.next.is_none_or(|next| now() < next) {
            return;
        }
        self.next = Some(now() + if self.is_terminal { RENEW } else { RENEW * PLAIN_EVERY });
        self.shown = true;
        clear(self.is_terminal);
        let percent = n_rows as f64 / self.total.max(1) as f64 * 100.0;
        say_part!("report: {} of {} rows, {percent:.0} %", grouped(n_rows), grouped(self.total));
        if !self.is_terminal {
            say!();
        }
    }
}

impl Drop for ReportProgress {
    fn drop(&mut self) {
        clear(self.is_terminal && self.shown);
    }
}

#[expect(clippy::disallowed_methods, reason = "what a person sees is paced by real time")]
fn now() -> Instant {
    Instant::now()
}

fn freeze_line(progress: &FreezeProgress, elapsed: Duration) -> String {
    let FreezeProgress { n_rows, n_bytes, total_bytes, .. } = *progress;
    let per_s = |n: u64| n as f64 / elapsed.as_secs_f64().max(0.001);
    let mb = |n_bytes: f64| n_bytes / 1e6;
    let mut line = format!("reading the list: {} rows, {:.0} MB", grouped(n_rows), mb(n_bytes as f64));
    if let Some(total) = total_bytes {
        let percent = n_bytes as f64 / total.max(1) as f64 * 100.0;
        line.push_str(&format!(" of {:.0}, {:.0} %", mb(total as f64), percent.min(100.0)));
    }
    line.push_str(&format!(" · {} rows/s, {:.0} MB/s", grouped(per_s(n_rows) as u64), mb(per_s(n_bytes))));
    if let Some(left) = total_bytes.and_then(|total| total.checked_sub(n_bytes)).filter(|_| n_bytes > 0) {
        let left_s = (left as f64 / per_s(n_bytes)).ceil() as u64;
        line.push_str(&match left_s {
            ..60 => format!(" · {left_s} s left"),
            _ => format!(" · {} min {} s left", left_s / 60, left_s % 60),
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_shows_rows_bytes_rate_and_what_is_left() {
        let progress =
            FreezeProgress { n_rows: 3_000_000, n_bytes: 120_000_000, total_bytes: Some(400_000_000), is_end: false };
        let expected = "reading the list: 3,000,000 rows, 120 MB of 400, 30 % · 1,500,000 rows/s, 60 MB/s · 5 s left";
        assert_eq!(freeze_line(&progress, Duration::from_secs(2)), expected);
        let stdin = FreezeProgress { total_bytes: None, ..progress };
        assert!(freeze_line(&stdin, Duration::from_secs(2)).ends_with("120 MB · 1,500,000 rows/s, 60 MB/s"));
    }
}
