//! What the ledger knows of one campaign: its open chunks and its counters.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use volley_core::{CHUNK_ROWS, CampaignId, CarrierIndex, MessageState, StateCounts, UnixMicros};

use crate::{
    chunk::OpenChunks,
    ledger::{CampaignReceipts, Standing},
    record::{Archive, Control, Planned},
    summary::{CampaignStatus, Segments, Summary},
};

/// Reasons kept apart per campaign; what comes beyond is counted as "other".
const MAX_REASONS: usize = 4_000;

/// Texts that say why a row is where it is; rows hold their index. 0 is "no reason".
#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons {
    texts: Vec<String>,
    counts: Vec<u64>,
    by_text: HashMap<String, u16>,
}

impl Reasons {
    pub(crate) fn restore(texts: Vec<String>) -> Self {
        let by_text = texts.iter().zip(1..).map(|(text, n)| (text.clone(), n)).collect();
        Self { counts: vec![0; texts.len()], texts, by_text }
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(crate) fn index(&mut self, text: &str) -> u16 {
        if let Some(known) = self.by_text.get(text) {
            return *known;
        }
        if self.texts.len() >= MAX_REASONS && text != "other" {
            return self.index("other");
        }
        self.texts.push(text.to_owned());
        self.counts.push(0);
        let index = self.texts.len() as u16;
        self.by_text.insert(text.to_owned(), index);
        index
    }

    pub(crate) fn text(&self, index: u16) -> &str {
        index.checked_sub(1).and_then(|at| self.texts.get(usize::from(at))).map_or("", String::as_str)
    }

    /// A row's reason goes from one to another.
    pub(crate) fn shift(&mut self, from: u16, to: u16) {
        if from == to {
            return;
        }
        if let Some(n_rows) = from.checked_sub(1).and_then(|at| self.counts.get_mut(usize::from(at))) {
            *n_rows = n_rows.saturating_sub(1);
        }
        self.add(to, 1);
    }

    pub(crate) fn add(&mut self, index: u16, n_rows: u64) {
        if let Some(count) = index.checked_sub(1).and_then(|at| self.counts.get_mut(usize::from(at))) {
            *count += n_rows;
        }
    }

    /// How many rows have each reason, by its index.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u16, u64)> {
        (1..).zip(self.counts.iter().copied()).filter(|(_, n_rows)| *n_rows > 0)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.texts.iter().map(String::as_str).zip(self.counts.iter().copied()).filter(|(_, n_rows)| *n_rows > 0)
    }
}

/// What can be added up from rows: kept for the campaign, and once for each chunk in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(crate) states: StateCounts,
    pub(crate) submitted: u64,
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    pub(crate) possible_duplicates: u64,
    /// Rows that a receipt told of where an answer is missing.
    pub(crate) inferred: u64,
    /// Rows sent again of which a receipt told that they had been taken before.
    pub(crate) taken_twice: u64,
    /// Segments that still await a receipt: their ids belong into the index.
    pub(crate) awaiting: u64,
}

impl Sums {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.states.merge(&other.states);
        self.submitted += other.submitted;
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.possible_duplicates += other.possible_duplicates;
        self.inferred += other.inferred;
        self.taken_twice += other.taken_twice;
        self.awaiting += other.awaiting;
    }
}

/// One campaign.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) plan: Planned,
    pub(crate) planned_at: UnixMicros,
    pub(crate) control: Option<Control>,
    pub(crate) control_why: String,
    /// What was ordered of it and holds.
    pub(crate) standing: Standing,
    /// When it was finished; `None` while it runs or can be resumed.
    pub(crate) finished_at: Option<UnixMicros>,
    /// Its time was over, and nobody is left in its files.
    pub(crate) is_erased: bool,
    /// Time spent running, up to the last control event.
    pub(crate) elapsed: Duration,
    /// Since when it has been running.
    pub(crate) running_since: Option<UnixMicros>,
    pub(crate) last_event_at: UnixMicros,
    pub(crate) last_submit_at: Option<UnixMicros>,
    pub(crate) first_submit_at: Option<UnixMicros>,
    pub(crate) bounds: BTreeMap<CarrierIndex, u32>,
    pub(crate) reasons: Reasons,
    pub(crate) receipts: CampaignReceipts,
    pub(crate) open: OpenChunks,
    /// For each chunk that the store holds: its sums as stored. They are part of `sums` already.
    pub(crate) stored: HashMap<u32, StoredChunk>,
    /// Sums over all rows that can be sent.
    pub(crate) sums: Sums,
    /// Where its rows lie, when they are no longer here; the sums are final then.
    pub(crate) archived: Option<Archive>,
    /// Chunks that the store still holds of an archived campaign.
    pub(crate) to_remove: Vec<u32>,
}

/// What is remembered of a chunk that lies in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredChunk {
    pub(crate) all_final: bool,
    /// Whether ids in it await a receipt.
    pub(crate) awaits: bool,
}

