//! What ties the segments of a text together (HANDBOOK B.7), and the user data header in front of
//! a text (3GPP TS 23.040, 9.2.3.24).

use super::national::{LOCKING_SHIFT, Language, SINGLE_SHIFT, Shifts};
use crate::pdu::{Tlvs, put_tlv, tag};

/// How the segments of a long text are tied together (HANDBOOK B.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Concat {
    /// User data header with an 8-bit reference.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference.
    Udh16,
    /// sar_* TLVs.
    Sar,
    /// The whole text in message_payload; the SMSC cuts it.
    Payload,
}

/// Which part of which message a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The same in all parts of one message.
    pub reference: u16,
    /// How many there are.
    pub total: u8,
    /// Which one, from 1.
    pub number: u8,
}

impl Part {
    /// The part's numbers as sar_* TLVs say them, if all three are there.
    #[must_use]
    pub fn from_tlvs(tlvs: Tlvs<'_>) -> Option<Self> {
        let [high, low] = *tlvs.find(tag::SAR_MSG_REF_NUM)?.first_chunk::<2>()?;
        let number = *tlvs.find(tag::SAR_SEGMENT_SEQNUM)?.first()?;
        let total = *tlvs.find(tag::SAR_TOTAL_SEGMENTS)?.first()?;
        Some(Self { reference: u16::from_be_bytes([high, low]), total, number })
    }

    /// Whether the numbers can be true: part 0, or one beyond the total, is a message of its own
    /// (HANDBOOK D.2).
    #[must_use]
    pub const fn is_possible(self) -> bool {
        self.number > 0 && self.number <= self.total
    }
}

impl Concat {
    /// Octets of the information element that says which part this is.
    pub(super) const fn element_octets(self) -> usize {
        match self {
            // Carriers that take sar_* or cut by themselves put a header of this size on air.
            Self::Udh8 | Self::Sar | Self::Payload => 5,
            Self::Udh16 => 6,
        }
    }

    /// Whether segments have a user data header in front.
    #[must_use]
    pub const fn is_by_header(self) -> bool {
        match self {
            Self::Udh8 | Self::Udh16 => true,
            Self::Sar | Self::Payload => false,
        }
    }

    /// Appends the user data header of a segment, with its length in front; nothing where none is
    /// needed. `part`: only for segments of several.
    pub(super) fn put_header(self, part: Option<Part>, shifts: Shifts, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(0);
        if let Some(Part { reference, total, number }) = part {
            let [high, low] = reference.to_be_bytes();
            match self {
                Self::Udh8 => out.extend_from_slice(&[0, 3, low, total, number]),
                Self::Udh16 => out.extend_from_slice(&[8, 4, high, low, total, number]),
                Self::Sar | Self::Payload => {}
            }
        }
        shifts.put_elements(out);
        let n_octets = out.len() - start - 1;
        match out.get_mut(start) {
            Some(length) if n_octets > 0 => *length = n_octets as u8,
            _ => out.truncate(start),
        }
    }
}

/// Appends the sar_* TLVs of a part, where they tie the parts together.
pub fn put_sar(concat: Concat, part: Part, out: &mut Vec<u8>) {
    if part.total > 1 && concat == Concat::Sar {
        put_tlv(out, tag::SAR_MSG_REF_NUM, &part.reference.to_be_bytes());
        put_tlv(out, tag::SAR_TOTAL_SEGMENTS, &[part.total]);
        put_tlv(out, tag::SAR_SEGMENT_SEQNUM, &[part.number]);
    }
}

/// The reference of a message's parts. Two campaigns that reach one recipient at the same time
/// never share one, as long as fewer than 256 lie between them: the recipient's digits choose
/// where to begin, the campaign's number counts on from there, and each recipient has one message
/// in a campaign. Of an 8-bit reference the low octet is used.
#[must_use]
pub fn reference(recipient: u64, campaign: u32) -> u16 {
    // Fibonacci hashing: neighbouring numbers begin far from each other.
    let begin = (recipient.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16;
    begin.wrapping_add(campaign as u16)
}

/// A user data header, read. Elements that aren't known here are passed over by their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserDataHeader {
    /// Which part of which message this is.
    pub part: Option<Part>,
    /// Whether its reference has 16 bits.
    pub is_wide: bool,
    /// National tables of the text.
    pub shifts: Shifts,
    /// Destination and source port.
    pub ports: Option<(u16, u16)>,
    /// Elements that are not known here.
    pub n_unknown: usize,
}

