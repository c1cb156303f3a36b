//! Delays: entries by the millisecond in which they are due.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Slots ahead of now; entries further away wait in a list of their own.
const SLOTS: u64 = 8_192;

/// A wheel of one-millisecond slots.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    /// The millisecond of the first slot.
    first: u64,
    slots: VecDeque<Vec<T>>,
    far: Vec<(u64, T)>,
    n_entries: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, first: 0, slots: VecDeque::new(), far: Vec::new(), n_entries: 0 }
    }

    pub(crate) fn put(&mut self, due: Instant, entry: T) {
        let ms =
            u64::try_from(due.saturating_duration_since(self.start).as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        self.n_entries += 1;
        let ahead = ms.saturating_sub(self.first);
        if ahead >= SLOTS {
            self.far.push((ms, entry));
            return;
        }
        while self.slots.len() as u64 <= ahead {
            self.slots.push_back(Vec::new());
        }
        if let Some(slot) = usize::try_from(ahead).ok().and_then(|at| self.slots.get_mut(at)) {
            slot.push(entry);
        }
    }

    /// Takes what is due at `now`, in the order of its milliseconds.
    pub(crate) fn take_due(&mut self, now: Instant, mut each: impl FnMut(T)) {
        let ms = u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        while self.first <= ms {
            if self.slots.is_empty() && self.far.is_empty() {
                self.first = ms + 1;
                return;
            }
            for entry in self.slots.pop_front().unwrap_or_default() {
                self.n_entries -= 1;
                each(entry);
            }
            self.first += 1;
            if self.first.is_multiple_of(SLOTS / 2) {
                self.bring_near();
            }
        }
    }

    fn bring_near(&mut self) {
        let far = std::mem::take(&mut self.far);
        for (ms, entry) in far {
            self.n_entries -= 1;
            self.put(self.start + Duration::from_millis(ms), entry);
        }
    }

    /// When something may be due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.n_entries == 0 {
            return None;
        }
        let first = self.slots.iter().position(|slot| !slot.is_empty()).unwrap_or(self.slots.len());
        Some(self.start + Duration::from_millis(self.first + first as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_when_due_and_not_before() {
        let start = tokio::time::Instant::now().into_std();
        let mut wheel = Wheel::new(start);
        let at = |ms| start + Duration::from_millis(ms);
        for ms in [5, 1, 20_000, 9_000, 5] {
            wheel.put(at(ms), ms);
        }
        assert_eq!(wheel.next_due(), Some(at(1)));
        let mut due = Vec::new();
        for now in [0, 1, 4, 5, 8_999, 9_000, 19_999, 20_000, 30_000] {
            wheel.take_due(at(now), |entry| due.push((now, entry)));
        }
        assert_eq!(due, [(1, 1), (5, 5), (5, 5), (9_000, 9_000), (20_000, 20_000)]);
        assert_eq!(wheel.next_due(), None);
    }
}