impl Campaign {
    /// Segments get an intent.
    pub(crate) fn submits_at(&mut self, at: UnixMicros) {
        self.last_submit_at = self.last_submit_at.max(Some(at));
        self.first_submit_at.get_or_insert(at);
    }

    pub(crate) fn new(id: CampaignId, planned_at: UnixMicros, plan: Planned) -> Self {
        let mut sums = Sums::default();
        sums.states.add(MessageState::Pending, plan.n_valid.into());
        Self {
            id,
            plan,
            planned_at,
            control: None,
            control_why: String::new(),
            standing: Standing::default(),
            finished_at: None,
            is_erased: false,
            elapsed: Duration::ZERO,
            running_since: None,
            last_event_at: planned_at,
            last_submit_at: None,
            first_submit_at: None,
            bounds: BTreeMap::new(),
            reasons: Reasons::default(),
            receipts: CampaignReceipts::default(),
            open: OpenChunks::default(),
            stored: HashMap::new(),
            sums,
            archived: None,
            to_remove: Vec::new(),
        }
    }

    /// The numbers of all touched chunks that are not final as a whole, in order.
    pub(crate) fn open_numbers(&self) -> Vec<u32> {
        let stored = self.stored.iter().filter(|(_, stored)| !stored.all_final).map(|(number, _)| *number);
        let mut numbers: Vec<u32> = self.open.iter().map(|(number, _)| number).chain(stored).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    pub(crate) const fn n_chunks(&self) -> u32 {
        self.plan.n_valid.div_ceil(CHUNK_ROWS)
    }

    /// Rows of chunk `chunk`; 0 beyond the end.
    pub(crate) fn chunk_len(&self, chunk: u32) -> u32 {
        self.plan.n_valid.saturating_sub(chunk.saturating_mul(CHUNK_ROWS)).min(CHUNK_ROWS)
    }

    /// Milliseconds since planning, as rows hold their times; saturates after 49 days.
    pub(crate) fn ms(&self, at: UnixMicros) -> u32 {
        u32::try_from(at.since(self.planned_at).as_millis()).unwrap_or(u32::MAX)
    }

    pub(crate) fn control(&mut self, at: UnixMicros, control: Control, why: &str) {
        if let Some(since) = self.running_since.take() {
            self.elapsed += self.last_event_at.max(since).since(since);
        }
        if control == Control::Started {
            self.running_since = Some(at);
        }
        self.last_event_at = self.last_event_at.max(at);
        self.finished_at = (control == Control::Finished).then_some(at);
        self.control = Some(control);
        why.clone_into(&mut self.control_why);
    }

    /// Why it stands where it stands, in words.
    fn why(&self) -> String {
        let Standing { paused, cancelled, .. } = &self.standing;
        let mut words = Vec::from_iter(Some(&self.control_why).filter(|why| !why.is_empty()).cloned());
        words.extend(cancelled.as_ref().map(|by| format!("cancelled by {}", by.words())));
        words.extend(paused.as_ref().filter(|_| cancelled.is_none()).map(|by| format!("paused by {}", by.words())));
        words.join("; ")
    }

    /// The JSON that `run`, `resume`, `status` and `report` share.
    pub(crate) fn summary(&self) -> Summary {
        let mut states = self.sums.states;
        let n_rejected: u64 = self.plan.rejected.values().sum();
        states.add(MessageState::Rejected, n_rejected);
        let running = self.running_since.map_or(Duration::ZERO, |since| self.last_event_at.max(since).since(since));
        let elapsed = self.elapsed + running;
        let sending = match (self.first_submit_at, self.last_submit_at) {
            (Some(first), Some(last)) => last.since(first).min(elapsed),
            _ => Duration::ZERO,
        };
        let per_s = if sending.is_zero() { 0.0 } else { self.sums.submitted as f64 / sending.as_secs_f64() };
        let mut reasons: Vec<_> = self.plan.rejected.iter().map(|(code, n)| (code.clone(), *n)).collect();
        reasons.extend(self.reasons.iter().map(|(text, n)| (text.to_owned(), n)));
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Summary {
            campaign: self.plan.name.clone(),
            status: match self.archived {
                Some(_) => CampaignStatus::Archived,
                None => Summary::status_of(self.control, &states, self.standing.paused.is_some()),
            },
            why: self.why(),
            rows: self.plan.n_rows,
            states,
            segments: Segments {
                planned: self.plan.n_segments,
                submitted: self.sums.submitted,
                accepted: self.sums.accepted,
                delivered: self.sums.delivered,
            },
            possible_duplicates: self.sums.possible_duplicates,
            inferred: self.sums.inferred,
            taken_twice: self.sums.taken_twice,
            in_doubt_bound: self.bounds.values().map(|bound| u64::from(*bound)).sum(),
            elapsed,
            submitted_per_s: per_s,
            reasons,
        }
    }
}
