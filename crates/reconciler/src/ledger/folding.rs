//! How a carrier's ids are read: proposed when receipts fit another reading, and changed for all
//! ids that await a receipt when the profile is corrected (HANDBOOK C.5).

use std::collections::{BTreeSet, HashMap};

use volley_core::{CampaignId, CarrierIndex, MessageToken, RecipientCheck, RowIndex, UnixMicros};
use volley_smpp::receipt::{IdMode, IdRules, Regex, Side};

use super::{Ledger, open_chunk, place};
use crate::{
    Error,
    chunk::Chunk,
    index::{ReceiptIndex, Target},
    record::{FoldingStep, Head, ReceiptEntry},
    segment::{Flags, Segment},
};

/// So many answers and receipts must fit before a reading is proposed (HANDBOOK C.5).
const PAIRS: usize = 100;
/// Receipts, and answers, that are looked at.
const SAMPLE: usize = 1_000;

/// Another reading of a carrier's ids, by which receipts find their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldingProposal {
    /// The carrier.
    pub carrier: CarrierIndex,
    /// The reading.
    pub mode: IdMode,
    /// Answers that have a receipt by it, recipients agreeing.
    pub n_pairs: usize,
}

impl Ledger {
    /// How a carrier's ids are read, as the journal knows it: the mode's name, and what is taken
    /// out first (empty for nothing).
    #[must_use]
    pub fn folding(&self, carrier: CarrierIndex) -> Option<(&str, &str)> {
        self.foldings.get(&carrier.0).map(|(mode, strip)| (mode.as_str(), strip.as_str()))
    }

    /// Receipts of a carrier that fit no answer so far.
    #[must_use]
    pub fn n_parked(&self, carrier: CarrierIndex) -> usize {
        self.parked.iter().filter(|parked| parked.carrier() == carrier).count()
    }

    /// A reading of ids by which at least a hundred receipts that match nothing would match, when
    /// `present` is the one that is configured. Looks at what lies in memory.
    #[must_use]
    pub fn propose_folding(&self, carrier: CarrierIndex, present: &IdRules) -> Option<FoldingProposal> {
        let mut receipts: HashMap<RecipientCheck, BTreeSet<&[u8]>> = HashMap::new();
        let parked = self.parked.iter().filter(|parked| parked.carrier() == carrier).take(SAMPLE);
        for (check, parked) in parked.filter_map(|parked| Some((parked.check()?, parked))) {
            receipts.entry(check).or_default().insert(parked.raw_id());
        }
        let chunks = self.campaigns.values().flat_map(|campaign| campaign.open.iter()).map(|(_, chunk)| chunk);
        let answers = chunks.flat_map(|chunk| answers_of(chunk, carrier));
        let alike = answers.filter_map(|(check, id)| Some((id, receipts.get(&check)?)));
        let alike: Vec<(&[u8], &BTreeSet<&[u8]>)> = alike.take(SAMPLE).collect();
        let others = IdMode::ALL.into_iter().filter(|mode| *mode != present.mode);
        let counted = others.map(|mode| (n_pairs(mode, present, &alike), mode));
        // Of equals the first: they are in the order of likelihood.
        let (n_pairs, mode) = counted.rev().max_by_key(|(n_pairs, _)| *n_pairs)?;
        (n_pairs >= PAIRS).then_some(FoldingProposal { carrier, mode, n_pairs })
    }

    /// Whether a receipt would tell news of a segment that awaits one.
    #[must_use]
    pub fn awaits(&self, carrier: CarrierIndex, entry: &ReceiptEntry<'_>) -> bool {
        let Some(target) = self.index.get(self.index.key(carrier, entry.id), entry.check) else { return false };
        if entry.check.is_some_and(|check| check != target.check) {
            return false;
        }
        let (number, offset) = place(target.token.row());
        let campaign = self.campaigns.get(&target.campaign);
        let Some(chunk) = campaign.and_then(|campaign| campaign.open.get(number)) else { return true };
        let slot = chunk.slots(offset).find(|(segment, _)| *segment == target.token.segment());
        slot.is_some_and(|(_, slot)| match slot.segment() {
            Segment::Accepted(known) => known.is_none_or(|known| known.join(entry.state) != known),
            Segment::Waiting
            | Segment::InFlight
            | Segment::Doubt
            | Segment::Failed
            | Segment::Suppressed
            | Segment::Missed
            | Segment::Cancelled
            | Segment::GivenUp => false,
        })
    }

    /// A receipt of an earlier record, with its id read anew.
    pub(super) fn on_rematched(
        &mut self,
        sequence: u64,
        carrier: CarrierIndex,
        at: UnixMicros,
        entry: &ReceiptEntry<'_>,
    ) -> Result<(), Error> {
        let key = self.index.key(carrier, entry.id);
        let Some(target) = self.index.get(key, entry.check) else { return Ok(()) };
        if entry.check.is_some_and(|check| check != target.check) {
            return Ok(());
        }
        self.receipts.rematched += u64::from(self.is_news(sequence));
        let head = Head { campaign: target.campaign, carrier, at };
        self.rows(sequence, head)?.on_receipt(target.token, key, entry.state, entry.err, sequence)
    }

