//! The one queue of an account, shared by its binds.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU32, atomic::Ordering},
};

use volley_core::MessageToken;

use crate::{SubmitBatch, SubmitItem};

/// Submits that wait to be written, in order. Its owner bounds what is outstanding.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Items in the queue and in the sessions' hands, not yet written.
    n_unwritten: AtomicU32,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Cursor>,
    n_items: usize,
    /// Items that a session is asking permission for.
    n_reserved: usize,
}

/// A batch and how far it was taken.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    batch: SubmitBatch,
    next_item: usize,
    /// Where the next item's PDU begins.
    start: usize,
}

impl Cursor {
    fn rest(&self) -> &[SubmitItem] {
        self.batch.items.get(self.next_item..).unwrap_or_default()
    }

    /// Items left.
    pub(crate) fn n_items(&self) -> usize {
        self.rest().len()
    }

    /// Appends up to `n` PDUs to `out`, and shows each there with its token. Gives how many.
    pub(crate) fn take(
        &mut self,
        n: usize,
        out: &mut Vec<u8>,
        written: &mut impl FnMut(&mut [u8], MessageToken),
    ) -> usize {
        let taken = self.rest().get(..n).unwrap_or_else(|| self.rest());
        let Some(last) = taken.last() else { return 0 };
        let (start, end) = (self.start, last.end as usize);
        let first_octet = out.len();
        out.extend_from_slice(self.batch.pdus.get(start..end).unwrap_or_default());
        let mut rest = out.get_mut(first_octet..).unwrap_or_default();
        let mut item_start = start;
        for item in taken {
            let (pdu, after) = rest.split_at_mut_checked(item.end as usize - item_start).unwrap_or_default();
            written(pdu, item.token);
            (rest, item_start) = (after, item.end as usize);
        }
        let n_taken = taken.len();
        self.next_item += n_taken;
        self.start = end;
        n_taken
    }

    /// The token before the next item, if any was taken.
    fn last_taken(&self) -> Option<MessageToken> {
        self.next_item.checked_sub(1).and_then(|last| self.batch.items.get(last)).map(|item| item.token)
    }

    /// Moves the rest of the message that was begun to `staged`: its parts stay on one session,
    /// in order.
    fn stage_rest_of_message(&mut self, staged: &mut Cursor) -> usize {
        let Some(begun) = self.last_taken() else { return 0 };
        let n = self.rest().iter().take_while(|item| item.token.row() == begun.row()).count();
        let n_moved = self.take(n, &mut staged.batch.pdus, &mut |_, _| {});
        debug_assert_eq!(n_moved, n, "what was counted can be taken");
        let mut end = staged.batch.items.last().map_or(0, |item| item.end);
        let first = self.next_item - n_moved;
        let mut item_start = first.checked_sub(1).and_then(|before| self.batch.items.get(before)).map_or(0, |i| i.end);
        for item in self.batch.items.get(first..self.next_item).unwrap_or_default() {
            end += item.end - item_start;
            item_start = item.end;
            staged.batch.items.push(SubmitItem { token: item.token, end });
        }
        n_moved
    }

    /// Empties it when everything was taken, so that its buffers can be filled again.
    pub(crate) fn reuse(&mut self) {
        if self.n_items() == 0 {
            self.batch.pdus.clear();
            self.batch.items.clear();
            (self.next_item, self.start) = (0, 0);
        }
    }

    /// Takes out what `is_meant`; what is left begins a batch of its own.
    fn withdraw(&mut self, is_meant: &impl Fn(MessageToken) -> bool, withdrawn: &mut Vec<MessageToken>) {
        if !self.rest().iter().any(|item| is_meant(item.token)) {
            return;
        }
        let mut left = SubmitBatch::default();
        let n = self.n_items();
        self.take(n, &mut Vec::new(), &mut |pdu, token| {
            if is_meant(token) {
                withdrawn.push(token);
            } else {
                left.pdus.extend_from_slice(pdu);
                left.finish_item(token);
            }
        });
        *self = Self { batch: left, next_item: 0, start: 0 };
    }

