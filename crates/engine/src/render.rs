//! From a row of the plan to encoded submits: text, segments, PDUs, straight into the batch that
//! will be written.

pub(crate) mod encode;
pub(crate) mod lane_format;

use std::time::Duration;

use volley_core::{CampaignId, MessageToken, Msisdn, RowIndex, UnixMicros};
use volley_ingest::{Plan, PlanChunk};
use volley_pipeline::SubmitBatch;
use volley_scheduler::CalendarIndex;
use volley_smpp::text::{SegmentOptions, Segments, reference};

use self::encode::{Encoder, Envelope};
pub(crate) use self::lane_format::{Closing, LaneFormat};
use crate::{
    country::Country,
    hours::RowHours,
    preflight::roles::RowValidity,
    source::NextRow,
    text::{Composed, HOLD_OUT, MessageFormat},
};

/// Stands for no row: what confirms an opt-out. Its answer is recorded nowhere.
pub(crate) const CONFIRMATION: MessageToken = MessageToken::new(RowIndex(u32::MAX), 0);

/// Whether a token stands for [`CONFIRMATION`].
pub(crate) fn is_confirmation(token: MessageToken) -> bool {
    token.row() == CONFIRMATION.row()
}

/// Renders rows; keeps the chunk that it is in, and all buffers.
pub(crate) struct Renderer {
    plan: Plan,
    format: MessageFormat,
    lanes: Vec<LaneFormat>,
    /// The chunk of the row before, and one of rows that are tried again.
    fresh: CachedChunk,
    again: CachedChunk,
    composed: Composed,
    encoder: Encoder,
    /// What all segments of the present row carry.
    row_tlvs: Vec<u8>,
    /// Of the list's kept columns, the one with a row's own validity; and the present row's.
    validity_column: Option<usize>,
    row_validity: Option<RowValidity>,
    /// Its number tells its references from those of other campaigns to the same recipients.
    campaign: CampaignId,
    /// A chunk of the plan that could not be read: no more rows may be rendered.
    failed: Option<volley_ingest::Error>,
}

#[derive(Default)]
struct CachedChunk {
    number: Option<u32>,
    chunk: PlanChunk,
}

/// Whom a row goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressee {
    Number(Msisdn),
    /// The campaign sends nothing to it.
    HeldOut(Msisdn),
    /// Nobody any more.
    Erased,
}

/// What one row gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Segments of the whole message.
    pub(crate) n_segments: u8,
    /// Segments put into the batch now.
    pub(crate) n_now: u32,
}

impl Renderer {
    pub(crate) fn new(campaign: CampaignId, plan: Plan, format: MessageFormat, lanes: Vec<LaneFormat>) -> Self {
        Self {
            campaign,
            plan,
            format,
            lanes,
            fresh: CachedChunk::default(),
            again: CachedChunk::default(),
            composed: Composed::default(),
            encoder: Encoder::default(),
            row_tlvs: Vec::new(),
            validity_column: None,
            row_validity: None,
            failed: None,
        }
    }

    /// Rows may say in this column how long they are tried.
    pub(crate) const fn with_validity_column(mut self, column: Option<usize>) -> Self {
        self.validity_column = column;
        self
    }

    /// Why rendering stopped, if it did.
    pub(crate) const fn take_failure(&mut self) -> Option<volley_ingest::Error> {
        self.failed.take()
    }

    /// A segment that came back, as a row to be sent.
    pub(crate) const fn as_next(&self, token: MessageToken, attempts: u8) -> NextRow {
        NextRow { row: token.row(), only: Some(token.segment()), attempts, held: false }
    }

    /// Appends a row's submits to `batch`, at a time and for hours that may end; `None` when the plan can't be read, or the row was erased.
    pub(crate) fn render(
        &mut self,
        lane: usize,
        next: NextRow,
        (wall, closes): (UnixMicros, Option<Closing>),
        batch: &mut SubmitBatch,
    ) -> Option<Rendered> {
        let msisdn = self.compose(lane, next)?;
        let validity = self.lanes.get(lane)?.validity_period(wall, self.row_validity, closes);
        let validity_period = validity.as_ref().map_or(&[][..], |text| text.as_slice());
        let n_segments = self.composed.segments.len().min(usize::from(u8::MAX)) as u8;
        let wanted = next.only.map_or(0..n_segments, |only| only..only.saturating_add(1).min(n_segments));
        let n_now = u32::try_from(wanted.len()).unwrap_or(0);
        let envelope = Envelope {
            sender: &self.format.sender,
            recipient: msisdn,
            reference: reference(msisdn.as_u64(), self.campaign.0),
            concat: self.format.segments.concat,
            validity_period,
            tlvs: &self.row_tlvs,
        };
        for segment in wanted {
            let token = MessageToken::new(next.row, segment);
            self.encoder.encode(self.lanes.get(lane)?, &envelope, &self.composed.segments, token, batch);
        }
        Some(Rendered { n_segments, n_now })
    }

