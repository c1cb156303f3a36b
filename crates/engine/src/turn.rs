//! One turn of the engine's loop: everything that happened since the last, as one journal record,
//! and what may happen once that record is durable.

use std::time::Instant;

use volley_pipeline::{ReceiptHandle, SubmitBatch};
use volley_reconciler::record::EventWriter;

use crate::orders::Reply;

/// What a record, once durable, sets free.
#[derive(Debug, Default)]
pub(crate) struct LaneTurn {
    /// PDUs whose intents the record holds: they may be written then (CONTRACT W1).
    pub(crate) batch: SubmitBatch,
    /// Segments in `batch`.
    pub(crate) n_intents: u32,
    /// Segments whose doubt the record ends.
    pub(crate) n_settled: u32,
    /// Receipts that may be acknowledged then (CONTRACT W2).
    pub(crate) acknowledge: Vec<ReceiptHandle>,
}

/// A turn being collected, or on its way to the disk.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) events: EventWriter,
    pub(crate) lanes: Vec<LaneTurn>,
    /// Who is told the campaign's numbers when it is durable and folded.
    pub(crate) told: Vec<Reply>,
    /// When it was handed to the journal.
    pub(crate) handed_over: Option<Instant>,
}

impl Turn {
    pub(crate) fn new(n_lanes: usize, buffer: Vec<u8>) -> Self {
        let lanes = std::iter::repeat_with(LaneTurn::default).take(n_lanes).collect();
        Self { events: EventWriter::reusing(buffer), lanes, told: Vec::new(), handed_over: None }
    }
}
