//! The window: submits written and not answered, found by their sequence number.

use std::time::{Duration, Instant};

use volley_core::MessageToken;
use volley_smpp::pdu::MAX_SEQUENCE;

/// A ring of slots indexed by the low bits of the sequence number: an answer costs one look.
#[derive(Debug)]
pub(crate) struct Window {
    slots: Vec<Slot>,
    limit: usize,
    n_pending: usize,
    next_sequence: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// 0 when free: no request has that number.
    sequence: u32,
    token: MessageToken,
    written_at: Instant,
}

impl Window {
    pub(crate) fn new(limit: usize, now: Instant) -> Self {
        let free = Slot { sequence: 0, token: MessageToken(0), written_at: now };
        Self { slots: vec![free; (limit * 2).next_power_of_two()], limit, n_pending: 0, next_sequence: 1 }
    }

    pub(crate) const fn n_free(&self) -> usize {
        self.limit - self.n_pending
    }

    pub(crate) const fn n_pending(&self) -> usize {
        self.n_pending
    }

    /// The next number for a request that does not count against the window.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next_sequence;
            self.next_sequence = if sequence >= MAX_SEQUENCE { 1 } else { sequence + 1 };
            // A number is never reused while its first use is open (CONTRACT I13).
            if self.slot(sequence).sequence == 0 {
                return sequence;
            }
        }
    }

    /// Takes a slot and gives the submit its number.
    ///
    /// # Panics
    /// When the window is full: the caller asks [`Window::n_free`] first.
    pub(crate) fn insert(&mut self, token: MessageToken, now: Instant) -> u32 {
        assert!(self.n_pending < self.limit, "window of {} exceeded", self.limit);
        let sequence = self.next_sequence();
        *self.slot_mut(sequence) = Slot { sequence, token, written_at: now };
        self.n_pending += 1;
        sequence
    }

    /// The submit that this number answers, and since when it was under way; `None` for numbers
    /// unknown or answered before.
    pub(crate) fn answer(&mut self, sequence: u32) -> Option<(MessageToken, Instant)> {
        if sequence == 0 {
            return None;
        }
        let slot = self.slot_mut(sequence);
        if slot.sequence != sequence {
            return None;
        }
        slot.sequence = 0;
        let answered = (slot.token, slot.written_at);
        self.n_pending -= 1;
        Some(answered)
    }

    /// Whether a submit has waited for its answer longer than `timeout`.
    pub(crate) fn is_overdue(&self, now: Instant, timeout: Duration) -> bool {
        let late = |slot: &Slot| slot.sequence != 0 && now.saturating_duration_since(slot.written_at) >= timeout;
        self.n_pending > 0 && self.slots.iter().any(late)
    }

    /// Empties the window when its session ends: the fate of these is unknown.
    pub(crate) fn take_all(&mut self) -> Vec<MessageToken> {
        let mut pending: Vec<_> = self.slots.iter().filter(|slot| slot.sequence != 0).collect();
        pending.sort_by_key(|slot| slot.written_at);
        let tokens = pending.into_iter().map(|slot| slot.token).collect();
        for slot in &mut self.slots {
            slot.sequence = 0;
        }
        self.n_pending = 0;
        tokens
    }

    #[expect(clippy::indexing_slicing, reason = "masked by the length, a power of two")]
    fn slot(&self, sequence: u32) -> &Slot {
        &self.slots[sequence as usize & (self.slots.len() - 1)]
    }

    #[expect(clippy::indexing_slicing, reason = "masked by the length, a power of two")]
    fn slot_mut(&mut self, sequence: u32) -> &mut Slot {
        let mask = self.slots.len() - 1;
        &mut self.slots[sequence as usize & mask]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(limit: usize) -> (Window, Instant) {
        let now = tokio::time::Instant::now().into_std();
        (Window::new(limit, now), now)
    }

    #[test]
    fn answers_in_any_order_once_each() {
        let (mut window, now) = window(3);
        let sequences: Vec<u32> = (0..3).map(|n| window.insert(MessageToken(n), now)).collect();
        assert_eq!((sequences.as_slice(), window.n_free()), (&[1, 2, 3][..], 0));
        assert_eq!(window.answer(3).map(|(token, _)| token), Some(MessageToken(2)));
        assert_eq!((window.answer(3), window.answer(9), window.answer(0)), (None, None, None));
        assert_eq!(window.n_free(), 1);
        assert_eq!(window.take_all(), [MessageToken(0), MessageToken(1)]);
        assert_eq!(window.n_free(), 3);
    }

    #[test]
    fn a_number_still_open_is_passed_over() {
        let (mut window, now) = window(2);
        let first = window.insert(MessageToken(7), now);
        for n in 0..20 {
            let sequence = window.insert(MessageToken(n), now);
            assert_ne!(sequence & 3, first & 3);
            assert_eq!(window.answer(sequence).map(|(token, _)| token), Some(MessageToken(n)));
        }
        assert_eq!(window.answer(first).map(|(token, _)| token), Some(MessageToken(7)));
    }

    #[test]
    fn numbers_wrap_to_one() {
        let (mut window, now) = window(2);
        window.next_sequence = MAX_SEQUENCE;
        assert_eq!(window.insert(MessageToken(1), now), MAX_SEQUENCE);
        assert_eq!(window.insert(MessageToken(2), now), 1);
    }

    #[test]
    fn overdue_by_the_oldest() {
        let (mut window, now) = window(2);
        window.insert(MessageToken(1), now);
        let timeout = Duration::from_secs(60);
        assert!(!window.is_overdue(now + Duration::from_secs(59), timeout));
        assert!(window.is_overdue(now + timeout, timeout));
    }
}
