//! Which row is next: what is due again first, then what was begun before a restart, then the
//! list from where nobody has been.

mod held;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use self::held::{Held, Rows};

use volley_core::{CHUNK_ROWS, RowIndex, UnixMicros};
use volley_reconciler::RowToSend;

/// A row to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextRow {
    pub(crate) row: RowIndex,
    /// One segment alone, when the others are done or under way.
    pub(crate) only: Option<u8>,
    /// Attempts made so far.
    pub(crate) attempts: u8,
    /// It was held until now.
    pub(crate) held: bool,
}

impl NextRow {
    /// A row that nobody has tried.
    pub(crate) const fn fresh(row: RowIndex) -> Self {
        Self { row, only: None, attempts: 0, held: false }
    }

    /// Whether nobody has tried it.
    pub(crate) const fn is_fresh(self) -> bool {
        self.attempts == 0 && self.only.is_none()
    }
}

/// A row that is due later, by when: due time, row, the one segment, attempts.
type Deferred = (UnixMicros, RowIndex, Option<u8>, u8);

/// Rows in the order in which they should leave. Only rows that were tried before sit in
/// memory; the rest of the list is a position.
#[derive(Debug)]
pub(crate) struct RowSource {
    /// At once, before all others: throttled, or never written.
    front: VecDeque<NextRow>,
    /// Begun before a restart.
    touched: VecDeque<NextRow>,
    /// Of chunks that were begun before a restart: rows that nobody has tried.
    untried: VecDeque<Rows>,
    /// Rows outside their hours, by chunk.
    held: Held,
    deferred: BinaryHeap<Reverse<Deferred>>,
    /// The next row of the list, and its end.
    next_fresh: u32,
    n_rows: u32,
    /// Chunks that a restart found begun: their waiting rows are in `touched`.
    begun: Vec<u32>,
    /// Rows of the list from here on are not given yet.
    fence: u32,
    /// Nothing more is given, whatever comes back.
    is_closed: bool,
}

impl RowSource {
    /// `waiting`: the rows of begun chunks that wait, in order; `begun`: those chunks, in order.
    pub(crate) fn new(n_rows: u32, waiting: Vec<RowToSend>, begun: Vec<u32>) -> Self {
        let mut source = Self {
            front: VecDeque::new(),
            touched: VecDeque::new(),
            untried: VecDeque::new(),
            held: Held::default(),
            deferred: BinaryHeap::new(),
            next_fresh: 0,
            n_rows,
            begun,
            fence: u32::MAX,
            is_closed: false,
        };
        for waiting in waiting {
            let next = NextRow { row: waiting.row, only: waiting.only, attempts: waiting.attempts, held: false };
            match waiting.due {
                Some(due) => source.defer(next, due),
                None if next.is_fresh() => source.put_untried(next.row),
                None => source.touched.push_back(next),
            }
        }
        source.skip_begun();
        source
    }

