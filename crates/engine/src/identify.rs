//! Who a message went to and from whom: what a receipt must agree with to tell of it.

use std::{collections::HashMap, fs};

use volley_core::{CampaignId, RowIndex, SenderCheck};
use volley_ingest::{Plan, PlanChunk};
use volley_reconciler::{Identity, Suspect};

use crate::{DataDir, numbers::NumberKey, preflight::Approved, seal::APPROVED};

/// Identities kept in memory; beyond it all are read again.
const MAX_KNOWN: usize = 100_000;

/// Reads the frozen lists of campaigns, for the few messages in doubt.
pub(crate) struct Identifier {
    dir: DataDir,
    key: NumberKey,
    /// `None`: its files can't be read, as after an erasure.
    campaigns: HashMap<CampaignId, Option<(Plan, SenderCheck)>>,
    known: HashMap<(CampaignId, RowIndex), Option<Identity>>,
    chunk: PlanChunk,
    in_chunk: Option<(CampaignId, u32)>,
}

impl Identifier {
    pub(crate) fn new(dir: DataDir, key: NumberKey) -> Self {
        Self { dir, key, campaigns: HashMap::new(), known: HashMap::new(), chunk: PlanChunk::default(), in_chunk: None }
    }

    /// `None` when nobody can say any more.
    pub(crate) fn identify(&mut self, suspect: &Suspect) -> Option<Identity> {
        let place = (suspect.campaign, suspect.token.row());
        if let Some(known) = self.known.get(&place) {
            return *known;
        }
        let identity = self.read(suspect.campaign, suspect.token.row());
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(place, identity);
        identity
    }

    fn read(&mut self, campaign: CampaignId, row: RowIndex) -> Option<Identity> {
        let folder = self.dir.campaign(campaign);
        let opened = self.campaigns.entry(campaign).or_insert_with(|| {
            let approved: Approved = serde_json::from_slice(&fs::read(folder.join(APPROVED)).ok()?).ok()?;
            let sender = SenderCheck::of(approved.options.message.sender.as_bytes());
            Some((Plan::open(&folder).ok()?, sender))
        });
        let (plan, sender) = opened.as_ref()?;
        if self.in_chunk != Some((campaign, row.chunk())) {
            self.in_chunk = None;
            plan.read_chunk(row.chunk(), &mut self.chunk).ok()?;
            self.in_chunk = Some((campaign, row.chunk()));
        }
        let number = self.chunk.row(row.offset())?.msisdn?;
        Some(Identity { recipient: self.key.short_hash(number.tail()), sender: sender.0, check: number.check() })
    }
}
