//! A carrier's ids are read by another rule since the last run: what waited for a receipt, and the
//! receipts that matched nothing, are read anew.

use volley_core::{CarrierIndex, Clock as _, ReceiptState, RecipientCheck, SystemClock};
use volley_reconciler::record::{Event, Events, FoldingStep, ReceiptEntry};
use volley_smpp::receipt::{IdRules, Side};

use crate::{Engine, Error};

/// Receipts that become one record of the journal.
const RECEIPTS_PER_RECORD: usize = 1_000;

/// A receipt of an earlier record that matches now.
struct Again {
    id: Vec<u8>,
    raw: Vec<u8>,
    state: ReceiptState,
    err: Vec<u8>,
    check: Option<RecipientCheck>,
}

impl Engine {
    /// Lets the ledger know how a carrier's ids are read from here on.
    pub(crate) fn read_ids_by(&mut self, name: &str, carrier: CarrierIndex, ids: &IdRules) -> Result<(), Error> {
        let strip = ids.strip.as_ref().map_or("", |strip| strip.as_str());
        let before = self.ledger.folding(carrier).map(|(mode, strip)| (mode.to_owned(), strip.to_owned()));
        if before.as_ref().is_some_and(|(mode, taken_out)| mode == ids.mode.name() && taken_out == strip) {
            return Ok(());
        }
        let n_before = self.ledger.receipt_counters().rematched;
        self.record(|events| events.folding(carrier, ids.mode.name(), strip, FoldingStep::Begins))?;
        if before.is_some() {
            self.match_again(carrier, ids)?;
        }
        self.record(|events| events.folding(carrier, ids.mode.name(), strip, FoldingStep::Ends))?;
        if let Some((mode, _)) = before {
            let n_matched = self.ledger.receipt_counters().rematched - n_before;
            self.notes.push(format!(
                "carrier {name}: ids are read as {} now, as {mode} before; {n_matched} receipts match that did not",
                ids.mode.name()
            ));
        }
        Ok(())
    }

    /// All receipts of the carrier that the journal holds, as far as something awaits them.
    fn match_again(&mut self, carrier: CarrierIndex, ids: &IdRules) -> Result<(), Error> {
        let view = self.journal.view();
        let mut reader = view.read_from(view.first());
        let mut again = Vec::new();
        while let Some(record) = reader.next()? {
            if record.sequence > view.last() {
                break;
            }
            for event in Events::new(record.payload) {
                let Ok(Event::Receipts { carrier: of, entries, .. }) = event else { continue };
                if of == carrier {
                    again.extend(entries.filter_map(|entry| self.matches_now(carrier, ids, &entry)));
                }
            }
            if again.len() >= RECEIPTS_PER_RECORD {
                self.record_again(carrier, &again)?;
                again.clear();
            }
        }
        self.record_again(carrier, &again)
    }

    fn matches_now(&self, carrier: CarrierIndex, ids: &IdRules, entry: &ReceiptEntry<'_>) -> Option<Again> {
        let raw = entry.raw.unwrap_or(entry.id);
        let mut id = Vec::new();
        ids.fold(Side::Receipt, raw, &mut id);
        // What was read the same before matched before.
        let read_anew = ReceiptEntry { id: &id, ..*entry };
        (id != entry.id && self.ledger.awaits(carrier, &read_anew)).then(|| Again {
            id,
            raw: raw.to_vec(),
            state: entry.state,
            err: entry.err.to_vec(),
            check: entry.check,
        })
    }

    fn record_again(&mut self, carrier: CarrierIndex, again: &[Again]) -> Result<(), Error> {
        if again.is_empty() {
            return Ok(());
        }
        let entries = again.iter().map(|again| ReceiptEntry {
            id: &again.id,
            state: again.state,
            err: &again.err,
            check: again.check,
            raw: Some(again.raw.as_slice()).filter(|raw| *raw != again.id),
            facts: None,
        });
        self.record(|events| events.rematched(carrier, SystemClock.wall(), entries))
    }
}