    /// What is left, as a batch of its own behind what `batch` holds.
    pub(crate) fn append_rest_to(&mut self, batch: &mut SubmitBatch) {
        let n = self.n_items();
        let mut ends = Vec::with_capacity(n);
        let mut end = batch.pdus.len();
        self.take(n, &mut batch.pdus, &mut |pdu, token| {
            end += pdu.len();
            ends.push(SubmitItem { token, end: end as u32 });
        });
        batch.items.append(&mut ends);
        self.reuse();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Items not yet written.
    pub(crate) fn n_unwritten(&self) -> u32 {
        self.n_unwritten.load(Ordering::Acquire)
    }

    /// A session wrote so many.
    pub(crate) fn note_written(&self, n_items: u32) {
        self.n_unwritten.fetch_sub(n_items, Ordering::AcqRel);
    }

    pub(crate) fn push_back(&self, batch: SubmitBatch) {
        self.push(batch, |batches, cursor| batches.push_back(cursor));
    }

    pub(crate) fn push_front(&self, batch: SubmitBatch) {
        self.push(batch, |batches, cursor| batches.push_front(cursor));
    }

    fn push(&self, batch: SubmitBatch, place: impl FnOnce(&mut VecDeque<Cursor>, Cursor)) {
        let n_items = batch.items.len();
        if n_items == 0 {
            return;
        }
        self.n_unwritten.fetch_add(n_items as u32, Ordering::AcqRel);
        let mut inner = self.lock();
        inner.n_items += n_items;
        place(&mut inner.batches, Cursor { batch, next_item: 0, start: 0 });
    }

    /// Gives back what a session held but did not write: ahead of all others. It still counts
    /// as unwritten, except for `n_written` of them that had been counted as written.
    pub(crate) fn give_back(&self, batch: SubmitBatch, n_written: u32) {
        let n_items = batch.items.len();
        if n_items == 0 {
            return;
        }
        self.n_unwritten.fetch_add(n_written, Ordering::AcqRel);
        let mut inner = self.lock();
        inner.n_items += n_items;
        inner.batches.push_front(Cursor { batch, next_item: 0, start: 0 });
    }

    /// Sets aside up to `want` items, so that permission is asked for no more than there is.
    /// Each call must be followed by [`Queue::take_reserved`].
    pub(crate) fn reserve(&self, want: usize) -> usize {
        if want == 0 {
            return 0;
        }
        let mut inner = self.lock();
        let n = want.min(inner.n_items.saturating_sub(inner.n_reserved));
        inner.n_reserved += n;
        n
    }

    /// Ends a reservation and takes `n` items of it. When the last one taken is a part of a
    /// message, the message's other parts go to `staged`, which must be empty.
    pub(crate) fn take_reserved(
        &self,
        n_reserved: usize,
        n: usize,
        out: &mut Vec<u8>,
        staged: &mut Cursor,
        mut written: impl FnMut(&mut [u8], MessageToken),
    ) -> usize {
        if n_reserved == 0 {
            return 0;
        }
        let mut spent = Vec::new();
        let mut inner = self.lock();
        inner.n_reserved -= n_reserved;
        let mut n_taken = 0;
        while n_taken < n {
            let Some(cursor) = inner.batches.front_mut() else { break };
            n_taken += cursor.take(n - n_taken, out, &mut written);
            let n_staged = if n_taken == n { cursor.stage_rest_of_message(staged) } else { 0 };
            let is_spent = cursor.n_items() == 0;
            inner.n_items -= n_staged;
            if is_spent {
                spent.extend(inner.batches.pop_front());
            }
        }
        inner.n_items -= n_taken;
        drop(inner);
        // Large buffers are freed outside the lock.
        drop(spent);
        self.note_written(n_taken as u32);
        n_taken
    }

    /// Takes everything, never to be written.
    pub(crate) fn take_all(&self) -> Vec<MessageToken> {
        let mut inner = self.lock();
        let batches = std::mem::take(&mut inner.batches);
        inner.n_items = 0;
        drop(inner);
        let tokens: Vec<_> = batches.iter().flat_map(|cursor| cursor.rest().iter().map(|item| item.token)).collect();
        self.note_written(tokens.len() as u32);
        tokens
    }

    /// Takes what `is_meant`, never to be written. What a session holds already stays there.
    pub(crate) fn withdraw(&self, is_meant: impl Fn(MessageToken) -> bool) -> Vec<MessageToken> {
        let mut withdrawn = Vec::new();
        let mut inner = self.lock();
        for cursor in &mut inner.batches {
            cursor.withdraw(&is_meant, &mut withdrawn);
        }
        inner.n_items -= withdrawn.len();
        inner.batches.retain(|cursor| cursor.n_items() > 0);
        drop(inner);
        self.note_written(withdrawn.len() as u32);
        withdrawn
    }

    /// Whether nothing is in the queue itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().n_items == 0
    }
}

