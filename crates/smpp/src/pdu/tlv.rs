//! Optional parameters (SMPP 3.4, 5.3): tag, length, value.

/// TLV tags (SMPP 3.4, 5.3.2).
#[expect(missing_docs, reason = "the names are the standard's own")]
pub mod tag {
    pub const DEST_ADDR_SUBUNIT: u16 = 0x0005;
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
    pub const MESSAGE_STATE: u16 = 0x0427;
}

/// One TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: u16,
    /// Its value; shorter than announced when the PDU ends within it.
    pub value: &'a [u8],
    /// Whether the PDU ends within it.
    pub truncated: bool,
}

/// The TLVs of a PDU, in the order in which they came, read on demand. A truncated last one is
/// given with what is there (HANDBOOK A.1); fewer than four octets at the end are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tlvs<'a> {
    octets: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// TLVs in these octets.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// The octets that hold them.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// The value of the first with this tag.
    #[must_use]
    pub fn find(self, tag: u16) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// Each in turn.
    pub fn iter(self) -> impl Iterator<Item = Tlv<'a>> {
        let mut rest = self.octets;
        std::iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<4>()?;
            let [t0, t1, l0, l1] = *head;
            let announced = usize::from(u16::from_be_bytes([l0, l1]));
            let (value, next) = after.split_at_checked(announced).unwrap_or((after, &[]));
            rest = next;
            Some(Tlv { tag: u16::from_be_bytes([t0, t1]), value, truncated: value.len() < announced })
        })
    }
}

/// Appends a TLV. Values beyond 65,535 octets are cut, which no caller has.
pub fn put_tlv(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend(tag.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend_from_slice(value.get(..usize::from(length)).unwrap_or(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlvs_come_in_any_order_and_a_truncated_last_one_is_kept() {
        let mut octets = Vec::new();
        put_tlv(&mut octets, 0x1400, b"vendor");
        put_tlv(&mut octets, tag::MESSAGE_STATE, &[2]);
        octets.extend([0x00, 0x1E, 0x00, 65, b'a', b'b']);
        let tlvs = Tlvs::new(&octets);
        assert_eq!(tlvs.find(tag::MESSAGE_STATE), Some(&[2][..]));
        let last = tlvs.iter().last().unwrap();
        assert_eq!((last.tag, last.value, last.truncated), (tag::RECEIPTED_MESSAGE_ID, &b"ab"[..], true));
        assert_eq!(Tlvs::new(&[0, 1, 2]).iter().count(), 0);
    }
}
