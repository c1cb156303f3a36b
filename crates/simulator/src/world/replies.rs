//! Messages to the ESME: what they are made of, and when they are owed.

use std::rc::Rc;

use volley_smpp::{
    pdu::ESM_CLASS_UDHI,
    receipt::MessageState,
    text::{SegmentOptions, Segments},
};

use super::{Owed, World, intern};
use crate::{decide::Dice, encode::digits, options::Replies, server::now};

/// The number that unasked messages are sent to.
const OUR_NUMBER: &str = "60777";

/// One part of a message to the ESME.
#[derive(Debug)]
pub(crate) struct ReplyPart {
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    pub(crate) octets: Vec<u8>,
}

/// The parts of a text, the last one first: whoever joins them must not count on their order.
fn parts(text: &str, reference: u16) -> Vec<Rc<ReplyPart>> {
    let mut segments = Segments::default();
    let options = SegmentOptions { max_segments: u8::MAX, ..SegmentOptions::default() };
    if segments.cut(text, &options).is_err() {
        return Vec::new();
    }
    let part = |index: usize| {
        let mut octets = Vec::new();
        segments.put_header(index, reference, &mut octets);
        let esm_class = if octets.is_empty() { 0 } else { ESM_CLASS_UDHI };
        octets.extend_from_slice(segments.octets(index));
        Rc::new(ReplyPart { esm_class, data_coding: segments.encoding().data_coding(), octets })
    };
    (0..segments.len()).rev().map(part).collect()
}

/// Replies to a message that was taken; `to` is its receipt, whether one is owed or not.
pub(super) fn replies_to(replies: &Replies, dice: &mut Dice, to: &Owed) -> Vec<Owed> {
    if !dice.hits(replies.share) {
        return Vec::new();
    }
    match dice.one_of(&replies.texts) {
        Some(text) => owed(replies, text, to),
        None => Vec::new(),
    }
}

fn owed(replies: &Replies, text: &str, to: &Owed) -> Vec<Owed> {
    let parts = parts(text, to.id as u16);
    let once = parts.into_iter().map(|part| Owed { reply: Some(part), ..to.clone() });
    let once: Vec<_> = once.collect();
    let n_copies = replies.copies.map_or(1, |copies| usize::from(copies.get()));
    std::iter::repeat_n(once, n_copies).flatten().collect()
}

impl World {
    /// The first session that can receive is there: what comes then.
    pub(super) fn owe_at_bind(&mut self, account: usize, esme: &Rc<str>) {
        let Some(state) = self.accounts.get_mut(account) else { return };
        if std::mem::replace(&mut state.was_bound, true) {
            return;
        }
        let replies = state.options.replies.clone();
        let at = now() + replies.delay.min;
        let mut all = Vec::new();
        for reply in &replies.at_bind {
            let id = self.next_id;
            self.next_id += 1;
            let source = intern(&mut state.sources, OUR_NUMBER);
            let recipient = digits(reply.from.as_bytes());
            let to = Owed {
                id,
                recipient,
                state: MessageState::Delivered,
                taken_s: 0,
                source,
                esme: Rc::clone(esme),
                reply: None,
            };
            all.extend(owed(&replies, &reply.text, &to));
        }
        for owed in all {
            self.owe(account, owed, at);
        }
    }
}
