//! Rows of the ledger beside their rows of the frozen list.

use volley_core::{CampaignId, Msisdn};
use volley_ingest::{Plan, PlanChunk};
use volley_reconciler::{Ledger, ReportRow};

use crate::{
    DataDir, Error,
    country::Country,
    seal,
    segments::{PlannedSegments, SegmentsChunk},
};

/// All that is known of the rows of one campaign.
pub(super) struct Rows<'a> {
    ledger: &'a Ledger,
    campaign: CampaignId,
    pub(super) plan: Plan,
    segments: PlannedSegments,
}

/// One row.
pub(super) struct FullRow<'a, 'b> {
    pub(super) line: u64,
    /// `None`: erased.
    pub(super) number: Option<Msisdn>,
    pub(super) country: Option<Country>,
    /// Segments that the list was approved with.
    pub(super) n_planned: u8,
    /// Which of the campaign's texts it got.
    pub(super) variant: u8,
    pub(super) state: &'b ReportRow<'a>,
}

/// What reading chunks uses again.
#[derive(Default)]
pub(super) struct RowScratch {
    chunk: PlanChunk,
    segments: SegmentsChunk,
}

impl<'a> Rows<'a> {
    pub(super) fn open(dir: &DataDir, ledger: &'a Ledger, campaign: CampaignId) -> Result<Self, Error> {
        seal::check(dir, ledger, campaign, &seal::ALL)?;
        let folder = dir.campaign(campaign);
        let plan = Plan::open(&folder)?;
        let segments = PlannedSegments::open(&folder, plan.frozen())?;
        Ok(Self { ledger, campaign, plan, segments })
    }

    pub(super) const fn n_chunks(&self) -> u32 {
        self.plan.n_chunks()
    }

    /// Whether every row's planned segments are known: not in lists of versions before this one
    /// whose texts differ in length.
    pub(super) const fn knows_segments(&self) -> bool {
        self.segments.is_known()
    }

    /// The rows of one chunk, in order.
    pub(super) fn each(
        &self,
        number: u32,
        scratch: &mut RowScratch,
        mut each: impl FnMut(&FullRow<'_, '_>),
    ) -> Result<(), Error> {
        self.plan.read_chunk(number, &mut scratch.chunk)?;
        self.segments.read(number, &mut scratch.segments)?;
        self.ledger.report_chunk(self.campaign, number, |state| {
            if let Some(planned) = scratch.chunk.row(state.row.offset()) {
                let n_planned = match state.n_segments {
                    0 => scratch.segments.of(state.row.offset()),
                    known => known,
                };
                each(&FullRow {
                    line: planned.line,
                    number: planned.msisdn,
                    country: Country::of_row(&planned),
                    n_planned,
                    variant: planned.variant,
                    state,
                });
            }
            Ok(())
        })
    }
}
