//! Messages that come again: carriers repeat what was not acknowledged (HANDBOOK D.1).

use std::collections::{HashMap, VecDeque};

use super::MoPart;
use crate::pdu::{Tlvs, tag};

/// For how long a message is recognised, in microseconds: ten minutes.
const WINDOW_US: u64 = 600 * 1_000_000;
/// Messages remembered at most; beyond, the oldest are forgotten.
const MAX_KNOWN: usize = 65_536;
/// A vendor's own id of a message to us (8x8).
const VENDOR_MO_ID: u16 = 0x1502;

/// What came within the last ten minutes.
#[derive(Debug, Default)]
pub struct Repeats {
    known: HashMap<Vec<u8>, u64>,
    by_age: VecDeque<(u64, Vec<u8>)>,
}

impl Repeats {
    /// Whether the same came within ten minutes before `at_us`; remembers it. Times are of the
    /// wall, so that a restart changes nothing.
    pub fn is_repeat(&mut self, part: &MoPart<'_>, at_us: u64) -> bool {
        while let Some((at, key)) = self.by_age.front()
            && (at.saturating_add(WINDOW_US) <= at_us || self.by_age.len() >= MAX_KNOWN)
        {
            if self.known.get(key) == Some(at) {
                self.known.remove(key);
            }
            self.by_age.pop_front();
        }
        let key = key(part);
        if self.known.contains_key(&key) {
            return true;
        }
        self.known.insert(key.clone(), at_us);
        self.by_age.push_back((at_us, key));
        false
    }
}

/// What two copies of one message have in common, and two messages have not.
fn key(part: &MoPart<'_>) -> Vec<u8> {
    let id = |tlvs: Tlvs<'_>, tag| tlvs.find(tag).map(<[u8]>::to_vec).unwrap_or_default();
    let [own, vendor] = [tag::RECEIPTED_MESSAGE_ID, VENDOR_MO_ID].map(|tag| id(part.tlvs, tag));
    let mut key = part.account.to_be_bytes().to_vec();
    // SAR numbers are no part of the octets.
    let sar = [tag::SAR_MSG_REF_NUM, tag::SAR_SEGMENT_SEQNUM].map(|tag| id(part.tlvs, tag));
    for field in [part.from, part.to, part.octets, &own, &vendor].into_iter().chain(sar.iter().map(Vec::as_slice)) {
        key.extend((field.len() as u32).to_be_bytes());
        key.extend_from_slice(field);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(from: &'a [u8], octets: &'a [u8], tlvs: &'a [u8]) -> MoPart<'a> {
        MoPart { from, to: b"60777", octets, tlvs: Tlvs::new(tlvs), ..MoPart::default() }
    }

    #[test]
    fn the_same_within_ten_minutes_is_one_message() {
        let mut repeats = Repeats::default();
        assert!(!repeats.is_repeat(&part(b"1", b"STOP", &[]), 0));
        assert!(repeats.is_repeat(&part(b"1", b"STOP", &[]), WINDOW_US - 1));
        assert!(!repeats.is_repeat(&part(b"1", b"STOP", &[]), WINDOW_US));
        assert!(!repeats.is_repeat(&part(b"2", b"STOP", &[]), WINDOW_US));
        assert!(!repeats.is_repeat(&part(b"1", b"START", &[]), WINDOW_US));
        assert!(!repeats.is_repeat(&part(b"1", b"STOP", &[0x00, 0x1E, 0, 1, b'7']), WINDOW_US));
        assert!(!repeats.is_repeat(&MoPart { account: 3, ..part(b"1", b"STOP", &[]) }, WINDOW_US));
    }

    #[test]
    fn memory_is_bounded() {
        let mut repeats = Repeats::default();
        for n in 0..MAX_KNOWN + 10 {
            assert!(!repeats.is_repeat(&part(n.to_string().as_bytes(), b"x", &[]), 5));
        }
        assert!(repeats.known.len() <= MAX_KNOWN && repeats.by_age.len() <= MAX_KNOWN);
    }
}
