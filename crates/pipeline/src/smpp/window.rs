//! Unanswered submits of one session, and its sequence numbers.

use volley_core::MessageToken;
use volley_smpp::pdu::MAX_SEQUENCE;

/// A ring of slots; a sequence number's lowest bits say which slot is its own. A number whose
/// slot is taken is passed over, so no number is used again while it is open.
#[derive(Debug)]
pub(crate) struct Window {
    /// Twice the limit at least, so that a few old open numbers seldom stand in the way.
    slots: Box<[Slot]>,
    limit: u32,
    n_open: u32,
    /// The next number to give out.
    next: u32,
    /// No open number is older.
    oldest: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// 0: free.
    sequence: u32,
    /// Microseconds of the session's clock, the lowest 32 bits.
    written: u32,
    token: MessageToken,
}

const fn after(sequence: u32) -> u32 {
    if sequence >= MAX_SEQUENCE { 1 } else { sequence + 1 }
}

impl Window {
    /// `limit` of unanswered submits, the first with the sequence number `first`.
    pub(crate) fn new(limit: u32, first: u32) -> Self {
        let n_slots = (limit.max(1) as usize * 2).next_power_of_two();
        Self {
            slots: vec![Slot::default(); n_slots].into_boxed_slice(),
            limit,
            n_open: 0,
            next: first.clamp(1, MAX_SEQUENCE),
            oldest: first.clamp(1, MAX_SEQUENCE),
        }
    }

    pub(crate) const fn n_open(&self) -> u32 {
        self.n_open
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Allows more or fewer from now on, at most what the window was made for.
    pub(crate) const fn set_limit(&mut self, limit: u32) {
        debug_assert!(limit as usize * 2 <= self.slots.len(), "there are slots for it");
        self.limit = limit;
    }

    pub(crate) const fn n_free(&self) -> u32 {
        self.limit.saturating_sub(self.n_open)
    }

    fn slot(&mut self, sequence: u32) -> Option<&mut Slot> {
        let mask = self.slots.len() - 1;
        self.slots.get_mut(sequence as usize & mask)
    }

    /// A number for a request that is no submit.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next;
            self.next = after(sequence);
            // At most half of the slots are taken, so a free one comes soon.
            if self.slot(sequence).is_none_or(|slot| slot.sequence == 0) {
                return sequence;
            }
        }
    }

    /// Opens a slot and gives its number; hands the token back when the window is full.
    pub(crate) fn insert(&mut self, token: MessageToken, written: u32) -> Result<u32, MessageToken> {
        if self.n_open >= self.limit {
            return Err(token);
        }
        let sequence = self.next_sequence();
        if self.n_open == 0 {
            self.oldest = sequence;
        }
        if let Some(slot) = self.slot(sequence) {
            *slot = Slot { sequence, written, token };
        }
        self.n_open += 1;
        Ok(sequence)
    }

    /// Frees the slot of `sequence`; `None` when it is not open.
    pub(crate) fn answer(&mut self, sequence: u32) -> Option<(MessageToken, u32)> {
        let slot = self.slot(sequence).filter(|slot| slot.sequence == sequence && sequence != 0)?;
        let answered = (slot.token, slot.written);
        slot.sequence = 0;
        self.n_open -= 1;
        Some(answered)
    }

    /// When the oldest open submit was written.
    pub(crate) fn oldest_written(&mut self) -> Option<u32> {
        if self.n_open == 0 {
            return None;
        }
        loop {
            let oldest = self.oldest;
            match self.slot(oldest) {
                Some(slot) if slot.sequence == oldest => return Some(slot.written),
                _ => self.oldest = after(oldest),
            }
        }
    }

    /// Empties the window: what was open, the oldest first.
    pub(crate) fn drain(&mut self) -> Vec<MessageToken> {
        let next = self.next;
        let mut open: Vec<_> = self.slots.iter().filter(|slot| slot.sequence != 0).copied().collect();
        // Distance to the next number, around the wrap.
        open.sort_unstable_by_key(|slot| std::cmp::Reverse((next + MAX_SEQUENCE - slot.sequence) % MAX_SEQUENCE));
        self.slots.fill(Slot::default());
        self.n_open = 0;
        open.into_iter().map(|slot| slot.token).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u64) -> MessageToken {
        MessageToken(n)
    }

    #[test]
    fn full_window_hands_the_token_back() {
        let mut window = Window::new(1, 1);
        assert_eq!(window.insert(token(7), 0), Ok(1));
        assert_eq!(window.insert(token(8), 0), Err(token(8)));
        assert_eq!(window.answer(1), Some((token(7), 0)));
        assert_eq!(window.insert(token(8), 5), Ok(2));
        assert_eq!(window.drain(), [token(8)]);
        assert_eq!((window.n_open(), window.n_free()), (0, 1));
    }

    #[test]
    fn numbers_wrap_to_one_and_open_ones_are_passed_over() {
        let mut window = Window::new(3, MAX_SEQUENCE - 1);
        let opened: Vec<_> = (0..3).map(|n| window.insert(token(n), n as u32)).collect();
        assert_eq!(opened, [Ok(MAX_SEQUENCE - 1), Ok(MAX_SEQUENCE), Ok(1)]);
        assert_eq!((window.next_sequence(), window.next_sequence()), (2, 3));
        assert_eq!(window.oldest_written(), Some(0));
        assert_eq!(window.answer(MAX_SEQUENCE - 1), Some((token(0), 0)));
        assert_eq!(window.oldest_written(), Some(1));
        // 8 slots: MAX_SEQUENCE holds slot 7, so 7 must be passed over while it is open.
        let numbers: Vec<_> = (0..5).map(|_| window.next_sequence()).collect();
        assert_eq!(numbers, [4, 5, 6, 8, 10], "9 shares its slot with the open 1");
        assert_eq!(window.drain(), [token(1), token(2)]);
    }

    #[test]
    fn answers_come_in_any_order_once() {
        let mut window = Window::new(100, 1);
        for n in 0..100 {
            assert!(window.insert(token(n), 0).is_ok());
        }
        for sequence in (1..=100).rev() {
            assert_eq!(window.answer(sequence), Some((token(u64::from(sequence) - 1), 0)));
            assert_eq!(window.answer(sequence), None, "repeated");
        }
        for unknown in [0, 101, 512, u32::MAX] {
            assert_eq!(window.answer(unknown), None);
        }
        assert_eq!((window.n_open(), window.oldest_written()), (0, None));
    }

    #[test]
    fn an_old_open_number_outlives_many_later_ones() {
        let mut window = Window::new(2, 1);
        assert_eq!(window.insert(token(0), 42), Ok(1));
        let mut seen = std::collections::HashSet::from([1]);
        for n in 1..1_000 {
            let sequence = window.insert(token(n), 43).unwrap();
            assert!(seen.insert(sequence));
            assert_eq!(window.answer(sequence), Some((token(n), 43)));
        }
        assert_eq!((window.oldest_written(), window.n_open()), (Some(42), 1));
    }
}
