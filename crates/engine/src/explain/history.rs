//! Everything that the journal holds of one row.

use std::collections::BTreeSet;

use volley_core::{CampaignId, CarrierIndex, MessageToken, RowIndex, UnixMicros};
use volley_journal::View;
use volley_reconciler::{
    NumberHash,
    record::{Answer, Event, Events, Order, ReceiptEntry, Resolution, SuppressChange, Told},
};
use volley_smpp::pdu::CommandStatus;

use super::HappenedEvent;
use crate::{Error, erase::in_words, orders::moment};

/// Whose history it is.
pub(crate) struct Whose {
    pub(crate) campaign: CampaignId,
    pub(crate) row: Option<RowIndex>,
    pub(crate) number: Option<NumberHash>,
}

/// Carrier and folded id of each segment that was taken.
type Ids = BTreeSet<(u8, Vec<u8>)>;

/// Reads the journal twice: receipts may come before the answer that names their id.
pub(crate) fn read(journal: &View, whose: &Whose, carriers: &[String]) -> Result<Vec<HappenedEvent>, Error> {
    let mut ids = Ids::new();
    each(journal, |event| collect_ids(whose, event, &mut ids))?;
    let mut reader = Reader { whose, carriers, ids, events: Vec::new() };
    each(journal, |event| reader.event(event))?;
    let mut events = reader.events;
    events.sort_by_key(|(at, _)| *at);
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

fn each(journal: &View, mut see: impl FnMut(Event<'_>)) -> Result<(), Error> {
    let mut records = journal.read_from(journal.first());
    while let Some(record) = records.next()?.filter(|record| record.sequence <= journal.last()) {
        for event in Events::new(record.payload) {
            let sequence = record.sequence.0;
            see(event.map_err(|source| volley_reconciler::Error::Record { sequence, source })?);
        }
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what concerns no single recipient is passed over")]
fn collect_ids(whose: &Whose, event: Event<'_>, ids: &mut Ids) {
    match event {
        Event::Answers { head, entries } if head.campaign == whose.campaign => {
            for entry in entries.filter(|entry| Some(entry.token.row()) == whose.row) {
                if let Answer::Accepted { id, folded, .. } = entry.answer {
                    ids.insert((head.carrier.0, folded.unwrap_or(id).to_vec()));
                }
            }
        }
        Event::Inferred { head, entries } if head.campaign == whose.campaign => {
            for entry in entries.filter(|entry| Some(entry.token.row()) == whose.row) {
                ids.insert((head.carrier.0, entry.folded.unwrap_or(entry.id).to_vec()));
            }
        }
        _ => {}
    }
}

struct Reader<'a> {
    whose: &'a Whose,
    carriers: &'a [String],
    ids: Ids,
    events: Vec<(UnixMicros, HappenedEvent)>,
}

impl Reader<'_> {
    fn push(
        &mut self,
        at: UnixMicros,
        what: &str,
        carrier: Option<CarrierIndex>,
        segment: Option<u8>,
        details: String,
    ) {
        let carrier = carrier.and_then(|carrier| self.carriers.get(carrier.as_usize()).cloned());
        let segment = segment.map(|segment| segment.saturating_add(1));
        let event = HappenedEvent { at: in_words(at), what: what.to_owned(), carrier, segment, details };
        self.events.push((at, event));
    }

    fn is_ours(&self, row: RowIndex) -> bool {
        self.whose.row == Some(row)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what concerns no single recipient is passed over")]
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Planned { campaign, at, plan } if campaign == self.whose.campaign => {
                self.push(at, "approved", None, None, format!("a list of {} rows", plan.n_rows));
            }
            Event::Ordered(ordered) if ordered.campaign == self.whose.campaign.0 => {
                let what = match ordered.order {
                    Order::Pause { .. } => "paused",
                    Order::Resume { .. } => "resumed",
                    Order::Cancel => "cancelled",
                    Order::Pace { .. } | Order::Pass => return,
                };
                let carrier = match ordered.order {
                    Order::Pause { carrier } | Order::Resume { carrier } => carrier.map(CarrierIndex),
                    Order::Pace { .. } | Order::Pass | Order::Cancel => None,
                };
                let why = if ordered.why.is_empty() { String::new() } else { format!(": {}", ordered.why) };
                self.push(UnixMicros(ordered.at_us), what, carrier, None, format!("by {}{why}", ordered.by));
            }
            Event::Suppress(entry) if Some(entry.number) == self.whose.number => {
                self.suppressed(entry.at, entry.change, entry.cause.name());
            }
            Event::SuppressBatch(batch) => {
                let mut entries = batch.entries;
                if entries.any(|entry| Some(entry.number) == self.whose.number) {
                    self.suppressed(batch.at, batch.change, batch.cause.name());
                }
            }
            Event::Receipts { carrier, at, entries } | Event::Rematched { carrier, at, entries } => {
                entries.into_iter().for_each(|entry| self.receipt(carrier, at, &entry));
            }
            event => self.row_event(event),
        }
    }

    fn suppressed(&mut self, at: UnixMicros, change: SuppressChange, cause: &str) {
        let what = match change {
            SuppressChange::Add => "the number went on a suppression list",
            SuppressChange::Lift => "the number came off a suppression list",
        };
        self.push(at, "suppression", None, None, format!("{what}: {cause}"));
    }

    fn receipt(&mut self, carrier: CarrierIndex, at: UnixMicros, entry: &ReceiptEntry<'_>) {
        if !self.ids.contains(&(carrier.0, entry.id.to_vec())) {
            return;
        }
        let err = if entry.err.is_empty() { String::new() } else { format!(", err {}", text(entry.err)) };
        let details = format!("{}{err}, for id {}", entry.state.name(), text(entry.id));
        self.push(at, "receipt", Some(carrier), None, details);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what concerns no single recipient is passed over")]
    fn row_event(&mut self, event: Event<'_>) {
        let campaign = self.whose.campaign;
        match event {
            Event::Intent { head, entries, .. } if head.campaign == campaign => {
                for entry in entries.filter(|entry| self.whose.row == Some(entry.row)) {
                    let details = match entry.n_segments {
                        1 => "to be written".to_owned(),
                        n => format!("to be written, a message of {n} segments"),
                    };
                    self.push(head.at, "intent", Some(head.carrier), entry.only, details);
                }
            }
            Event::Answers { head, entries } if head.campaign == campaign => {
                for entry in entries.filter(|entry| self.whose.row == Some(entry.token.row())) {
                    let (what, details) = answer(entry.answer);
                    self.push(head.at, what, Some(head.carrier), Some(entry.token.segment()), details);
                }
            }
            Event::InDoubt { head, cause, tokens } if head.campaign == campaign => {
                self.tokens(head.at, "in doubt", head.carrier, tokens, cause.name());
            }
            Event::Returned { head, tokens } if head.campaign == campaign => {
                self.tokens(head.at, "given back", head.carrier, tokens, "it was not written: no attempt used up");
            }
            Event::Resolved { head, as_, by, tokens } if head.campaign == campaign => {
                let word = match as_ {
                    Resolution::Resend => "to be sent again",
                    Resolution::Failed => "taken for failed",
                    Resolution::Sent => "taken for sent",
                };
                self.tokens(head.at, "decided", head.carrier, tokens, &format!("{word} by {by}"));
            }
            Event::Inferred { head, entries } if head.campaign == campaign => {
                for entry in entries.filter(|entry| self.whose.row == Some(entry.token.row())) {
                    let details = format!("a receipt tells that it was taken, under id {}", text(entry.id));
                    self.push(head.at, "inferred", Some(head.carrier), Some(entry.token.segment()), details);
                }
            }
            Event::Queried { head, entries } if head.campaign == campaign => {
                for entry in entries.filter(|entry| self.whose.row == Some(entry.token.row())) {
                    let details = match entry.told {
                        Told::State { state, .. } => format!("the carrier says {}", state.name()),
                        Told::Refused { status } => format!("the carrier doesn't say: {}", CommandStatus(status)),
                        Told::Nothing => "the carrier didn't answer".to_owned(),
                    };
                    self.push(head.at, "asked", Some(head.carrier), Some(entry.token.segment()), details);
                }
            }
            Event::NoReceipt { head, tokens } if head.campaign == campaign => {
                self.tokens(head.at, "no receipt", head.carrier, tokens, "no final receipt before the deadline");
            }
            Event::Suppressed { head, cause, tokens } if head.campaign == campaign => {
                self.tokens(head.at, "skipped", head.carrier, tokens, cause.reason());
            }
            Event::Missed { head, tokens } if head.campaign == campaign => {
                self.tokens(head.at, "expired", head.carrier, tokens, "not begun by the deadline");
            }
            Event::Cancelled { campaign: of, at, rows }
                if of == campaign && self.whose.row.is_some_and(|row| rows.contains(&row.0)) =>
            {
                self.push(at, "skipped", None, None, "what waited of it was cancelled".to_owned());
            }
            _ => {}
        }
    }

    fn tokens(
        &mut self,
        at: UnixMicros,
        what: &str,
        carrier: CarrierIndex,
        tokens: impl Iterator<Item = MessageToken>,
        details: &str,
    ) {
        for token in tokens {
            if self.is_ours(token.row()) {
                self.push(at, what, Some(carrier), Some(token.segment()), details.to_owned());
            }
        }
    }
}

fn answer(answer: Answer<'_>) -> (&'static str, String) {
    match answer {
        Answer::Accepted { id, .. } => ("accepted", format!("under id {}", text(id))),
        Answer::Failed { status } => ("refused", format!("for good: {}", CommandStatus(status))),
        Answer::Deferred { status, until } => {
            ("deferred", format!("{}; due at {}", CommandStatus(status), moment(until)))
        }
        Answer::Throttled { status } => ("throttled", format!("{}: no attempt used up", CommandStatus(status))),
    }
}

fn text(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}
