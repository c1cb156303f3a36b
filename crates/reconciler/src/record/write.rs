//! Events into a journal record.

use std::ops::Range;

use volley_core::{CampaignId, CarrierIndex, MessageToken, UnixMicros};

use super::{
    Answer, AnswerEntry, Archive, Control, DoubtCause, FoldingStep, Head, InferredEntry, IntentEntry, Ordered, Planned,
    QueriedEntry, ReceiptEntry, Resolution, SuppressEntry, Told, kind, queried::told, tag,
};
use crate::{
    suppress::SuppressCause,
    varint::{put_i64, put_prefixed, put_u64},
};

/// Collects the events of one turn into one journal record.
#[derive(Debug, Default)]
pub struct EventWriter {
    out: Vec<u8>,
    body: Vec<u8>,
}

impl EventWriter {
    /// A writer that fills `buffer`, which is cleared first.
    #[must_use]
    pub fn reusing(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { out: buffer, body: Vec::new() }
    }

    /// Whether no event was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Octets written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.out.len()
    }

    /// The record; the writer is empty afterwards and goes on in `next`.
    pub fn take(&mut self, next: Vec<u8>) -> Vec<u8> {
        let mut next = next;
        next.clear();
        std::mem::replace(&mut self.out, next)
    }

    /// See [`super::Event::Carrier`].
    pub fn carrier(&mut self, carrier: CarrierIndex, name: &str) {
        self.event(kind::CARRIER, |body| {
            body.push(carrier.0);
            put_prefixed(body, name.as_bytes());
        });
    }

    /// See [`super::Event::Planned`].
    ///
    /// # Panics
    /// Never: a plan's numbers and words can always be written as JSON.
    pub fn planned(&mut self, campaign: CampaignId, at: UnixMicros, plan: &Planned) {
        let json = serde_json::to_vec(plan).expect("numbers and words are always JSON");
        self.event(kind::PLANNED, |body| {
            put_u64(body, campaign.0.into());
            put_u64(body, at.0);
            put_prefixed(body, &json);
        });
    }

    /// See [`super::Event::Bound`].
    pub fn bound(&mut self, campaign: CampaignId, carrier: CarrierIndex, bound: u32) {
        self.event(kind::BOUND, |body| {
            put_u64(body, campaign.0.into());
            body.push(carrier.0);
            put_u64(body, bound.into());
        });
    }

    /// See [`super::Event::Intent`].
    pub fn intent(&mut self, head: Head, leg: u8, entries: impl IntoIterator<Item = IntentEntry>) {
        self.event(kind::INTENT, |body| {
            put_head(body, head);
            body.push(leg);
            let mut previous = 0;
            for entry in entries {
                put_row(body, &mut previous, entry.row.0);
                // 0: one segment, the usual case; else the number of segments and which.
                match (entry.n_segments, entry.only) {
                    (1, _) => body.push(0),
                    (n, None) => body.extend([n, u8::MAX]),
                    (n, Some(only)) => body.extend([n, only]),
                }
            }
        });
    }

    /// See [`super::Event::Answers`].
    pub fn answers<'a>(&mut self, head: Head, entries: impl IntoIterator<Item = AnswerEntry<'a>>) {
        self.event(kind::ANSWERS, |body| {
            put_head(body, head);
            let mut previous = 0;
            for entry in entries {
                put_answer(body, &mut previous, head.at, &entry);
            }
        });
    }

    /// See [`super::Event::InDoubt`].
    pub fn in_doubt(&mut self, head: Head, cause: DoubtCause, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::IN_DOUBT, |body| {
            put_head(body, head);
            body.push(cause as u8);
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Returned`].
    pub fn returned(&mut self, head: Head, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::RETURNED, |body| {
            put_head(body, head);
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Resolved`].
    pub fn resolved(&mut self, head: Head, as_: Resolution, by: &str, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::RESOLVED, |body| {
            put_head(body, head);
            body.push(as_ as u8);
            put_prefixed(body, by.as_bytes());
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Receipts`].
    pub fn receipts<'a>(
        &mut self,
        carrier: CarrierIndex,
        at: UnixMicros,
        entries: impl IntoIterator<Item = ReceiptEntry<'a>>,
    ) {
        // Versions before kind 31 must not take a receipt's new fields for the next receipt.
        self.event_of(|body| {
            let mut kind = kind::RECEIPTS;
            body.push(carrier.0);
            put_u64(body, at.0);
            for entry in entries {
                if entry.raw.is_some() || entry.facts.is_some() {
                    kind = kind::RECEIPTS_IN_FULL;
                }
                put_receipt(body, at, &entry);
            }
            kind
        });
    }

    /// See [`super::Event::Rematched`].
    pub fn rematched<'a>(
        &mut self,
        carrier: CarrierIndex,
        at: UnixMicros,
        entries: impl IntoIterator<Item = ReceiptEntry<'a>>,
    ) {
        self.event(kind::REMATCHED, |body| {
            body.push(carrier.0);
            put_u64(body, at.0);
            entries.into_iter().for_each(|entry| put_receipt(body, at, &entry));
        });
    }

    /// See [`super::Event::Inferred`].
    pub fn inferred<'a>(&mut self, head: Head, entries: impl IntoIterator<Item = InferredEntry<'a>>) {
        self.event(kind::INFERRED, |body| {
            put_head(body, head);
            let mut previous = 0;
            for entry in entries {
                put_row(body, &mut previous, entry.token.row().0);
                body.extend([entry.token.segment(), entry.attempt as u8]);
                put_prefixed(body, entry.id);
                put_prefixed(body, entry.folded.unwrap_or_default());
                body.extend(entry.check.0.to_le_bytes());
            }
        });
    }

    /// See [`super::Event::Ambiguous`].
    pub fn ambiguous(&mut self, carrier: CarrierIndex, id: &[u8]) {
        self.event(kind::AMBIGUOUS, |body| {
            body.push(carrier.0);
            put_prefixed(body, id);
        });
    }

    /// See [`super::Event::Folding`].
    pub fn folding(&mut self, carrier: CarrierIndex, mode: &str, strip: &str, step: FoldingStep) {
        self.event(kind::FOLDING, |body| {
            body.push(carrier.0);
            put_prefixed(body, mode.as_bytes());
            put_prefixed(body, strip.as_bytes());
            body.push(step as u8);
        });
    }

    /// See [`super::Event::Queried`].
    pub fn queried<'a>(&mut self, head: Head, entries: impl IntoIterator<Item = QueriedEntry<'a>>) {
        self.event(kind::QUERIED, |body| {
            put_head(body, head);
            let mut previous = 0;
            for entry in entries {
                put_row(body, &mut previous, entry.token.row().0);
                body.extend([entry.token.segment(), entry.n_asked]);
                match entry.told {
                    Told::State { state, err } => {
                        body.extend([told::STATE, state as u8]);
                        put_prefixed(body, err);
                    }
                    Told::Refused { status } => {
                        body.push(told::REFUSED);
                        put_u64(body, status.into());
                    }
                    Told::Nothing => body.push(told::NOTHING),
                }
            }
        });
    }

    /// See [`super::Event::NoReceipt`].
    pub fn no_receipt(&mut self, head: Head, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::NO_RECEIPT, |body| {
            put_head(body, head);
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Reply`].
    pub fn reply(&mut self, carrier: CarrierIndex, at: UnixMicros) {
        self.event(kind::REPLY, |body| {
            body.push(carrier.0);
            put_u64(body, at.0);
        });
    }

    /// See [`super::Event::Suppress`].
    pub fn suppress(&mut self, entry: &SuppressEntry) {
        self.event(kind::SUPPRESS, |body| {
            put_u64(body, entry.at.0);
            body.extend([entry.change as u8, entry.cause as u8]);
            body.extend(entry.check.0.to_le_bytes());
            put_u64(body, entry.reply);
            put_prefixed(body, &entry.number.0);
        });
    }

    /// See [`super::Event::Suppressed`].
    pub fn suppressed(&mut self, head: Head, cause: SuppressCause, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::SUPPRESSED, |body| {
            put_head(body, head);
            body.push(cause as u8);
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Missed`].
    pub fn missed(&mut self, head: Head, tokens: impl IntoIterator<Item = MessageToken>) {
        self.event(kind::MISSED, |body| {
            put_head(body, head);
            put_tokens(body, tokens);
        });
    }

    /// See [`super::Event::Archived`].
    pub fn archived(&mut self, campaign: CampaignId, archive: &Archive) {
        self.event(kind::ARCHIVED, |body| {
            put_u64(body, campaign.0.into());
            put_u64(body, archive.at_us);
            put_prefixed(body, archive.file.as_bytes());
            put_prefixed(body, archive.hash.as_bytes());
        });
    }

    /// See [`super::Event::Ordered`].
    ///
    /// # Panics
    /// Never: numbers and words can always be written as JSON.
    pub fn ordered(&mut self, ordered: &Ordered) {
        let json = serde_json::to_vec(ordered).expect("numbers and words are always JSON");
        self.event(kind::ORDERED, |body| put_prefixed(body, &json));
    }

    /// See [`super::Event::Cancelled`].
    pub fn cancelled(&mut self, campaign: CampaignId, at: UnixMicros, rows: &Range<u32>) {
        self.event(kind::CANCELLED, |body| {
            put_u64(body, campaign.0.into());
            put_u64(body, at.0);
            put_u64(body, rows.start.into());
            put_u64(body, rows.len() as u64);
        });
    }

    /// See [`super::Event::Control`].
    pub fn control(&mut self, campaign: CampaignId, at: UnixMicros, control: Control, why: &str) {
        self.event(kind::CONTROL, |body| {
            put_u64(body, campaign.0.into());
            put_u64(body, at.0);
            body.push(control as u8);
            put_prefixed(body, why.as_bytes());
        });
    }

    pub(super) fn event(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.event_of(|body| {
            write(body);
            kind
        });
    }

    /// An event whose kind follows from what is written.
    fn event_of(&mut self, write: impl FnOnce(&mut Vec<u8>) -> u8) {
        self.body.clear();
        let kind = write(&mut self.body);
        self.out.push(kind);
        put_prefixed(&mut self.out, &self.body);
    }
}

pub(super) const MICROS_PER_S: u64 = 1_000_000;

fn put_head(body: &mut Vec<u8>, head: Head) {
    put_u64(body, head.campaign.0.into());
    body.push(head.carrier.0);
    put_u64(body, head.at.0);
}

fn put_row(body: &mut Vec<u8>, previous: &mut u32, row: u32) {
    put_i64(body, i64::from(row) - i64::from(*previous));
    *previous = row;
}

fn put_tokens(body: &mut Vec<u8>, tokens: impl IntoIterator<Item = MessageToken>) {
    let mut previous = 0;
    for token in tokens {
        put_row(body, &mut previous, token.row().0);
        body.push(token.segment());
    }
}

fn put_answer(body: &mut Vec<u8>, previous: &mut u32, at: UnixMicros, entry: &AnswerEntry<'_>) {
    let segment = entry.token.segment();
    let mut first = if segment == 0 { 0 } else { tag::SEGMENT };
    first |= match entry.answer {
        Answer::Accepted { folded: None, .. } => tag::ACCEPTED,
        Answer::Accepted { folded: Some(_), .. } => tag::ACCEPTED | tag::FOLDED,
        Answer::Failed { .. } => tag::FAILED,
        Answer::Deferred { .. } => tag::DEFERRED,
        Answer::Throttled { .. } => tag::THROTTLED,
    };
    body.push(first);
    put_row(body, previous, entry.token.row().0);
    if segment != 0 {
        body.push(segment);
    }
    match entry.answer {
        Answer::Accepted { id, folded, check } => {
            put_prefixed(body, id);
            if let Some(folded) = folded {
                put_prefixed(body, folded);
            }
            body.extend(check.0.to_le_bytes());
        }
        Answer::Failed { status } | Answer::Throttled { status } => put_u64(body, status.into()),
        Answer::Deferred { status, until } => {
            put_u64(body, status.into());
            put_u64(body, until.0.saturating_sub(at.0));
        }
    }
}

fn put_receipt(body: &mut Vec<u8>, at: UnixMicros, entry: &ReceiptEntry<'_>) {
    let flag = |is_there: bool, tag: u8| if is_there { tag } else { 0 };
    body.push(
        entry.state as u8
            | flag(!entry.err.is_empty(), tag::ERR)
            | flag(entry.check.is_some(), tag::CHECK)
            | flag(entry.raw.is_some(), tag::RAW)
            | flag(entry.facts.is_some(), tag::FACTS),
    );
    put_prefixed(body, entry.id);
    if let Some(raw) = entry.raw {
        put_prefixed(body, raw);
    }
    if !entry.err.is_empty() {
        put_prefixed(body, entry.err);
    }
    if let Some(check) = entry.check {
        body.extend(check.0.to_le_bytes());
    }
    if let Some(facts) = entry.facts {
        // Dates of receipts have no more than seconds.
        put_i64(body, (at.0 / MICROS_PER_S).cast_signed() - (facts.submitted.0 / MICROS_PER_S).cast_signed());
        body.extend(facts.recipient.to_le_bytes());
        body.extend(facts.sender.to_le_bytes());
    }
}
