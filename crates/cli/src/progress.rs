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

use volley_engine::{Board, FreezeProgress, MessageState, Summary};

use crate::output::grouped;

const RENEW: Duration = Duration::from_millis(200);
/// Renewals between two plain lines: five seconds.
const PLAIN_EVERY: u32 = 25;
/// What takes no longer than that shows no progress.
const QUIET_FOR: Duration = Duration::from_secs(2);

/// Shows a run until dropped.
pub(crate) struct RunProgress {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunProgress {
    pub(crate) fn start(board: Arc<Board>, campaign: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || show(&board, campaign, &stopped));
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

fn show(board: &Board, campaign: u32, stop: &AtomicBool) {
    let is_terminal = io::stderr().is_terminal();
    let (mut n_notes, mut n_turns, mut before) = (0, 0_u32, None);
    while !stop.load(Ordering::SeqCst) {
        thread::sleep(RENEW);
        n_notes += show_notes(board, n_notes, is_terminal);
        n_turns += 1;
        let Some(summary) = board.summary(campaign) else { continue };
        if is_terminal {
            clear(true);
            eprint!("{}", line(board, &summary, before, RENEW));
            let _ = io::stderr().flush();
            before = Some(summary.segments.submitted);
        } else if n_turns.is_multiple_of(PLAIN_EVERY) {
            eprintln!("{}", line(board, &summary, before, RENEW * PLAIN_EVERY));
            before = Some(summary.segments.submitted);
        }
    }
    // What happened last is what explains the end.
    show_notes(board, n_notes, is_terminal);
    clear(is_terminal);
}

/// Shows the notes from the `from`-th on, and gives how many.
fn show_notes(board: &Board, from: usize, is_terminal: bool) -> usize {
    let notes = board.notes_from(from);
    for note in &notes {
        clear(is_terminal);
        eprintln!("{note}");
    }
    notes.len()
}

fn clear(is_terminal: bool) {
    if is_terminal {
        eprint!("\r\x1b[K");
    }
}

fn line(board: &Board, summary: &Summary, before: Option<u64>, over: Duration) -> String {
    let n_in = |state| summary.states.get(state);
    let done = summary.rows - summary.n_open();
    let percent = done as f64 / summary.rows.max(1) as f64 * 100.0;
    let rate = before
        .map_or(0.0, |before| (summary.segments.submitted - before.min(summary.segments.submitted)) as f64)
        / over.as_secs_f64();
    let lanes = board.lanes();
    let waits: Vec<&str> = lanes.iter().filter_map(|lane| lane.waits_for.as_deref()).collect();
    let mut line = format!(
        "{percent:>5.1} %  {} submitted, {:.0}/s · {} delivered · {} waiting for a receipt",
        grouped(summary.segments.submitted),
        rate,
        grouped(n_in(MessageState::Delivered)),
        grouped(n_in(MessageState::Accepted)),
    );
    let n_failed = n_in(MessageState::Failed) + n_in(MessageState::Undelivered) + n_in(MessageState::Expired);
    for (n, word) in [(n_failed, "failed"), (n_in(MessageState::InDoubt), "in doubt"), (board.throttled(), "throttled")]
    {
        if n > 0 {
            line.push_str(&format!(" · {} {word}", grouped(n)));
        }
    }
    for lane in &lanes {
        if let Some(ceiling) = lane.learned_ceiling_per_sec() {
            line.push_str(&format!(" · {} takes {ceiling:.0}/s", lane.name));
        }
        if let Some(paused) = &lane.paused {
            line.push_str(&format!(" · {} paused: {paused}", lane.name));
        } else if lane.alarm().is_some() {
            line.push_str(&format!(" · {} refuses the bind", lane.name));
        }
    }
    if board.is_draining() {
        line.push_str(" · draining");
    } else if let Some(limit) = waits.first() {
        line.push_str(&format!(" · limit: {limit}"));
    }
    line
}

/// Shows how far freezing is.
pub(crate) fn freeze_progress(quiet: bool) -> impl FnMut(FreezeProgress) {
    let is_terminal = io::stderr().is_terminal();
    let mut n_shown = 0_u64;
    move |progress| {
        // 4,096 rows a call: every 64th is some 260,000 rows.
        n_shown += 1;
        let is_end = progress.n_bytes >= progress.total_bytes;
        if quiet || !(n_shown.is_multiple_of(64) || (is_end && is_terminal)) {
            return;
        }
        let percent = progress.n_bytes as f64 / progress.total_bytes.max(1) as f64 * 100.0;
        clear(is_terminal);
        eprint!("reading the list: {} rows, {percent:.0} %", grouped(progress.n_rows));
        if !is_terminal {
            eprintln!();
        } else if is_end {
            clear(true);
        }
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
        eprint!("read {} rows", grouped(n_rows));
        if is_terminal {
            let _ = io::stderr().flush();
        } else {
            eprintln!();
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
        eprint!("report: {} of {} rows, {percent:.0} %", grouped(n_rows), grouped(self.total));
        if !self.is_terminal {
            eprintln!();
        }
    }
}

impl Drop for ReportProgress {
    fn drop(&mut self) {
        clear(self.is_terminal && self.shown);
    }
}

#[expect(clippy::disallowed_methods, reason = "the terminal has no clock but the real one")]
fn now() -> Instant {
    Instant::now()
}
