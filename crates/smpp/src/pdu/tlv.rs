//! Optional parameters (SMPP 3.4, 5.3): tag, length, value.

use std::fmt;

/// How a TLV's value is read (SMPP 3.4, 5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlvKind {
    /// An unsigned number, big-endian, of so many octets: 1, 2, 4 or 8.
    Int(u8),
    /// Text that ends with NUL; the NUL may be missing.
    CString,
    /// Octets without a NUL.
    Octets,
    /// network_error_code: type, then a code of two octets (SMPP 3.4, 5.3.2.31).
    NetworkError,
    /// A flag without a value.
    Empty,
}

macro_rules! tags {
    ($($name:ident = $value:literal, $text:literal, $kind:expr;)+) => {
        /// TLV tags (SMPP 3.4, 5.3.2; SMPP 5.0, 4.8).
        #[expect(missing_docs, reason = "the names are the standard's own")]
        pub mod tag {
            use super::TlvKind;

            $(pub const $name: u16 = $value;)+

            /// The name in the standard, if it has one.
            #[must_use]
            pub const fn name(tag: u16) -> Option<&'static str> {
                Some(match tag {
                    $($value => $text,)+
                    _ => return None,
                })
            }

            /// The tag with this name in the standard.
            #[must_use]
            pub fn of_name(name: &str) -> Option<u16> {
                Some(match name {
                    $($text => $value,)+
                    _ => return None,
                })
            }

            /// How the standard says that its value is read; octets for tags that it doesn't know.
            #[must_use]
            pub const fn kind(tag: u16) -> TlvKind {
                match tag {
                    $($value => $kind,)+
                    _ => TlvKind::Octets,
                }
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, "dest_addr_subunit", TlvKind::Int(1);
    DEST_NETWORK_TYPE = 0x0006, "dest_network_type", TlvKind::Int(1);
    DEST_BEARER_TYPE = 0x0007, "dest_bearer_type", TlvKind::Int(1);
    DEST_TELEMATICS_ID = 0x0008, "dest_telematics_id", TlvKind::Int(2);
    SOURCE_ADDR_SUBUNIT = 0x000D, "source_addr_subunit", TlvKind::Int(1);
    SOURCE_NETWORK_TYPE = 0x000E, "source_network_type", TlvKind::Int(1);
    SOURCE_BEARER_TYPE = 0x000F, "source_bearer_type", TlvKind::Int(1);
    SOURCE_TELEMATICS_ID = 0x0010, "source_telematics_id", TlvKind::Int(1);
    QOS_TIME_TO_LIVE = 0x0017, "qos_time_to_live", TlvKind::Int(4);
    PAYLOAD_TYPE = 0x0019, "payload_type", TlvKind::Int(1);
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, "additional_status_info_text", TlvKind::CString;
    RECEIPTED_MESSAGE_ID = 0x001E, "receipted_message_id", TlvKind::CString;
    MS_MSG_WAIT_FACILITIES = 0x0030, "ms_msg_wait_facilities", TlvKind::Int(1);
    PRIVACY_INDICATOR = 0x0201, "privacy_indicator", TlvKind::Int(1);
    SOURCE_SUBADDRESS = 0x0202, "source_subaddress", TlvKind::Octets;
    DEST_SUBADDRESS = 0x0203, "dest_subaddress", TlvKind::Octets;
    USER_MESSAGE_REFERENCE = 0x0204, "user_message_reference", TlvKind::Int(2);
    USER_RESPONSE_CODE = 0x0205, "user_response_code", TlvKind::Int(1);
    SOURCE_PORT = 0x020A, "source_port", TlvKind::Int(2);
    DESTINATION_PORT = 0x020B, "destination_port", TlvKind::Int(2);
    SAR_MSG_REF_NUM = 0x020C, "sar_msg_ref_num", TlvKind::Int(2);
    LANGUAGE_INDICATOR = 0x020D, "language_indicator", TlvKind::Int(1);
    SAR_TOTAL_SEGMENTS = 0x020E, "sar_total_segments", TlvKind::Int(1);
    SAR_SEGMENT_SEQNUM = 0x020F, "sar_segment_seqnum", TlvKind::Int(1);
    SC_INTERFACE_VERSION = 0x0210, "sc_interface_version", TlvKind::Int(1);
    CALLBACK_NUM_PRES_IND = 0x0302, "callback_num_pres_ind", TlvKind::Int(1);
    CALLBACK_NUM_ATAG = 0x0303, "callback_num_atag", TlvKind::Octets;
    NUMBER_OF_MESSAGES = 0x0304, "number_of_messages", TlvKind::Int(1);
    CALLBACK_NUM = 0x0381, "callback_num", TlvKind::Octets;
    DPF_RESULT = 0x0420, "dpf_result", TlvKind::Int(1);
    SET_DPF = 0x0421, "set_dpf", TlvKind::Int(1);
    MS_AVAILABILITY_STATUS = 0x0422, "ms_availability_status", TlvKind::Int(1);
    NETWORK_ERROR_CODE = 0x0423, "network_error_code", TlvKind::NetworkError;
    MESSAGE_PAYLOAD = 0x0424, "message_payload", TlvKind::Octets;
    DELIVERY_FAILURE_REASON = 0x0425, "delivery_failure_reason", TlvKind::Int(1);
    MORE_MESSAGES_TO_SEND = 0x0426, "more_messages_to_send", TlvKind::Int(1);
    MESSAGE_STATE = 0x0427, "message_state", TlvKind::Int(1);
    CONGESTION_STATE = 0x0428, "congestion_state", TlvKind::Int(1);
    USSD_SERVICE_OP = 0x0501, "ussd_service_op", TlvKind::Int(1);
    BROADCAST_CHANNEL_INDICATOR = 0x0600, "broadcast_channel_indicator", TlvKind::Int(1);
    BROADCAST_CONTENT_TYPE = 0x0601, "broadcast_content_type", TlvKind::Octets;
    BROADCAST_CONTENT_TYPE_INFO = 0x0602, "broadcast_content_type_info", TlvKind::Octets;
    BROADCAST_MESSAGE_CLASS = 0x0603, "broadcast_message_class", TlvKind::Int(1);
    BROADCAST_REP_NUM = 0x0604, "broadcast_rep_num", TlvKind::Int(2);
    BROADCAST_FREQUENCY_INTERVAL = 0x0605, "broadcast_frequency_interval", TlvKind::Octets;
    BROADCAST_AREA_IDENTIFIER = 0x0606, "broadcast_area_identifier", TlvKind::Octets;
    BROADCAST_ERROR_STATUS = 0x0607, "broadcast_error_status", TlvKind::Int(4);
    BROADCAST_AREA_SUCCESS = 0x0608, "broadcast_area_success", TlvKind::Int(1);
    BROADCAST_END_TIME = 0x0609, "broadcast_end_time", TlvKind::CString;
    BROADCAST_SERVICE_GROUP = 0x060A, "broadcast_service_group", TlvKind::Octets;
    BILLING_IDENTIFICATION = 0x060B, "billing_identification", TlvKind::Octets;
    SOURCE_NETWORK_ID = 0x060D, "source_network_id", TlvKind::CString;
    DEST_NETWORK_ID = 0x060E, "dest_network_id", TlvKind::CString;
    SOURCE_NODE_ID = 0x060F, "source_node_id", TlvKind::Octets;
    DEST_NODE_ID = 0x0610, "dest_node_id", TlvKind::Octets;
    DEST_ADDR_NP_RESOLUTION = 0x0611, "dest_addr_np_resolution", TlvKind::Int(1);
    DEST_ADDR_NP_INFORMATION = 0x0612, "dest_addr_np_information", TlvKind::Octets;
    DEST_ADDR_NP_COUNTRY = 0x0613, "dest_addr_np_country", TlvKind::Octets;
    DISPLAY_TIME = 0x1201, "display_time", TlvKind::Int(1);
    SMS_SIGNAL = 0x1203, "sms_signal", TlvKind::Int(2);
    MS_VALIDITY = 0x1204, "ms_validity", TlvKind::Int(1);
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, "alert_on_message_delivery", TlvKind::Empty;
    ITS_REPLY_TYPE = 0x1380, "its_reply_type", TlvKind::Int(1);
    ITS_SESSION_INFO = 0x1383, "its_session_info", TlvKind::Octets;
}

/// A TLV's value, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlvValue<'a> {
    /// A number.
    Int(u64),
    /// Text, without its NUL.
    Text(&'a [u8]),
    /// Octets as they came; also numbers whose length is not the announced kind's.
    Octets(&'a [u8]),
    /// network_error_code.
    NetworkError {
        /// Which network's codes: 1 ANSI-136, 2 IS-95, 3 GSM.
        network_type: u8,
        /// The code.
        code: u16,
    },
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

impl<'a> Tlv<'a> {
    /// Its value, as a value of this kind is read. What can't be read so is given as octets:
    /// no value fails a PDU.
    #[must_use]
    pub fn read_as(&self, kind: TlvKind) -> TlvValue<'a> {
        match kind {
            TlvKind::Int(n_octets) if self.value.len() == usize::from(n_octets) && n_octets <= 8 => {
                TlvValue::Int(self.value.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
            }
            TlvKind::CString => TlvValue::Text(self.value.split(|octet| *octet == 0).next().unwrap_or_default()),
            TlvKind::NetworkError => network_error(self.value).unwrap_or(TlvValue::Octets(self.value)),
            TlvKind::Int(_) | TlvKind::Octets | TlvKind::Empty => TlvValue::Octets(self.value),
        }
    }
}

/// Some SMSCs write the three octets as decimal digits (HANDBOOK C.2).
fn network_error(value: &[u8]) -> Option<TlvValue<'_>> {
    let [network_type, high, low] = *value.first_chunk::<3>()?;
    if [network_type, high, low].iter().all(u8::is_ascii_digit) {
        let code = [network_type, high, low].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        return Some(TlvValue::NetworkError { network_type: 0, code });
    }
    Some(TlvValue::NetworkError { network_type, code: u16::from_be_bytes([high, low]) })
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

/// A carrier's own TLV as its profile describes it (HANDBOOK B.10): what its value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlvRule {
    /// Its tag.
    pub tag: u16,
    /// How its value is written.
    pub kind: TlvKind,
    /// Octets that a text or octet string may have, without a NUL; 0 to 65,534.
    pub max_len: u16,
}

/// A value that the TLV can't take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlvValueError {
    /// No unsigned number that fits.
    #[error("TLV {tag:#06x}: `{value}` is no number from 0 to {max}")]
    NoNumber {
        /// The TLV.
        tag: u16,
        /// What was given.
        value: String,
        /// The greatest that fits.
        max: u64,
    },
    /// Too long.
    #[error("TLV {tag:#06x}: {n_octets} octets, and {max} fit")]
    TooLong {
        /// The TLV.
        tag: u16,
        /// What it would need.
        n_octets: usize,
        /// What fits.
        max: u16,
    },
    /// A NUL within a C-string.
    #[error("TLV {tag:#06x}: a NUL at octet {at} would end the text")]
    Nul {
        /// The TLV.
        tag: u16,
        /// Where it stands, from 0.
        at: usize,
    },
    /// A flag has no value.
    #[error("TLV {tag:#06x} takes no value")]
    HasValue {
        /// The TLV.
        tag: u16,
    },
}

impl TlvRule {
    /// Appends the TLV with a value given as text: digits for numbers, the octets themselves for
    /// strings. `network_error_code` can't be written by us: carriers do that.
    ///
    /// # Errors
    /// When the value is of another kind or too long; nothing is appended then.
    pub fn put(&self, value: &str, out: &mut Vec<u8>) -> Result<(), TlvValueError> {
        let tag = self.tag;
        match self.kind {
            TlvKind::Int(n_octets) => {
                let n_octets = usize::from(n_octets.clamp(1, 8));
                let max = u64::MAX >> (64 - 8 * n_octets);
                let number = value.trim().parse::<u64>().ok().filter(|number| *number <= max);
                let number = number.ok_or_else(|| TlvValueError::NoNumber {
                    tag,
                    value: value.chars().take(40).collect(),
                    max,
                })?;
                put_tlv(out, tag, number.to_be_bytes().get(8 - n_octets..).unwrap_or_default());
            }
            TlvKind::CString | TlvKind::Octets | TlvKind::NetworkError => {
                // A C-string's NUL counts, and a length has 16 bits.
                let max = self.max_len.min(u16::MAX - 1);
                if value.len() > usize::from(max) {
                    return Err(TlvValueError::TooLong { tag, n_octets: value.len(), max });
                }
                let ends_with_nul = self.kind == TlvKind::CString;
                if let Some(at) = value.bytes().position(|octet| octet == 0).filter(|_| ends_with_nul) {
                    return Err(TlvValueError::Nul { tag, at });
                }
                let length = value.len() as u16 + u16::from(ends_with_nul);
                out.extend(tag.to_be_bytes());
                out.extend(length.to_be_bytes());
                out.extend_from_slice(value.as_bytes());
                if ends_with_nul {
                    out.push(0);
                }
            }
            TlvKind::Empty if value.trim().is_empty() => put_tlv(out, tag, &[]),
            TlvKind::Empty => return Err(TlvValueError::HasValue { tag }),
        }
        Ok(())
    }
}

/// A tag as people write it: its name in the standard, or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagName(pub u16);

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match tag::name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
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

    #[test]
    fn values_are_read_by_their_kind_or_stay_octets() {
        let read = |tag, value| Tlv { tag, value, truncated: false }.read_as(tag::kind(tag));
        assert_eq!(read(tag::SAR_MSG_REF_NUM, &[0x12, 0x34]), TlvValue::Int(0x1234));
        assert_eq!(read(tag::MESSAGE_STATE, &[2, 0]), TlvValue::Octets(&[2, 0]));
        assert_eq!(read(tag::RECEIPTED_MESSAGE_ID, b"77\0"), TlvValue::Text(b"77"));
        assert_eq!(read(tag::RECEIPTED_MESSAGE_ID, b"77"), TlvValue::Text(b"77"));
        let code = |network_type, code| TlvValue::NetworkError { network_type, code };
        assert_eq!(read(tag::NETWORK_ERROR_CODE, &[3, 1, 2]), code(3, 258));
        assert_eq!(read(tag::NETWORK_ERROR_CODE, b"027"), code(0, 27));
        assert_eq!(read(tag::NETWORK_ERROR_CODE, &[3]), TlvValue::Octets(&[3]));
        assert_eq!(read(0x1400, b"1101"), TlvValue::Octets(b"1101"));
        assert_eq!((TagName(0x1400).to_string(), tag::of_name("message_state")), ("0x1400".into(), Some(0x0427)));
    }

    #[test]
    fn a_carrier_s_own_tlv_takes_what_its_rule_says() {
        let put = |kind, max_len, value: &str| {
            let mut out = Vec::new();
            TlvRule { tag: 0x1400, kind, max_len }.put(value, &mut out).map(|()| out).map_err(|e| e.to_string())
        };
        assert_eq!(put(TlvKind::Octets, 19, "11"), Ok(vec![0x14, 0, 0, 2, b'1', b'1']));
        assert_eq!(put(TlvKind::CString, 2, "11"), Ok(vec![0x14, 0, 0, 3, b'1', b'1', 0]));
        assert_eq!(put(TlvKind::Int(2), 0, "513"), Ok(vec![0x14, 0, 0, 2, 2, 1]));
        assert_eq!(put(TlvKind::Int(8), 0, &u64::MAX.to_string()).unwrap().len(), 12);
        assert_eq!(put(TlvKind::Empty, 0, ""), Ok(vec![0x14, 0, 0, 0]));
        let longest = "x".repeat(65_535);
        assert!(put(TlvKind::CString, u16::MAX, &longest).unwrap_err().ends_with("65535 octets, and 65534 fit"));
        for (kind, max_len, value, expected) in [
            (TlvKind::Int(1), 0, "256", "TLV 0x1400: `256` is no number from 0 to 255"),
            (TlvKind::Int(1), 0, "", "TLV 0x1400: `` is no number from 0 to 255"),
            (TlvKind::Octets, 1, "11", "TLV 0x1400: 2 octets, and 1 fit"),
            (TlvKind::CString, 9, "1\0", "TLV 0x1400: a NUL at octet 1 would end the text"),
            (TlvKind::Empty, 9, "1", "TLV 0x1400 takes no value"),
        ] {
            assert_eq!(put(kind, max_len, value), Err(expected.to_owned()));
        }
    }
}
