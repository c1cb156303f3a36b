//! The parts of a message to us, joined (HANDBOOK D.2).

use std::{collections::HashMap, time::Duration};

use crate::{
    pdu::{ESM_CLASS_UDHI, Tlvs},
    text::{DefaultAlphabet, Part, Shifts, UserDataHeader, decode_text},
};

/// After this, what is there of a message is given out: a STOP in part 1 must not be lost.
pub const PART_TIMEOUT: Duration = Duration::from_secs(600);
/// Messages that wait for parts, at most. Beyond, the oldest is given out as it is.
const MAX_OPEN: usize = 4_096;
/// Octets of all parts that wait, at most. Beyond, the same.
const MAX_OCTETS: usize = 8 << 20;

/// One deliver_sm that is no receipt.
#[derive(Debug, Clone, Copy, Default)]
pub struct MoPart<'a> {
    /// The carrier account that it came from, by whatever number.
    pub account: u32,
    /// Who sent it, as it stood in the PDU.
    pub from: &'a [u8],
    /// Type of number of the sender.
    pub from_ton: u8,
    /// Which of our numbers it was sent to.
    pub to: &'a [u8],
    /// 0x40 says that a user data header precedes the text.
    pub esm_class: u8,
    /// The text's alphabet.
    pub data_coding: u8,
    /// The text's octets, with its header.
    pub octets: &'a [u8],
    /// All TLVs; sar_* may be among them.
    pub tlvs: Tlvs<'a>,
    /// The caller's number for it; comes back in [`MoMessage::tags`].
    pub tag: u64,
}

impl<'a> MoPart<'a> {
    /// Which part it is, whether the reference is one of 16 bits, national tables, and the text
    /// without its header.
    fn read(&self) -> (Option<Part>, bool, Shifts, &'a [u8]) {
        let length = self.octets.first().map_or(0, |length| usize::from(*length) + 1);
        let (header, text) = match self.octets.split_at_checked(length) {
            Some((header, text)) if self.esm_class & ESM_CLASS_UDHI != 0 => (UserDataHeader::read(header), text),
            // No header, or one that is longer than all: nothing is thrown away.
            _ => (UserDataHeader::default(), self.octets),
        };
        let part = header.part.or_else(|| Part::from_tlvs(self.tlvs));
        let is_wide = header.is_wide || header.part.is_none();
        (part.filter(|part| part.is_possible() && part.total > 1), is_wide, header.shifts, text)
    }
}

/// A whole message, or what came of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MoMessage {
    /// The carrier account.
    pub account: u32,
    /// Who sent it, as it stood in the PDU.
    pub from: Vec<u8>,
    /// Type of number of the sender.
    pub from_ton: u8,
    /// Which of our numbers it was sent to.
    pub to: Vec<u8>,
    /// The text's alphabet, as its first part says.
    pub data_coding: u8,
    /// National tables of the text.
    pub shifts: Shifts,
    /// The octets of all parts, without headers.
    pub octets: Vec<u8>,
    /// Parts that it should have.
    pub n_parts: u8,
    /// The caller's numbers of the parts that came, in their order.
    pub tags: Vec<u64>,
    /// When its first part came, in microseconds of the wall.
    pub at_us: u64,
}

impl MoMessage {
    /// Whether parts of it never came.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.tags.len() < usize::from(self.n_parts)
    }

    /// The text; `None` for binary. Decoded once over all parts, so that pairs that were cut
    /// between two come together again.
    #[must_use]
    pub fn text(&self, alphabet: DefaultAlphabet) -> Option<String> {
        decode_text(self.data_coding, alphabet, self.shifts, &self.octets)
    }
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// It made a message whole, or is one by itself.
    Whole,
    /// Others are missing.
    Waits,
    /// It is there already; the first copy stays.
    Repeat,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    account: u32,
    from: Vec<u8>,
    from_ton: u8,
    to: Vec<u8>,
    is_wide: bool,
    reference: u16,
    total: u8,
}

struct Piece {
    number: u8,
    tag: u64,
    data_coding: u8,
    shifts: Shifts,
    octets: Vec<u8>,
}

struct Open {
    since_us: u64,
    /// In the order of their numbers.
    pieces: Vec<Piece>,
}

