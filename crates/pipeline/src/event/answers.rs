//! Answers to submits.

use volley_core::MessageToken;
use volley_smpp::pdu::CommandStatus;

/// Answers of one turn, in the order in which they came, with their ids in one buffer.
#[derive(Debug, Clone, Default)]
pub struct AnswerBatch {
    items: Vec<Item>,
    ids: Vec<u8>,
    n_refused: usize,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    token: MessageToken,
    status: CommandStatus,
    /// Where the id ends in `ids`; it begins where the item before ends.
    id_end: u32,
    /// Where the folded id ends; it begins at `id_end`, and is absent when it ends there too.
    folded_end: u32,
}

/// What a carrier says to one submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Taken, under this id.
    Accepted {
        /// The id as it came; empty when the carrier gave none, and then no receipt can match.
        id: &'a [u8],
        /// The key that receipts are matched by, when it differs from the id.
        folded: Option<&'a [u8]>,
    },
    /// Definitely not taken.
    Refused {
        /// Why; [`CommandStatus::class`] says what to do about it.
        status: CommandStatus,
    },
}

impl AnswerBatch {
    /// Number of answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many of them are refusals.
    #[must_use]
    pub const fn n_refused(&self) -> usize {
        self.n_refused
    }

    /// Each answer with what it answers, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (MessageToken, Answer<'_>)> {
        let mut start = 0;
        self.items.iter().map(move |item| {
            let id = octets(&self.ids, start, item.id_end);
            let folded = octets(&self.ids, item.id_end, item.folded_end);
            start = item.folded_end;
            let answer = match item.status {
                CommandStatus::ROK => Answer::Accepted { id, folded: Some(folded).filter(|key| !key.is_empty()) },
                status => Answer::Refused { status },
            };
            (item.token, answer)
        })
    }

    /// Adds an acceptance; `fold` appends the key of the id.
    pub(crate) fn push_accepted(&mut self, token: MessageToken, id: &[u8], fold: impl FnOnce(&mut Vec<u8>)) {
        self.ids.extend_from_slice(id);
        let id_end = self.ids.len();
        fold(&mut self.ids);
        if self.ids.get(id_end..).is_some_and(|key| key == id) {
            self.ids.truncate(id_end);
        }
        let (id_end, folded_end) = (id_end as u32, self.ids.len() as u32);
        self.items.push(Item { token, status: CommandStatus::ROK, id_end, folded_end });
    }

    pub(crate) fn push_refused(&mut self, token: MessageToken, status: CommandStatus) {
        let end = self.ids.len() as u32;
        self.n_refused += 1;
        self.items.push(Item { token, status, id_end: end, folded_end: end });
    }
}

fn octets(ids: &[u8], start: u32, end: u32) -> &[u8] {
    ids.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_with_their_tokens() {
        let mut batch = AnswerBatch::default();
        batch.push_accepted(MessageToken(1), b"AB", |out| out.extend(b"171"));
        batch.push_refused(MessageToken(2), CommandStatus::RTHROTTLED);
        batch.push_accepted(MessageToken(3), b"", |_| {});
        batch.push_accepted(MessageToken(4), b"same", |out| out.extend(b"same"));
        let answers: Vec<_> = batch.iter().collect();
        assert_eq!((batch.len(), batch.n_refused()), (4, 1));
        assert_eq!(
            answers,
            [
                (MessageToken(1), Answer::Accepted { id: b"AB", folded: Some(b"171") }),
                (MessageToken(2), Answer::Refused { status: CommandStatus::RTHROTTLED }),
                (MessageToken(3), Answer::Accepted { id: b"", folded: None }),
                (MessageToken(4), Answer::Accepted { id: b"same", folded: None }),
            ]
        );
    }
}