#[cfg(test)]
mod tests {
    use volley_core::RowIndex;

    use super::*;

    /// PDUs are one octet longer with each item, so that wrong cuts show.
    fn batch(tokens: &[(u32, u8)]) -> SubmitBatch {
        let mut batch = SubmitBatch::default();
        for (n, (row, segment)) in tokens.iter().enumerate() {
            batch.pdus.extend(std::iter::repeat_n(*row as u8, n + 1));
            batch.finish_item(MessageToken::new(RowIndex(*row), *segment));
        }
        batch
    }

    fn take(queue: &Queue, n: usize, staged: &mut Cursor) -> Vec<(u32, u8, Vec<u8>)> {
        let mut taken = Vec::new();
        let reserved = queue.reserve(n);
        queue.take_reserved(reserved, reserved, &mut Vec::new(), staged, |pdu, token| {
            taken.push((token.row().0, token.segment(), pdu.to_vec()));
        });
        taken
    }

    #[test]
    fn items_leave_in_order_and_the_rest_of_a_begun_message_is_staged() {
        let queue = Queue::default();
        queue.push_back(batch(&[(1, 0), (2, 0), (2, 1), (2, 2), (3, 0)]));
        queue.push_front(batch(&[(9, 0)]));
        let mut staged = Cursor::default();
        assert_eq!(take(&queue, 3, &mut staged), [(9, 0, vec![9]), (1, 0, vec![1]), (2, 0, vec![2, 2])]);
        assert_eq!((staged.n_items(), queue.n_unwritten()), (2, 3));
        let mut out = Vec::new();
        let mut seen = Vec::new();
        assert_eq!(staged.take(9, &mut out, &mut |pdu, token| seen.push((pdu.len(), token.segment()))), 2);
        assert_eq!((seen, out), (vec![(3, 1), (4, 2)], vec![2; 7]));
        queue.note_written(2);
        staged.reuse();
        assert_eq!(take(&queue, 3, &mut staged), [(3, 0, vec![3; 5])]);
        assert_eq!((staged.n_items(), queue.n_unwritten(), queue.is_empty()), (0, 0, true));
    }

    #[test]
    fn what_is_given_back_goes_ahead_of_all_others() {
        let queue = Queue::default();
        queue.push_back(batch(&[(1, 0), (2, 0), (2, 1)]));
        let mut staged = Cursor::default();
        assert_eq!(take(&queue, 2, &mut staged).len(), 2);
        let mut back = batch(&[(2, 0)]);
        staged.append_rest_to(&mut back);
        queue.give_back(back, 1);
        assert_eq!(queue.n_unwritten(), 2);
        assert_eq!(take(&queue, 9, &mut Cursor::default()), [(2, 0, vec![2]), (2, 1, vec![2; 3])]);
        assert_eq!(queue.n_unwritten(), 0);
    }

    #[test]
    fn what_is_withdrawn_is_not_written_and_the_others_stay_whole() {
        let queue = Queue::default();
        queue.push_back(batch(&[(1, 0), (2, 0), (2, 1), (3, 0)]));
        queue.push_back(batch(&[(2, 0)]));
        let mut staged = Cursor::default();
        assert_eq!(take(&queue, 1, &mut staged).len(), 1);
        let withdrawn = queue.withdraw(|token| token.row() == RowIndex(2));
        assert_eq!(withdrawn.iter().map(|token| token.segment()).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!((queue.n_unwritten(), queue.withdraw(|token| token.row() == RowIndex(2)).len()), (1, 0));
        assert_eq!(take(&queue, 9, &mut staged), [(3, 0, vec![3; 4])]);
        assert_eq!((queue.n_unwritten(), queue.is_empty()), (0, true));
    }

    #[test]
    fn permission_is_asked_for_no_more_than_there_is() {
        let queue = Queue::default();
        queue.push_back(batch(&[(1, 0), (2, 0)]));
        assert_eq!((queue.reserve(1), queue.reserve(5), queue.reserve(5)), (1, 1, 0));
        let mut staged = Cursor::default();
        assert_eq!(queue.take_reserved(1, 0, &mut Vec::new(), &mut staged, |_, _| {}), 0);
        assert_eq!(queue.reserve(5), 1, "what was not granted is there for others");
        assert_eq!(queue.take_all().len(), 2);
    }
}