    /// `rule`: the mode's name, and what is taken out of ids first.
    pub(super) fn on_folding(
        &mut self,
        sequence: u64,
        carrier: CarrierIndex,
        rule: (&str, &str),
        step: FoldingStep,
    ) -> Result<(), Error> {
        let is_news = self.is_news(sequence);
        let (mode, strip) = rule;
        match step {
            FoldingStep::Begins => {}
            FoldingStep::Ends => {
                if is_news {
                    self.foldings.insert(carrier.0, (mode.to_owned(), strip.to_owned()));
                }
                return Ok(());
            }
        }
        let rules = IdRules {
            mode: IdMode::from_name(mode).unwrap_or_default(),
            strip: Some(strip).filter(|strip| !strip.is_empty()).and_then(|strip| Regex::new(strip).ok()),
        };
        self.refold_answers(sequence, carrier, &rules)?;
        for receipt in self.parked.take_carrier(carrier, sequence) {
            let mut id = Vec::new();
            rules.fold(Side::Receipt, receipt.raw_id(), &mut id);
            let key = self.index.key(carrier, &id);
            match self.index.get(key, receipt.check()).filter(|target| receipt.fits(target.check)) {
                Some(target) => {
                    self.receipts.rematched += u64::from(is_news);
                    let head = Head { campaign: target.campaign, carrier, at: receipt.at() };
                    let mut rows = self.rows(sequence, head)?;
                    rows.on_receipt(target.token, key, receipt.state(), receipt.err(), receipt.sequence)?;
                }
                None => drop(self.parked.park(key, receipt.refolded(id))),
            }
        }
        Ok(())
    }

    fn refold_answers(&mut self, sequence: u64, carrier: CarrierIndex, rules: &IdRules) -> Result<(), Error> {
        let ids: Vec<CampaignId> = self.campaigns.keys().copied().collect();
        for id in ids {
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            let stored = campaign.stored.iter().filter(|(_, stored)| stored.awaits).map(|(number, _)| *number);
            let mut numbers: Vec<u32> = campaign.open.iter().map(|(number, _)| number).chain(stored).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                let Some(chunk) = open_chunk(&self.store, campaign, number)? else { continue };
                if sequence > chunk.as_of && refold_chunk(chunk, id, number, carrier, rules, &mut self.index) {
                    chunk.dirty_since.get_or_insert(sequence);
                }
            }
        }
        Ok(())
    }
}

/// Ids of a carrier's answers that await a receipt, as they came.
fn answers_of(chunk: &Chunk, carrier: CarrierIndex) -> impl Iterator<Item = (RecipientCheck, &[u8])> {
    let slots = (0_u16..).zip(chunk.rows()).flat_map(|(offset, _)| chunk.slots(offset));
    slots
        .filter(move |(_, slot)| slot.carrier == carrier.0)
        .filter(|(_, slot)| slot.segment().awaits_receipt() && slot.has_id())
        .map(|(_, slot)| (slot.check, chunk.id(slot)))
}

/// Answers that have a receipt for the same recipient by this mode.
fn n_pairs(mode: IdMode, present: &IdRules, alike: &[(&[u8], &BTreeSet<&[u8]>)]) -> usize {
    let answers = || alike.iter().map(|(answer, _)| *answer);
    let receipts = || alike.iter().flat_map(|(_, receipts)| receipts.iter().copied());
    if !mode.is_plausible(answers(), receipts()) {
        return 0;
    }
    let rules = IdRules { mode, strip: present.strip.clone() };
    let folded = |side, id: &[u8]| {
        let mut out = Vec::new();
        rules.fold(side, id, &mut out);
        out
    };
    let fits = |(answer, receipts): &&(&[u8], &BTreeSet<&[u8]>)| {
        let answer = folded(Side::Response, answer);
        receipts.iter().any(|receipt| folded(Side::Receipt, receipt) == answer)
    };
    alike.iter().filter(fits).count()
}

/// Reads the ids of a chunk anew; whether any changed.
fn refold_chunk(
    chunk: &mut Chunk,
    campaign: CampaignId,
    number: u32,
    carrier: CarrierIndex,
    rules: &IdRules,
    index: &mut ReceiptIndex,
) -> bool {
    let mut changes = Vec::new();
    for (offset, row) in (0_u16..).zip(chunk.rows()) {
        // What a receipt told of has a receipt's id.
        let side = if row.flags.has(Flags::INFERRED) { Side::Receipt } else { Side::Response };
        for (segment, slot) in chunk.slots(offset) {
            if slot.carrier != carrier.0 || !slot.segment().awaits_receipt() || !slot.has_id() {
                continue;
            }
            let mut folded = Vec::new();
            rules.fold(side, chunk.id(slot), &mut folded);
            if folded != chunk.folded_id(slot) {
                let old = index.key(carrier, chunk.folded_id(slot));
                changes.push((offset, segment, slot.check, chunk.id(slot).to_vec(), old, folded));
            }
        }
    }
    let changed = !changes.is_empty();
    for (offset, segment, check, id, old, folded) in changes {
        let token = MessageToken::new(RowIndex::in_chunk(number, offset), segment);
        index.remove(old, token);
        index.insert(index.key(carrier, &folded), Target { campaign, token, check });
        let folded = Some(folded.as_slice()).filter(|folded| *folded != id);
        chunk.set_id(offset, segment, &id, folded, check);
    }
    changed
}
