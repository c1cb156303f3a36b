//! What a person may see while the engine runs: filled by the loop, read by whoever shows it.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use volley_pipeline::CarrierStatus;

use crate::{
    ledger_task::{SharedSnapshot, Snapshot},
    status::status_json,
};

/// Notes kept for the screen; older ones are in the log.
const MAX_NOTES: usize = 100;

/// Shared between the loop and the screen.
#[derive(Debug)]
pub struct Board {
    pub(crate) root: PathBuf,
    pub(crate) snapshot: SharedSnapshot,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lanes: Vec<LaneBoard>,
    /// What `status` shows of the journal.
    journal: Value,
    /// What `status` shows of the schedule of the campaign with this number.
    schedule: Option<(u32, Value)>,
    /// Why nothing of the campaign is begun.
    holds: Option<String>,
    throttled: u64,
    draining: bool,
    notes: Vec<String>,
    n_notes_dropped: usize,
}

/// One lane.
#[derive(Debug, Clone)]
pub struct LaneBoard {
    /// The carrier's name.
    pub name: String,
    /// Segments with an intent and no durable answer.
    pub outstanding: u32,
    /// Most of them at once.
    pub bound: u32,
    /// The limit that held something back last, in words.
    pub waits_for: Option<String>,
    /// Whether it can be used, in words.
    pub reach: String,
    /// Why nothing is sent through it, when it was paused.
    pub paused: Option<String>,
    /// What to change in its profile, in words.
    pub proposal: Option<String>,
    /// Submits per second of each bind, lately.
    pub(crate) rates: Vec<f64>,
    pub(crate) status: CarrierStatus,
}

impl LaneBoard {
    /// What a person should look at, if anything.
    #[must_use]
    pub fn alarm(&self) -> Option<&str> {
        self.paused.as_deref().or_else(|| self.status.alarm()).or(self.proposal.as_deref())
    }

    /// Segments per second that the carrier was found to take, while we keep below the
    /// configured rate because of it.
    #[must_use]
    pub const fn learned_ceiling_per_sec(&self) -> Option<f64> {
        self.status.learned_ceiling_per_sec
    }
}

impl Board {
    pub(crate) fn new(root: PathBuf, snapshot: SharedSnapshot) -> Self {
        Self { root, snapshot, inner: Mutex::default() }
    }

    pub(crate) fn set_lanes(&self, lanes: Vec<LaneBoard>, throttled: u64) {
        let mut inner = self.lock();
        (inner.lanes, inner.throttled) = (lanes, throttled);
    }

    pub(crate) fn set_holds(&self, holds: Option<String>) {
        self.lock().holds = holds;
    }

    /// `{"holds"}`: why nothing of the campaign is begun; null when its carriers alone decide.
    pub(crate) fn run(&self) -> Value {
        serde_json::json!({ "holds": self.lock().holds })
    }

    pub(crate) fn set_journal(&self, journal: Value) {
        self.lock().journal = journal;
    }

    /// `{"disk_full", "records", "commit_p50_us", …}` as of the last tick; null before the first.
    pub(crate) fn journal(&self) -> Value {
        self.lock().journal.clone()
    }

    pub(crate) fn set_schedule(&self, campaign: u32, schedule: Value) {
        self.lock().schedule = Some((campaign, schedule));
    }

    /// The campaign that runs, and what of it waits for which time.
    pub(crate) fn schedule(&self) -> Option<(u32, Value)> {
        self.lock().schedule.clone()
    }

    pub(crate) fn set_draining(&self) {
        self.lock().draining = true;
    }

    pub(crate) fn note(&self, note: String) {
        let mut inner = self.lock();
        if inner.notes.last() == Some(&note) {
            return;
        }
        if inner.notes.len() == MAX_NOTES {
            inner.notes.remove(0);
            inner.n_notes_dropped += 1;
        }
        inner.notes.push(note);
    }

    /// The lanes as of the last tick.
    #[must_use]
    pub fn lanes(&self) -> Vec<LaneBoard> {
        self.lock().lanes.clone()
    }

    /// Answers that told us to slow down.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.lock().throttled
    }

    /// Whether the windows are being drained.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// Notes from the `from`-th on, counted from the beginning.
    #[must_use]
    pub fn notes_from(&self, from: usize) -> Vec<String> {
        let inner = self.lock();
        inner.notes.iter().skip(from.saturating_sub(inner.n_notes_dropped)).cloned().collect()
    }

    /// All that `status` shows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What `status` gives, as of now.
    #[must_use]
    pub fn status(&self) -> Value {
        status_json(&self.snapshot(), &self.lanes(), self.journal(), (self.run(), self.schedule()))
    }

    /// The numbers of the campaign with this number.
    #[must_use]
    pub fn summary(&self, campaign: u32) -> Option<volley_reconciler::Summary> {
        let snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.campaigns.iter().find(|(id, _)| *id == campaign).map(|(_, summary)| summary.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
