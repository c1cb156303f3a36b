//! Messages whose answer never came, for as long as a receipt may still tell of them (CONTRACT
//! section 3).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use volley_core::{CampaignId, CarrierIndex, MessageToken, UnixMicros};

/// Receipts come days late; after so long none is expected any more (HANDBOOK C.8).
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// At most so many are kept. Beyond, nothing can be said to be the only candidate any more.
const MAX: usize = 100_000;
/// How long after its last event a process may have gone on writing before it died.
const WRITES_UNTIL_DEATH: Duration = Duration::from_secs(120);

/// What became of a message after its answer failed to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Held: nobody decided.
    Held,
    /// A person or the policy took it for failed.
    GivenUp,
    /// A person took it for sent.
    Sent,
    /// It was sent again; this is the earlier attempt.
    Resent,
}

/// One segment whose answer never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// The campaign.
    pub campaign: CampaignId,
    /// Row and segment.
    pub token: MessageToken,
    /// The carrier that it went to.
    pub carrier: CarrierIndex,
    /// When its intent was recorded: it can't have been taken before.
    pub intent_at: UnixMicros,
    /// When the connection was lost, or the process had surely died: nor after.
    pub lost_at: UnixMicros,
    /// What became of it since.
    pub fate: Fate,
}

/// As a checkpoint keeps it: campaign, token, carrier, intent, loss, fate.
pub(crate) type StoredSuspect = (u32, u64, u8, u64, u64, Fate);

/// All of them, by campaign, token and loss: a row that is sent again can be lost again.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    by_place: BTreeMap<(CampaignId, MessageToken, UnixMicros), Suspect>,
    /// No suspect was lost before.
    oldest: UnixMicros,
    /// Beyond [`MAX`]: not kept.
    n_unwatched: u64,
}

impl Suspects {
    /// The latest moment at which a process that died can have written: `noticed` at, its last
    /// event before.
    pub(crate) fn death(noticed: UnixMicros, last_event: UnixMicros) -> UnixMicros {
        noticed.min(last_event.plus(WRITES_UNTIL_DEATH))
    }

    pub(crate) fn add(&mut self, suspect: Suspect, now: UnixMicros) {
        if now.since(self.oldest) >= KEPT_FOR {
            self.by_place.retain(|_, old| now.since(old.lost_at) < KEPT_FOR);
            self.oldest = self.iter().map(|suspect| suspect.lost_at).min().unwrap_or(suspect.lost_at);
        }
        if self.by_place.len() >= MAX {
            self.n_unwatched += 1;
            return;
        }
        self.by_place.insert((suspect.campaign, suspect.token, suspect.lost_at), suspect);
    }

    /// The undecided or decided attempt of a segment that was not sent again.
    pub(crate) fn decide(&mut self, campaign: CampaignId, token: MessageToken, fate: Fate) {
        for suspect in self.of(campaign, token).filter(|suspect| suspect.fate == Fate::Held) {
            suspect.fate = fate;
        }
    }

    /// Its fate is known: of the present attempt, or of an earlier one.
    pub(crate) fn clear(&mut self, campaign: CampaignId, token: MessageToken, was_resent: bool) {
        let known = self.of(campaign, token).filter(|suspect| (suspect.fate == Fate::Resent) == was_resent);
        let places: Vec<_> = known.map(|suspect| (suspect.campaign, suspect.token, suspect.lost_at)).collect();
        for place in places {
            self.by_place.remove(&place);
        }
    }

    /// Its rows are no longer in the ledger.
    pub(crate) fn forget(&mut self, campaign: CampaignId) {
        self.by_place.retain(|_, suspect| suspect.campaign != campaign);
    }

    fn of(&mut self, campaign: CampaignId, token: MessageToken) -> impl Iterator<Item = &mut Suspect> {
        let range = (campaign, token, UnixMicros(0))..=(campaign, token, UnixMicros(u64::MAX));
        self.by_place.range_mut(range).map(|(_, suspect)| suspect)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Suspect> {
        self.by_place.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// Whether each one is known, so that one can be said to be the only candidate.
    pub(crate) const fn is_complete(&self) -> bool {
        self.n_unwatched == 0
    }

    pub(crate) const fn n_unwatched(&self) -> u64 {
        self.n_unwatched
    }

    pub(crate) fn stored(&self) -> Vec<StoredSuspect> {
        let stored = |s: &Suspect| (s.campaign.0, s.token.0, s.carrier.0, s.intent_at.0, s.lost_at.0, s.fate);
        self.iter().map(stored).collect()
    }

    pub(crate) fn restore(stored: Vec<StoredSuspect>, n_unwatched: u64) -> Self {
        let suspects = stored.into_iter().map(|(campaign, token, carrier, intent, lost, fate)| Suspect {
            campaign: CampaignId(campaign),
            token: MessageToken(token),
            carrier: CarrierIndex(carrier),
            intent_at: UnixMicros(intent),
            lost_at: UnixMicros(lost),
            fate,
        });
        let by_place = suspects.map(|suspect| ((suspect.campaign, suspect.token, suspect.lost_at), suspect));
        let by_place: BTreeMap<_, _> = by_place.collect();
        let oldest = by_place.values().map(|suspect| suspect.lost_at).min().unwrap_or_default();
        Self { by_place, oldest, n_unwatched }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use volley_core::RowIndex;

    const DAY: u64 = 24 * 3600 * 1_000_000;

    fn suspect(row: u32, lost_at: u64) -> Suspect {
        Suspect {
            campaign: CampaignId(1),
            token: MessageToken::new(RowIndex(row), 0),
            carrier: CarrierIndex(0),
            intent_at: UnixMicros(lost_at),
            lost_at: UnixMicros(lost_at),
            fate: Fate::Held,
        }
    }

    #[test]
    fn each_attempt_is_kept_apart_and_forgotten_after_a_week() {
        let mut suspects = Suspects::default();
        suspects.add(suspect(1, 10), UnixMicros(10));
        suspects.decide(CampaignId(1), suspect(1, 0).token, Fate::Resent);
        suspects.add(suspect(1, 20), UnixMicros(20));
        suspects.decide(CampaignId(1), suspect(1, 0).token, Fate::GivenUp);
        let fates = |suspects: &Suspects| suspects.iter().map(|suspect| suspect.fate).collect::<Vec<_>>();
        assert_eq!(fates(&suspects), [Fate::Resent, Fate::GivenUp]);
        let again = Suspects::restore(suspects.stored(), 0);
        assert_eq!(fates(&again), fates(&suspects));
        suspects.clear(CampaignId(1), suspect(1, 0).token, true);
        assert_eq!(fates(&suspects), [Fate::GivenUp]);
        suspects.add(suspect(2, 8 * DAY), UnixMicros(8 * DAY));
        assert_eq!(fates(&suspects), [Fate::Held]);
    }

    #[test]
    fn beyond_the_bound_nothing_is_certain_any_more() {
        let full = (0..MAX as u32).map(|row| suspect(row, 1)).map(|s| ((s.campaign, s.token, s.lost_at), s));
        let mut suspects = Suspects { by_place: full.collect(), ..Suspects::default() };
        suspects.add(suspect(MAX as u32, 1), UnixMicros(1));
        assert_eq!((suspects.iter().count(), suspects.is_complete()), (MAX, false));
    }
}
