//! The states of one chunk of rows in memory.

mod open;
mod packed;

use hashbrown::HashMap;
use volley_core::{CHUNK_ROWS, MessageState, RecipientCheck};

use crate::segment::{Flags, Segment, row_state};

pub(crate) use open::OpenChunks;

/// One segment of one row: its state and the carrier's id for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    status: u8,
    id_len: u8,
    pub(crate) check: RecipientCheck,
    /// Where this segment went last: not always where the rest of its row went.
    pub(crate) carrier: u8,
    /// Where the id begins. Behind it lie the length of the folded id, 0 when it is the same, and
    /// the folded id. As octets, so that a row stays within its line.
    id_at: [u8; 4],
}

impl Slot {
    pub(crate) fn segment(&self) -> Segment {
        Segment::from_u8(self.status).unwrap_or(Segment::Waiting)
    }

    /// Whether a carrier's id is known.
    pub(crate) const fn has_id(&self) -> bool {
        self.id_len > 0
    }

    pub(crate) const fn set(&mut self, segment: Segment) {
        self.status = segment.to_u8();
    }
}

/// One row: half a line of the processor's cache, so that a receipt in random order waits for one
/// line and not for two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
pub(crate) struct Row {
    /// Derived from the segments and flags whenever they change.
    pub(crate) state: MessageState,
    pub(crate) first: Slot,
    /// Segments of the message; 0 until its first intent.
    pub(crate) n_segments: u8,
    pub(crate) flags: Flags,
    /// Attempts that count: neither throttled nor returned unwritten.
    pub(crate) attempts: u8,
    pub(crate) carrier: u8,
    /// Segments written for this row so far, every attempt counted; saturates.
    pub(crate) submits: u16,
    /// Index into the campaign's reasons; 0 is none.
    pub(crate) reason: u16,
    /// Milliseconds since the campaign was planned: last intent.
    pub(crate) submitted_ms: u32,
    /// The same: last answer.
    pub(crate) answered_ms: u32,
    /// The same: last change by a receipt or decision; for a deferred row when it is due.
    pub(crate) settled_ms: u32,
}

const _: () = assert!(size_of::<Row>() == 32);

impl Default for Row {
    fn default() -> Self {
        Self {
            state: MessageState::Pending,
            first: Slot::default(),
            n_segments: 0,
            flags: Flags::default(),
            attempts: 0,
            carrier: 0,
            submits: 0,
            reason: 0,
            submitted_ms: 0,
            answered_ms: 0,
            settled_ms: 0,
        }
    }
}

/// The rows of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    rows: Vec<Row>,
    /// Segments from the second on, of the few rows that have them.
    more: HashMap<u16, Vec<Slot>, foldhash::fast::FixedState>,
    /// Ids one after the other; slots point into it.
    ids: Vec<u8>,
    /// Rows that are not in a final state.
    pub(crate) n_open: u16,
    /// Sequence of the last record folded in, as far as it was written to the store.
    pub(crate) as_of: u64,
    /// Sequence of the first record that the store's copy lacks.
    pub(crate) dirty_since: Option<u64>,
}

impl Chunk {
    /// `n_rows` rows that were never touched.
    pub(crate) fn untouched(n_rows: u32) -> Self {
        assert!(n_rows <= CHUNK_ROWS, "a chunk of {n_rows} rows");
        Self {
            rows: vec![Row::default(); n_rows as usize],
            more: HashMap::default(),
            ids: Vec::new(),
            n_open: n_rows as u16,
            as_of: 0,
            dirty_since: None,
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn row(&self, offset: u16) -> Option<&Row> {
        self.rows.get(usize::from(offset))
    }

    pub(crate) fn row_mut(&mut self, offset: u16) -> Option<&mut Row> {
        self.rows.get_mut(usize::from(offset))
    }

    pub(crate) fn slot_mut(&mut self, offset: u16, segment: u8) -> Option<&mut Slot> {
        match segment.checked_sub(1) {
            None => self.row_mut(offset).map(|row| &mut row.first),
            Some(beyond_first) => self.more.get_mut(&offset)?.get_mut(usize::from(beyond_first)),
        }
    }

    /// All segments of a row; the first alone until its number is known.
    pub(crate) fn slots(&self, offset: u16) -> impl Iterator<Item = (u8, &Slot)> {
        let first = self.row(offset).map(|row| &row.first);
        let more = self.more.get(&offset).map(Vec::as_slice).unwrap_or_default();
        (0..=u8::MAX).zip(first.into_iter().chain(more))
    }

    /// A row learns how many segments it has, at its first intent.
    pub(crate) fn set_n_segments(&mut self, offset: u16, n_segments: u8) {
        if let Some(row) = self.row_mut(offset) {
            row.n_segments = n_segments;
        }
        if n_segments > 1 {
            self.more.entry(offset).or_default().resize(usize::from(n_segments) - 1, Slot::default());
        }
    }

    /// Remembers the carrier's id of a segment, and the id as receipts are matched by it.
    pub(crate) fn set_id(&mut self, offset: u16, segment: u8, id: &[u8], folded: Option<&[u8]>, check: RecipientCheck) {
        // SMPP 3.4, 5.2.23: at most 65 octets; longer ids are cut for the report alone.
        let id = id.get(..usize::from(u8::MAX)).unwrap_or(id);
        let folded = folded.map(|f| f.get(..usize::from(u8::MAX)).unwrap_or(f)).unwrap_or_default();
        let id_at = self.ids.len() as u32;
        self.ids.extend_from_slice(id);
        self.ids.push(folded.len() as u8);
        self.ids.extend_from_slice(folded);
        if let Some(slot) = self.slot_mut(offset, segment) {
            (slot.id_at, slot.id_len, slot.check) = (id_at.to_le_bytes(), id.len() as u8, check);
        }
    }

    /// The carrier's id as it came; empty when there is none.
    pub(crate) fn id(&self, slot: &Slot) -> &[u8] {
        let start = u32::from_le_bytes(slot.id_at) as usize;
        self.ids.get(start..start + usize::from(slot.id_len)).unwrap_or_default()
    }

    /// The id as receipts are matched by it.
    pub(crate) fn folded_id(&self, slot: &Slot) -> &[u8] {
        self.own_folded_id(slot).unwrap_or_else(|| self.id(slot))
    }

    /// The same, if it is another than the carrier's.
    fn own_folded_id(&self, slot: &Slot) -> Option<&[u8]> {
        let behind = self.ids.get(u32::from_le_bytes(slot.id_at) as usize..)?.get(usize::from(slot.id_len)..)?;
        let (len, folded) = behind.split_first().filter(|(len, _)| slot.id_len > 0 && **len > 0)?;
        folded.get(..usize::from(*len))
    }

    /// What the row's segments add up to now.
    pub(crate) fn derive_state(&self, offset: u16) -> Option<MessageState> {
        let row = self.row(offset)?;
        if row.n_segments <= 1 {
            return Some(row_state(std::iter::once(row.first.segment()), row.flags));
        }
        Some(row_state(self.slots(offset).map(|(_, slot)| slot.segment()), row.flags))
    }

    /// Memory that the chunk holds, in octets, roughly.
    pub(crate) fn n_octets(&self) -> usize {
        self.rows.len() * size_of::<Row>() + self.ids.capacity() + self.more.len() * 64
    }
}