/// Messages that wait for parts. In bounded memory: some 8 MiB of text.
#[derive(Default)]
pub struct Reassembler {
    open: HashMap<Key, Open>,
    n_octets: usize,
}

impl Reassembler {
    /// Takes one part that came at `at_us` (microseconds of the wall). Appends to `out` what is
    /// whole now, and what had to give way.
    pub fn take(&mut self, part: &MoPart<'_>, at_us: u64, out: &mut Vec<MoMessage>) -> Took {
        let (numbers, is_wide, shifts, text) = part.read();
        let (from, to) = (part.from.to_vec(), part.to.to_vec());
        let Part { reference, total, number } = numbers.unwrap_or(Part { reference: 0, total: 1, number: 1 });
        let key = Key { account: part.account, from, from_ton: part.from_ton, to, is_wide, reference, total };
        let piece = Piece { number, tag: part.tag, data_coding: part.data_coding, shifts, octets: text.to_vec() };
        if numbers.is_none() {
            out.push(joined(key, Open { since_us: at_us, pieces: vec![piece] }));
            return Took::Whole;
        }
        let open = self.open.entry(key.clone()).or_insert(Open { since_us: at_us, pieces: Vec::new() });
        let Err(place) = open.pieces.binary_search_by_key(&number, |piece| piece.number) else { return Took::Repeat };
        self.n_octets += piece.octets.len();
        open.pieces.insert(place, piece);
        if open.pieces.len() == usize::from(total) {
            self.give_out(key, out);
            return Took::Whole;
        }
        while self.open.len() > MAX_OPEN || self.n_octets > MAX_OCTETS {
            let Some(oldest) = self.oldest() else { break };
            self.give_out(oldest, out);
        }
        Took::Waits
    }

    /// Gives out what has waited for ten minutes at `now_us`, oldest first.
    pub fn expire(&mut self, now_us: u64, out: &mut Vec<MoMessage>) {
        while self.next_due_us().is_some_and(|due| due <= now_us) {
            let Some(oldest) = self.oldest() else { return };
            self.give_out(oldest, out);
        }
    }

    /// When a message must be given out as it is.
    #[must_use]
    pub fn next_due_us(&self) -> Option<u64> {
        let since = self.open.values().map(|open| open.since_us).min()?;
        Some(since.saturating_add(PART_TIMEOUT.as_micros() as u64))
    }

    /// Messages that wait for parts.
    #[must_use]
    pub fn n_open(&self) -> usize {
        self.open.len()
    }

    fn oldest(&self) -> Option<Key> {
        let oldest = self.open.iter().min_by_key(|(_, open)| (open.since_us, open.pieces.first().map(|p| p.tag)))?;
        Some(oldest.0.clone())
    }

    fn give_out(&mut self, key: Key, out: &mut Vec<MoMessage>) {
        let Some(open) = self.open.remove(&key) else { return };
        self.n_octets -= open.pieces.iter().map(|piece| piece.octets.len()).sum::<usize>();
        out.push(joined(key, open));
    }
}

