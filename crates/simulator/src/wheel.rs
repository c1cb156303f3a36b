//! Delays: entries by the quarter of a millisecond in which they are due. An answer time of 20 ms
//! must not become 21: a window of ten would carry 475/s instead of 500/s.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Length of a slot.
const TICK: Duration = Duration::from_micros(250);
/// Slots ahead of now, some 8 s; entries further away wait in a list of their own.
const SLOTS: u64 = 32_768;

/// A wheel of slots.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    /// The tick of the first slot.
    first: u64,
    slots: VecDeque<Vec<T>>,
    /// So many slots at the front are known to be empty.
    n_empty: usize,
    far: Vec<(u64, T)>,
    n_entries: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, first: 0, slots: VecDeque::new(), n_empty: 0, far: Vec::new(), n_entries: 0 }
    }

    fn ticks(&self, at: Instant) -> (u64, bool) {
        let micros = at.saturating_duration_since(self.start).as_micros();
        let tick = u64::try_from(micros / TICK.as_micros()).unwrap_or(u64::MAX);
        (tick, micros.is_multiple_of(TICK.as_micros()))
    }

    fn instant(&self, tick: u64) -> Instant {
        self.start + Duration::from_micros(tick.saturating_mul(TICK.as_micros() as u64))
    }

    pub(crate) fn put(&mut self, due: Instant, entry: T) {
        let (tick, is_exact) = self.ticks(due);
        self.put_at(tick + u64::from(!is_exact), entry);
    }

    fn put_at(&mut self, tick: u64, entry: T) {
        self.n_entries += 1;
        let ahead = tick.saturating_sub(self.first);
        if ahead >= SLOTS {
            self.far.push((tick, entry));
            return;
        }
        while self.slots.len() as u64 <= ahead {
            self.slots.push_back(Vec::new());
        }
        let at = ahead as usize;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.push(entry);
            self.n_empty = self.n_empty.min(at);
        }
    }

    /// Takes what is due at `now`, in the order of its ticks.
    pub(crate) fn take_due(&mut self, now: Instant, mut each: impl FnMut(T)) {
        let (tick, _) = self.ticks(now);
        while self.first <= tick {
            if self.slots.is_empty() && self.far.is_empty() {
                self.first = tick + 1;
                return;
            }
            for entry in self.slots.pop_front().unwrap_or_default() {
                self.n_entries -= 1;
                each(entry);
            }
            self.n_empty = self.n_empty.saturating_sub(1);
            self.first += 1;
            if self.first.is_multiple_of(SLOTS / 2) {
                self.bring_near();
            }
        }
    }

    fn bring_near(&mut self) {
        let far = std::mem::take(&mut self.far);
        for (tick, entry) in far {
            self.n_entries -= 1;
            self.put_at(tick, entry);
        }
    }

    /// When something may be due next.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        if self.n_entries == 0 {
            return None;
        }
        let first = self.slots.iter().skip(self.n_empty).position(|slot| !slot.is_empty());
        self.n_empty = first.map_or(self.slots.len(), |first| self.n_empty + first);
        Some(self.instant(self.first + self.n_empty as u64))
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

    #[test]
    fn nothing_is_due_early_or_much_later() {
        let start = tokio::time::Instant::now().into_std();
        let mut wheel = Wheel::new(start);
        let at = |micros: u64| start + Duration::from_micros(micros);
        for micros in [1, 250, 251, 7_777, 9_999_999] {
            wheel.put(at(micros), micros);
        }
        let mut due = Vec::new();
        while let Some(next) = wheel.next_due() {
            wheel.take_due(next, |micros| due.push((micros, (next - at(micros)).as_micros())));
        }
        assert_eq!(due, [(1, 249), (250, 0), (251, 249), (7_777, 223), (9_999_999, 1)]);
    }
}
