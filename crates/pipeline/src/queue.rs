//! The one queue in front of an account's binds.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use volley_core::MessageToken;

use crate::SubmitBatch;

#[derive(Debug, Default)]
pub(crate) struct LaneQueue {
    batches: Mutex<VecDeque<Waiting>>,
    n_queued: AtomicU32,
}

#[derive(Debug)]
struct Waiting {
    batch: SubmitBatch,
    next: usize,
}

impl Waiting {
    /// The next PDU, if any.
    fn pop(&mut self) -> Option<(MessageToken, &[u8])> {
        let start = self.next.checked_sub(1).and_then(|before| self.batch.items.get(before)).map_or(0, |item| item.end);
        let item = self.batch.items.get(self.next)?;
        self.next += 1;
        let pdu = self.batch.pdus.get(start as usize..item.end as usize).unwrap_or_default();
        Some((item.token, pdu))
    }
}

impl LaneQueue {
    pub(crate) fn push(&self, batch: SubmitBatch) {
        self.n_queued.fetch_add(batch.items.len() as u32, Ordering::Relaxed);
        self.lock().push_back(Waiting { batch, next: 0 });
    }

    /// PDUs that wait.
    pub(crate) fn n_queued(&self) -> u32 {
        self.n_queued.load(Ordering::Relaxed)
    }

    /// Gives at most `n` PDUs to `each`, in order.
    pub(crate) fn pop(&self, n: u32, mut each: impl FnMut(MessageToken, &[u8])) -> u32 {
        let mut batches = self.lock();
        let mut n_popped = 0;
        while n_popped < n
            && let Some(front) = batches.front_mut()
        {
            match front.pop() {
                Some((token, pdu)) => {
                    each(token, pdu);
                    n_popped += 1;
                }
                None => drop(batches.pop_front()),
            }
        }
        drop(batches);
        self.n_queued.fetch_sub(n_popped, Ordering::Relaxed);
        n_popped
    }

    /// Takes everything out.
    pub(crate) fn clear(&self) -> Vec<MessageToken> {
        let mut tokens = Vec::new();
        self.pop(u32::MAX, |token, _| tokens.push(token));
        tokens
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SubmitItem;

    #[test]
    fn pdus_leave_in_order_over_batches() {
        let queue = LaneQueue::default();
        for (n, pdus) in [(0, "aabbb"), (2, "c")] {
            let ends: &[u32] = if n == 0 { &[2, 5] } else { &[1] };
            let items = (n..).zip(ends).map(|(token, end)| SubmitItem { token: MessageToken(token), end: *end });
            queue.push(SubmitBatch { pdus: pdus.into(), items: items.collect() });
        }
        let mut seen = Vec::new();
        assert_eq!(queue.pop(1, |token, pdu| seen.push((token.0, pdu.to_vec()))), 1);
        assert_eq!((queue.n_queued(), queue.pop(9, |token, pdu| seen.push((token.0, pdu.to_vec())))), (2, 2));
        assert_eq!(seen, [(0, b"aa".to_vec()), (1, b"bbb".to_vec()), (2, b"c".to_vec())]);
        assert_eq!((queue.n_queued(), queue.clear().len()), (0, 0));
    }
}