impl UserDataHeader {
    /// Reads a header, its length octet included. What is cut short is left out.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        let mut header = Self::default();
        let mut rest = octets.get(1..).unwrap_or_default();
        while let [id, length, after @ ..] = rest {
            let Some((value, next)) = after.split_at_checked(usize::from(*length)) else { break };
            header.read_element(*id, value);
            rest = next;
        }
        header
    }

    fn read_element(&mut self, id: u8, value: &[u8]) {
        match (id, value) {
            (0x00, [reference, total, number]) => {
                self.part = Some(Part { reference: u16::from(*reference), total: *total, number: *number });
            }
            (0x08, [high, low, total, number]) => {
                let reference = u16::from_be_bytes([*high, *low]);
                self.part = Some(Part { reference, total: *total, number: *number });
                self.is_wide = true;
            }
            (0x04, [destination, source]) => self.ports = Some((u16::from(*destination), u16::from(*source))),
            (0x05, [d0, d1, s0, s1]) => {
                self.ports = Some((u16::from_be_bytes([*d0, *d1]), u16::from_be_bytes([*s0, *s1])));
            }
            (SINGLE_SHIFT, [language]) => self.shifts.single = Language::from_id(*language),
            (LOCKING_SHIFT, [language]) => self.shifts.locking = Language::from_id(*language),
            _ => self.n_unknown += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PART: Part = Part { reference: 0x1234, total: 2, number: 1 };

    #[test]
    fn headers_tie_the_parts_together() {
        let header = |concat: Concat, part, single| {
            let mut out = Vec::new();
            concat.put_header(part, Shifts { locking: None, single }, &mut out);
            out
        };
        let turkish = Some(Language::Turkish);
        assert_eq!(header(Concat::Udh8, Some(PART), None), [5, 0, 3, 0x34, 2, 1]);
        assert_eq!(header(Concat::Udh16, Some(PART), None), [6, 8, 4, 0x12, 0x34, 2, 1]);
        assert_eq!(header(Concat::Udh8, None, None), []);
        assert_eq!(header(Concat::Sar, Some(PART), None), []);
        assert_eq!(header(Concat::Udh8, None, turkish), [3, 0x24, 1, 1]);
        let wide = header(Concat::Udh16, Some(PART), turkish);
        assert_eq!(wide, [9, 8, 4, 0x12, 0x34, 2, 1, 0x24, 1, 1]);
        let read = UserDataHeader::read(&wide);
        assert_eq!((read.part, read.is_wide, read.shifts.single), (Some(PART), true, turkish));
    }

    #[test]
    fn sar_tlvs_are_written_and_read() {
        let mut out = Vec::new();
        put_sar(Concat::Sar, Part { total: 3, number: 2, ..PART }, &mut out);
        assert_eq!(out, [2, 0x0C, 0, 2, 0x12, 0x34, 2, 0x0E, 0, 1, 3, 2, 0x0F, 0, 1, 2]);
        assert_eq!(Part::from_tlvs(Tlvs::new(&out)), Some(Part { total: 3, number: 2, ..PART }));
        put_sar(Concat::Udh8, PART, &mut out);
        assert_eq!(out.len(), 16);
    }

    #[test]
    fn strange_elements_are_passed_over() {
        let read = UserDataHeader::read(&[12, 5, 4, 0x0B, 0x84, 0, 0, 0x70, 1, 9, 0, 9, 1]);
        assert_eq!((read.ports, read.n_unknown, read.part), (Some((2948, 0)), 1, None));
        assert_eq!(UserDataHeader::read(&[]), UserDataHeader::default());
    }

    #[test]
    fn campaigns_that_reach_one_recipient_have_different_references() {
        for recipient in [4_915_112_345_678_u64, 1, 447_911_123_456] {
            let low: HashSet<u8> = (1..=256).map(|campaign| reference(recipient, campaign) as u8).collect();
            assert_eq!(low.len(), 256, "{recipient}");
        }
        let begins: HashSet<u16> = (0..1000).map(|n| reference(4_915_112_000_000 + n, 1)).collect();
        assert!(begins.len() > 980, "{} of 1000", begins.len());
    }
}