/// Joins the octets; they are decoded afterwards, all at once.
fn joined(key: Key, open: Open) -> MoMessage {
    let first = open.pieces.first();
    MoMessage {
        account: key.account,
        from: key.from,
        from_ton: key.from_ton,
        to: key.to,
        data_coding: first.map_or(0, |piece| piece.data_coding),
        shifts: first.map(|piece| piece.shifts).unwrap_or_default(),
        n_parts: key.total,
        tags: open.pieces.iter().map(|piece| piece.tag).collect(),
        at_us: open.since_us,
        octets: open.pieces.into_iter().flat_map(|piece| piece.octets).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Concat, put_sar};

    fn part<'a>(octets: &'a [u8], tag: u64) -> MoPart<'a> {
        MoPart { from: b"447700900123", to: b"60777", esm_class: ESM_CLASS_UDHI, octets, tag, ..MoPart::default() }
    }

    fn texts(messages: &[MoMessage]) -> Vec<(String, bool)> {
        let text = |message: &MoMessage| message.text(DefaultAlphabet::Gsm).unwrap();
        messages.iter().map(|message| (text(message), message.is_incomplete())).collect()
    }

    fn whole(text: &str) -> (String, bool) {
        (text.to_owned(), false)
    }

    #[test]
    fn parts_come_in_any_order_and_more_than_once() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        let mut take = |octets: &[u8], tag| reassembler.take(&part(octets, tag), 0, &mut out);
        assert_eq!(take(b"\x05\0\x03\x07\x03\x03three", 1), Took::Waits);
        assert_eq!(take(b"\x05\0\x03\x07\x03\x01one ", 2), Took::Waits);
        assert_eq!(take(b"\x05\0\x03\x07\x03\x01ONE ", 3), Took::Repeat);
        assert_eq!(take(b"\x05\0\x03\x08\x03\x02other", 4), Took::Waits);
        assert_eq!(take(b"\x06\x08\x04\0\x07\x03\x02wide ", 5), Took::Waits);
        assert_eq!(take(b"\x05\0\x03\x07\x03\x02two ", 6), Took::Whole);
        assert_eq!(texts(&out), [whole("one two three")]);
        assert_eq!(out[0].tags, [2, 6, 1]);
        assert_eq!(reassembler.n_open(), 2);
    }

    #[test]
    fn sar_tlvs_tie_parts_together_too() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        for (number, text) in [(2, "b"), (1, "a")] {
            let mut tlvs = Vec::new();
            put_sar(Concat::Sar, Part { reference: 9, total: 2, number }, &mut tlvs);
            let part = MoPart { esm_class: 0, tlvs: Tlvs::new(&tlvs), ..part(text.as_bytes(), 0) };
            reassembler.take(&part, 0, &mut out);
        }
        assert_eq!(texts(&out), [whole("ab")]);
    }

    #[test]
    fn impossible_numbers_make_a_message_of_its_own() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        for header in [[5, 0, 3, 1, 2, 0], [5, 0, 3, 1, 2, 3], [5, 0, 3, 1, 0, 1], [5, 0, 3, 1, 1, 1]] {
            let octets = [&header[..], b"x"].concat();
            assert_eq!(reassembler.take(&part(&octets, 0), 0, &mut out), Took::Whole, "{header:?}");
        }
        assert_eq!(texts(&out), vec![whole("x"); 4]);
        // A header that is longer than the message hides nothing.
        reassembler.take(&part(b"STOP", 0), 0, &mut out);
        assert_eq!(texts(&out[4..]), [whole("STOP")]);
    }

    #[test]
    fn after_ten_minutes_what_is_there_is_given_out() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        reassembler.take(&part(b"\x05\0\x03\x05\x02\x01STOP", 1), 1_000, &mut out);
        let due = 1_000 + 600_000_000;
        assert_eq!(reassembler.next_due_us(), Some(due));
        reassembler.expire(due - 1, &mut out);
        assert_eq!(texts(&out), []);
        reassembler.expire(due, &mut out);
        assert_eq!(texts(&out), [("STOP".to_owned(), true)]);
        assert_eq!((reassembler.n_open(), reassembler.n_octets), (0, 0));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_gives_way() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        for n in 0..=MAX_OPEN {
            let [.., high, low] = n.to_be_bytes();
            let octets = [6, 8, 4, high, low, 2, 1, b'x'];
            reassembler.take(&part(&octets, n as u64), n as u64, &mut out);
        }
        assert_eq!((out.len(), out[0].tags.as_slice(), reassembler.n_open()), (1, &[0][..], MAX_OPEN));
        let large = [&[6, 8, 4, 0xFF, 0xFF, 2, 1][..], &vec![b'x'; MAX_OCTETS]].concat();
        reassembler.take(&part(&large, 9_999), u64::MAX, &mut out);
        assert!(reassembler.n_octets <= MAX_OCTETS);
    }

    #[test]
    fn national_tables_of_the_first_part_hold_for_all() {
        let mut out = Vec::new();
        let mut reassembler = Reassembler::default();
        reassembler.take(&part(b"\x08\0\x03\x05\x02\x01\x25\x01\x01\x40", 1), 0, &mut out);
        reassembler.take(&part(b"\x08\0\x03\x05\x02\x02\x25\x01\x01a", 2), 0, &mut out);
        assert_eq!(out[0].text(DefaultAlphabet::Gsm).as_deref(), Some("İa"));
    }
}
