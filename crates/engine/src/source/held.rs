//! Rows that wait for their hours: a bit for each, and for each chunk when it is looked at again.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use volley_core::{CHUNK_ROWS, RowIndex, UnixMicros};

const WORDS: usize = CHUNK_ROWS as usize / 64;

/// Some rows of one chunk.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    chunk: u32,
    bits: Box<[u64; WORDS]>,
    n_rows: u32,
    /// All bits before this word are 0.
    from: usize,
}

impl Rows {
    pub(super) fn of(row: RowIndex) -> Self {
        let mut rows = Self { chunk: row.chunk(), bits: Box::new([0; WORDS]), n_rows: 0, from: 0 };
        rows.add(row);
        rows
    }

    pub(super) const fn chunk(&self) -> u32 {
        self.chunk
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// Whether its first row lies before `fence`; also when it has none.
    pub(super) fn is_before(&self, fence: u32) -> bool {
        let at = self.bits.iter().position(|word| *word != 0);
        let bit = at.and_then(|at| self.bits.get(at)).map_or(0, |word| word.trailing_zeros());
        at.is_none_or(|at| self.chunk * CHUNK_ROWS + at as u32 * 64 + bit < fence)
    }

    pub(super) fn add(&mut self, row: RowIndex) {
        let offset = usize::from(row.offset());
        let bit = 1_u64 << (offset % 64);
        if let Some(word) = self.bits.get_mut(offset / 64).filter(|word| **word & bit == 0) {
            *word |= bit;
            self.n_rows += 1;
            self.from = self.from.min(offset / 64);
        }
    }

    pub(super) fn take_first(&mut self) -> Option<RowIndex> {
        let skipped = self.bits.iter().skip(self.from).take_while(|word| **word == 0).count();
        self.from += skipped;
        let word = self.bits.get_mut(self.from)?;
        let bit = word.trailing_zeros();
        *word &= *word - 1;
        self.n_rows -= 1;
        Some(RowIndex(self.chunk * CHUNK_ROWS + self.from as u32 * 64 + bit))
    }
}

/// Held rows of all chunks. A chunk is looked at when the first of its rows is due; those that are
/// not yet are held again.
#[derive(Debug, Default)]
pub(super) struct Held {
    chunks: BTreeMap<u32, (UnixMicros, Rows)>,
    /// When which chunk is due; entries that a chunk no longer has don't count.
    due: BinaryHeap<Reverse<(UnixMicros, u32)>>,
    /// The chunk that is being looked at.
    open: Option<Rows>,
}

impl Held {
    pub(super) fn add(&mut self, row: RowIndex, due: UnixMicros) {
        let chunk = row.chunk();
        match self.chunks.get_mut(&chunk) {
            Some((known, rows)) => {
                rows.add(row);
                if due < *known {
                    *known = due;
                    self.due.push(Reverse((due, chunk)));
                }
            }
            None => {
                self.chunks.insert(chunk, (due, Rows::of(row)));
                self.due.push(Reverse((due, chunk)));
            }
        }
    }

    /// The next row of a chunk that is due at `now`. It is no longer held.
    pub(super) fn next(&mut self, now: UnixMicros) -> Option<RowIndex> {
        loop {
            if let Some(row) = self.open.as_mut().and_then(Rows::take_first) {
                return Some(row);
            }
            self.open = None;
            let Reverse((due, chunk)) = *self.due.peek().filter(|Reverse((due, _))| *due <= now)?;
            self.due.pop();
            if self.chunks.get(&chunk).is_some_and(|(known, _)| *known == due) {
                self.open = self.chunks.remove(&chunk).map(|(_, rows)| rows);
            }
            self.forget_stale();
        }
    }

    /// When the next may be due; the beginning of time while a chunk is being looked at.
    pub(super) fn next_due(&self) -> Option<UnixMicros> {
        if self.open.as_ref().is_some_and(|rows| !rows.is_empty()) {
            return Some(UnixMicros(0));
        }
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// So that the first entry is always one that counts.
    fn forget_stale(&mut self) {
        let counts = |due: UnixMicros, chunk: u32| self.chunks.get(&chunk).is_some_and(|(known, _)| *known == due);
        while self.due.peek().is_some_and(|Reverse((due, chunk))| !counts(*due, *chunk)) {
            self.due.pop();
        }
    }
}
