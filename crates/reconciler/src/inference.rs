//! Which receipt ends which doubt (CONTRACT section 3): carrier, recipient and sender match, the
//! message was taken between its intent and the loss of its connection, and there is exactly one
//! candidate. Decides on values; what follows from it is an event of the journal.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use volley_core::{CampaignId, CarrierIndex, MessageToken, RecipientCheck, RowIndex, UnixMicros};

use crate::{
    Fate, Suspect,
    index::Parked,
    record::{Attempt, ReceiptFacts},
};

/// A carrier's clock may be so much behind ours (CONTRACT section 3).
const CARRIER_BEHIND: Duration = Duration::from_secs(120);

/// Who a message goes to, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The recipient's keyed hash, as receipts carry it in the journal.
    pub recipient: u32,
    /// The sender's check.
    pub sender: u16,
    /// What a receipt's address must pass.
    pub check: RecipientCheck,
}

/// What is known of a carrier when receipts are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// The carrier.
    pub carrier: CarrierIndex,
    /// Whatever was in flight when a receipt arrived until then has been answered or lost since:
    /// a receipt that still fits nothing came before no answer.
    pub until: UnixMicros,
    /// How much its clock may be ahead of ours.
    pub skew: Duration,
}

/// A receipt that tells of a segment without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    /// The campaign.
    pub campaign: CampaignId,
    /// The carrier.
    pub carrier: CarrierIndex,
    /// Row and segment.
    pub token: MessageToken,
    /// The id as it came.
    pub id: Vec<u8>,
    /// The id as receipts are matched by it.
    pub folded: Vec<u8>,
    /// What later receipts must pass.
    pub check: RecipientCheck,
    /// Whether the segment was sent again since.
    pub attempt: Attempt,
}

/// What a look at the receipts gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inferences {
    /// Doubts that end.
    pub inferred: Vec<Inference>,
    /// Folded ids of receipts that fit more than one message; each is given out once.
    pub ambiguous: Vec<(CarrierIndex, Vec<u8>)>,
}

/// One attempt at sending a row: its segments share recipient, sender and time.
type AttemptKey = (CampaignId, RowIndex, bool);

fn attempt_of(suspect: &Suspect) -> AttemptKey {
    (suspect.campaign, suspect.token.row(), suspect.fate == Fate::Resent)
}

/// Looks at the receipts of one carrier that fit no answer.
pub(crate) fn infer<'a>(
    suspects: &[(Suspect, Identity)],
    receipts: impl Iterator<Item = &'a Parked>,
    settled: &Settled,
    found: &mut Inferences,
) {
    let mut by_identity: HashMap<(u32, u16), Vec<&(Suspect, Identity)>> = HashMap::new();
    for known in suspects {
        by_identity.entry((known.1.recipient, known.1.sender)).or_default().push(known);
    }
    let mut ids: BTreeMap<AttemptKey, BTreeMap<&[u8], &Parked>> = BTreeMap::new();
    for receipt in receipts.filter(|receipt| receipt.at() <= settled.until) {
        let Some(facts) = receipt.facts() else { continue };
        let Some(alike) = by_identity.get(&(facts.recipient, facts.sender)) else { continue };
        let fits = alike.iter().filter(|(suspect, _)| is_in_time(suspect, &facts, settled.skew));
        let attempts: BTreeSet<AttemptKey> = fits.map(|(suspect, _)| attempt_of(suspect)).collect();
        let mut attempts = attempts.into_iter();
        match (attempts.next(), attempts.next()) {
            (Some(only), None) => drop(ids.entry(only).or_default().insert(receipt.id(), receipt)),
            (Some(_), Some(_)) => found.undecided(receipt),
            (None, _) => {}
        }
    }
    for (attempt, receipts) in ids {
        let segments = suspects.iter().filter(|(suspect, _)| attempt_of(suspect) == attempt);
        let segments: Vec<_> = segments.collect();
        // Which segment a receipt is of can't be told, and need not be when all are accounted
        // for. Fewer may be joined by more; more are those of another message.
        if receipts.len() > segments.len() {
            receipts.into_values().for_each(|receipt| found.undecided(receipt));
        } else if receipts.len() == segments.len() {
            let pairs = segments.into_iter().zip(receipts.into_values());
            found.inferred.extend(pairs.map(|((suspect, identity), receipt)| Inference {
                campaign: suspect.campaign,
                carrier: suspect.carrier,
                token: suspect.token,
                id: receipt.raw_id().to_vec(),
                folded: receipt.id().to_vec(),
                check: identity.check,
                attempt: if suspect.fate == Fate::Resent { Attempt::Earlier } else { Attempt::Present },
            }));
        }
    }
}