    /// The next row at `now`, if there is one.
    pub(crate) fn next(&mut self, now: UnixMicros) -> Option<NextRow> {
        if let Some(next) = self.front.pop_front() {
            return Some(next);
        }
        if self.deferred.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Reverse((_, row, only, attempts)) = self.deferred.pop()?;
            return Some(NextRow { row, only, attempts, held: false });
        }
        if self.has_touched() {
            return self.touched.pop_front();
        }
        if let Some(row) = self.held.next(now) {
            return Some(NextRow { held: true, ..NextRow::fresh(row) });
        }
        while let Some(rows) = self.untried.front_mut().filter(|rows| rows.is_before(self.fence)) {
            match rows.take_first() {
                Some(row) => return Some(NextRow::fresh(row)),
                None => self.untried.pop_front(),
            };
        }
        self.has_fresh().then(|| {
            let row = RowIndex(self.next_fresh);
            self.next_fresh += 1;
            self.skip_begun();
            NextRow::fresh(row)
        })
    }

    /// Forgets everything, and what comes back from here on.
    pub(crate) fn close(&mut self) {
        *self = Self { next_fresh: self.n_rows, is_closed: true, ..Self::new(self.n_rows, Vec::new(), Vec::new()) };
    }

    /// Back to the head: it was not taken, and that costs it nothing.
    pub(crate) fn give_back(&mut self, next: NextRow) {
        if !self.is_closed {
            self.front.push_back(next);
        }
    }

    /// To be tried again at `due`.
    pub(crate) fn defer(&mut self, next: NextRow, due: UnixMicros) {
        if !self.is_closed {
            self.deferred.push(Reverse((due, next.row, next.only, next.attempts)));
        }
    }

    /// Outside its hours until `due`. A row that nobody has tried takes a bit of memory from here on.
    pub(crate) fn hold(&mut self, next: NextRow, due: UnixMicros) {
        if next.is_fresh() && !self.is_closed {
            self.held.add(next.row, due);
        } else {
            self.defer(next, due);
        }
    }

    fn put_untried(&mut self, row: RowIndex) {
        match self.untried.back_mut().filter(|rows| rows.chunk() == row.chunk()) {
            Some(rows) => rows.add(row),
            None => self.untried.push_back(Rows::of(row)),
        }
    }

    /// Whether nothing waits and the list is at its end.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_now(UnixMicros(u64::MAX))
            && self.touched.is_empty()
            && self.untried.iter().all(Rows::is_empty)
            && self.next_fresh >= self.n_rows
    }

    /// Whether [`RowSource::next`] would give a row at `now`.
    pub(crate) fn has_now(&self, now: UnixMicros) -> bool {
        !self.front.is_empty()
            || self.has_touched()
            || self.has_fresh()
            || self.untried.front().is_some_and(|rows| rows.is_before(self.fence) && !rows.is_empty())
            || self.held.next_due().is_some_and(|due| due <= now)
            || self.deferred.peek().is_some_and(|Reverse((due, ..))| *due <= now)
    }

    /// When the next deferred or held row is due.
    pub(crate) fn next_due(&self) -> Option<UnixMicros> {
        let deferred = self.deferred.peek().map(|Reverse((due, ..))| *due);
        deferred.into_iter().chain(self.held.next_due()).min()
    }

    /// From now on rows from `fence` on wait, or, with `None`, none.
    pub(crate) fn set_fence(&mut self, fence: Option<u32>) {
        self.fence = fence.unwrap_or(u32::MAX);
    }

    fn has_touched(&self) -> bool {
        self.touched.front().is_some_and(|next| next.row.0 < self.fence)
    }

    fn has_fresh(&self) -> bool {
        self.next_fresh < self.n_rows.min(self.fence)
    }

    fn skip_begun(&mut self) {
        while self.next_fresh.is_multiple_of(CHUNK_ROWS)
            && self.next_fresh < self.n_rows
            && self.begun.binary_search(&(self.next_fresh / CHUNK_ROWS)).is_ok()
        {
            self.next_fresh = self.next_fresh.saturating_add(CHUNK_ROWS).min(self.n_rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(row: u32) -> NextRow {
        NextRow::fresh(RowIndex(row))
    }

    fn waiting(row: u32, due: Option<u64>) -> RowToSend {
        RowToSend { row: RowIndex(row), only: None, attempts: 1, due: due.map(UnixMicros) }
    }

    #[test]
    fn begun_chunks_give_only_what_waits_in_them() {
        let n_rows = CHUNK_ROWS * 2 + 1;
        let mut source = RowSource::new(n_rows, vec![waiting(5, None), waiting(9, Some(100))], vec![0, 1]);
        let now = UnixMicros(50);
        assert_eq!(source.next(now), Some(NextRow { attempts: 1, ..fresh(5) }));
        assert_eq!(source.next(now), Some(fresh(CHUNK_ROWS * 2)));
        assert_eq!((source.next(now), source.is_empty(), source.next_due()), (None, false, Some(UnixMicros(100))));
        assert_eq!(source.next(UnixMicros(100)), Some(NextRow { attempts: 1, ..fresh(9) }));
        assert!(source.is_empty());
    }

    #[test]
    fn held_rows_come_again_when_they_are_due_and_each_once() {
        let n_rows = CHUNK_ROWS + 10;
        let waiting = (0..CHUNK_ROWS).map(|row| RowToSend { attempts: 0, ..waiting(row, None) }).collect();
        let mut source = RowSource::new(n_rows, waiting, vec![0]);
        let (mut seen, mut now) = (Vec::new(), UnixMicros(0));
        while !source.is_empty() {
            match source.next(now) {
                // A third waits until 100, another until 200, and some of those until 300.
                Some(next) if next.row.0 % 3 == 0 && now.0 < 100 => source.hold(next, UnixMicros(100)),
                Some(next) if next.row.0 % 3 == 1 && now.0 < 200 => source.hold(next, UnixMicros(200)),
                Some(next) if next.row.0 % 9 == 1 && now.0 < 300 => source.hold(next, UnixMicros(300)),
                Some(next) => seen.push(next.row.0),
                None => now = source.next_due().unwrap(),
            }
        }
        assert_eq!((seen.len() as u32, now), (n_rows, UnixMicros(300)));
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..n_rows));
    }

    #[test]
    fn what_lies_behind_the_fence_waits_and_is_not_forgotten() {
        let mut source = RowSource::new(CHUNK_ROWS + 2, vec![waiting(1, None), waiting(4, None)], vec![0]);
        source.set_fence(Some(3));
        let now = UnixMicros(0);
        assert_eq!(source.next(now), Some(NextRow { attempts: 1, ..fresh(1) }));
        assert_eq!((source.next(now), source.has_now(now), source.is_empty()), (None, false, false));
        source.set_fence(None);
        assert_eq!(source.next(now), Some(NextRow { attempts: 1, ..fresh(4) }));
        assert_eq!(source.next(now), Some(fresh(CHUNK_ROWS)));
    }

    #[test]
    fn a_closed_source_gives_nothing_and_takes_nothing_back() {
        let mut source = RowSource::new(3, vec![waiting(0, Some(5))], vec![0]);
        source.close();
        source.give_back(fresh(1));
        source.defer(fresh(2), UnixMicros(1));
        assert_eq!((source.next(UnixMicros(9)), source.is_empty(), source.next_due()), (None, true, None));
    }

    #[test]
    fn what_is_given_back_goes_first() {
        let mut source = RowSource::new(3, Vec::new(), Vec::new());
        let now = UnixMicros(0);
        assert_eq!(source.next(now), Some(fresh(0)));
        source.give_back(fresh(0));
        assert_eq!(source.next(now), Some(fresh(0)));
        assert_eq!(source.next(now), Some(fresh(1)));
    }
}