    /// Whether rows of the list get nothing whatever the suppression lists say, so that each must be
    /// asked.
    pub(crate) fn has_unsent(&self) -> bool {
        self.plan.n_erased() > 0 || self.plan.frozen().by_variant.contains_key(&HOLD_OUT)
    }

    /// Whom a row goes to; `None` when the plan can't be read.
    pub(crate) fn addressee(&mut self, next: NextRow) -> Option<Addressee> {
        let row = self.chunk_of(next)?.row(next.row.offset())?;
        Some(match (row.msisdn, row.variant) {
            (None, _) => Addressee::Erased,
            (Some(number), HOLD_OUT) => Addressee::HeldOut(number),
            (Some(number), _) => Addressee::Number(number),
        })
    }

    /// Which hours a row has; `None` when it may be sent at any time, is erased, or the plan can't be
    /// read.
    pub(crate) fn hours_of(&mut self, next: NextRow, hours: &mut RowHours) -> Option<CalendarIndex> {
        self.chunk_of(next)?;
        let cached = if next.is_fresh() { &self.fresh } else { &self.again };
        hours.of_row(&self.plan, &cached.chunk.row(next.row.offset())?)
    }

    /// The shortest validity that a lane's carrier takes.
    pub(crate) fn min_validity(&self, lane: usize) -> Duration {
        self.lanes.get(lane).map(LaneFormat::min_validity).unwrap_or_default()
    }

    /// The country of a row's number; `None` also when the plan can't be read.
    pub(crate) fn country(&mut self, next: NextRow) -> Option<Country> {
        Country::of_row(&self.chunk_of(next)?.row(next.row.offset())?)
    }

    /// The chunk that a row lies in, read where it isn't the one before.
    fn chunk_of(&mut self, next: NextRow) -> Option<&PlanChunk> {
        let cached = if next.is_fresh() { &mut self.fresh } else { &mut self.again };
        let number = next.row.chunk();
        if cached.number != Some(number) {
            cached.number = None;
            if let Err(error) = self.plan.read_chunk(number, &mut cached.chunk) {
                self.failed = Some(error);
                return None;
            }
            cached.number = Some(number);
        }
        Some(&cached.chunk)
    }

    /// Appends what confirms an opt-out; nothing where the carrier's own fields need a row. No
    /// receipt is asked for: there is no row that it could tell of.
    pub(crate) fn confirm(&mut self, lane: usize, to: Msisdn, text: &str, batch: &mut SubmitBatch) {
        let Some(lane) = self.lanes.get(lane) else { return };
        let mut tlvs = Vec::new();
        if lane.tlvs.put(|_| "", &mut tlvs).is_err() {
            return;
        }
        let mut lane = lane.clone();
        lane.registered_delivery = 0;
        let options = SegmentOptions { max_segments: 1, ..self.format.segments };
        let mut segments = Segments::default();
        if segments.cut(text, &options).is_err() {
            return;
        }
        let envelope = Envelope {
            sender: &self.format.sender,
            recipient: to,
            reference: 0,
            concat: options.concat,
            validity_period: &[],
            tlvs: &tlvs,
        };
        self.encoder.encode(&lane, &envelope, &segments, CONFIRMATION, batch);
    }

    /// Text and segments of a row, in the buffers; gives its number.
    fn compose(&mut self, lane: usize, next: NextRow) -> Option<Msisdn> {
        self.chunk_of(next)?;
        let cached = if next.is_fresh() { &self.fresh } else { &self.again };
        let row = cached.chunk.row(next.row.offset())?;
        let msisdn = row.msisdn?;
        // Checked when the list was frozen, on the same path: only another version could say no.
        if self.format.compose(row.variant, |index| row.field(index), &mut self.composed).is_err() {
            let what = "the text of a row that was approved can't be made any more";
            self.failed = Some(volley_ingest::Error::Damaged { path: "list.bin".into(), offset: row.line, what });
            return None;
        }
        let validity = self.validity_column.map(|column| row.field(column));
        self.row_validity = validity.filter(|text| !text.is_empty()).and_then(RowValidity::parse);
        self.row_tlvs.clear();
        let _ = self.lanes.get(lane)?.tlvs.put(|index| row.field(index), &mut self.row_tlvs);
        Some(msisdn)
    }
}