impl Inferences {
    fn undecided(&mut self, receipt: &Parked) {
        if !receipt.ambiguous {
            self.ambiguous.push((receipt.carrier(), receipt.id().to_vec()));
        }
    }
}

/// Whether the message of a receipt was taken while this one may have been.
fn is_in_time(suspect: &Suspect, facts: &ReceiptFacts, skew: Duration) -> bool {
    facts.submitted.plus(CARRIER_BEHIND) >= suspect.intent_at && facts.submitted <= suspect.lost_at.plus(skew)
}

#[cfg(test)]
mod tests {
    use volley_core::ReceiptState;

    use super::*;
    use crate::record::ReceiptEntry;

    const NORTH: CarrierIndex = CarrierIndex(1);
    const S: u64 = 1_000_000;

    fn suspect(row: u32, segment: u8, fate: Fate) -> (Suspect, Identity) {
        let suspect = Suspect {
            campaign: CampaignId(1),
            token: MessageToken::new(RowIndex(row), segment),
            carrier: NORTH,
            intent_at: UnixMicros(1_000 * S),
            lost_at: UnixMicros(1_060 * S),
            fate,
        };
        (suspect, Identity { recipient: 7, sender: 9, check: RecipientCheck(3) })
    }

    fn receipt(id: &[u8], submitted_s: u64, recipient: u32, sender: u16) -> Parked {
        let facts = ReceiptFacts { submitted: UnixMicros(submitted_s * S), recipient, sender };
        let entry =
            ReceiptEntry { id, state: ReceiptState::Delivered, err: b"", check: None, raw: None, facts: Some(facts) };
        Parked::new(NORTH, UnixMicros(2_000 * S), 1, &entry)
    }

    /// Tokens inferred, and ids that stay undecided.
    fn check(suspects: &[(Suspect, Identity)], receipts: &[Parked], until_s: u64) -> (Vec<(u32, u8)>, usize) {
        let settled = Settled { carrier: NORTH, until: UnixMicros(until_s * S), skew: Duration::from_secs(60) };
        let mut found = Inferences::default();
        infer(suspects, receipts.iter(), &settled, &mut found);
        let tokens = found.inferred.iter().map(|it| (it.token.row().0, it.token.segment())).collect();
        (tokens, found.ambiguous.len())
    }

    #[test]
    fn the_only_candidate_is_inferred_and_nothing_else() {
        let one = [suspect(5, 0, Fate::Held)];
        assert_eq!(check(&one, &[receipt(b"1", 1_030, 7, 9)], 2_000), (vec![(5, 0)], 0));
        // Another recipient, another sender, another time, or too early to say.
        for (receipt, until) in [
            (receipt(b"1", 1_030, 8, 9), 2_000),
            (receipt(b"1", 1_030, 7, 8), 2_000),
            (receipt(b"1", 879, 7, 9), 2_000),
            (receipt(b"1", 1_121, 7, 9), 2_000),
            (receipt(b"1", 1_030, 7, 9), 1_999),
        ] {
            assert_eq!(check(&one, &[receipt], until), (vec![], 0));
        }
        for edge in [880, 1_120] {
            assert_eq!(check(&one, &[receipt(b"1", edge, 7, 9)], 2_000).0, [(5, 0)]);
        }
        for fate in [Fate::GivenUp, Fate::Sent, Fate::Resent] {
            assert_eq!(check(&[suspect(5, 0, fate)], &[receipt(b"1", 1_030, 7, 9)], 2_000).0, [(5, 0)]);
        }
    }

    #[test]
    fn two_candidates_or_two_messages_stay_undecided() {
        let (one, two) = (receipt(b"1", 1_030, 7, 9), receipt(b"2", 1_031, 7, 9));
        let rows = [suspect(5, 0, Fate::Held), suspect(6, 0, Fate::Held)];
        assert_eq!(check(&rows, &[one.clone(), two.clone()], 2_000), (vec![], 2));
        let attempts = [suspect(5, 0, Fate::Held), suspect(5, 0, Fate::Resent)];
        assert_eq!(check(&attempts, std::slice::from_ref(&one), 2_000), (vec![], 1));
        assert_eq!(check(&[suspect(5, 0, Fate::Held)], &[one, two], 2_000), (vec![], 2));
    }

    #[test]
    fn segments_of_one_message_are_inferred_when_all_have_a_receipt() {
        let segments = [suspect(5, 0, Fate::Held), suspect(5, 2, Fate::Held)];
        let (one, two) = (receipt(b"1", 1_030, 7, 9), receipt(b"2", 1_031, 7, 9));
        assert_eq!(check(&segments, &[one.clone(), one.clone()], 2_000), (vec![], 0));
        assert_eq!(check(&segments, &[two, one], 2_000), (vec![(5, 0), (5, 2)], 0));
    }
}
