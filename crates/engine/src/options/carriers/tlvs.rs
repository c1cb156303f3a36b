//! `tlvs`: a carrier's own fields, as constants or from columns of the list (HANDBOOK B.10).
//!
//! ```toml
//! [carriers.north.tlvs]
//! "0x1400" = { type = "c-string", max-length = 19, column = "template_id" }
//! "0x1401" = { type = "int1", value = "7" }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use volley_smpp::pdu::{TlvKind, TlvRule, tag};

/// Longest value of a text whose `max-length` is not given, in octets.
const MAX_LENGTH: u16 = 255;
/// Tags that we write ourselves, as `concatenation` says.
const OURS: [u16; 4] = [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM, tag::MESSAGE_PAYLOAD];

/// A tag: "0x1400", or a name of the standard such as "source_port".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlvTag(pub u16);

impl Serialize for TlvTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#06x}", self.0))
    }
}

impl<'de> Deserialize<'de> for TlvTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok());
        number.or_else(|| tag::of_name(&text)).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no TLV: write a tag such as \"0x1400\", or a name such as \"source_port\""
            ))
        })
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlvType {
    /// A number of one octet; int2, int4 and int8 likewise.
    Int1,
    /// Of two.
    Int2,
    /// Of four.
    Int4,
    /// Of eight.
    Int8,
    /// Text that ends with NUL.
    CString,
    /// Text as it is.
    Octets,
    /// A flag without a value.
    Empty,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlvOptions {
    /// Default: what the standard says of the tag; octets for a vendor's.
    #[serde(default, rename = "type")]
    pub kind: Option<TlvType>,
    /// Octets of a text at most, without its NUL. Default 255.
    #[serde(default)]
    pub max_length: Option<u16>,
    /// The same for every message.
    #[serde(default)]
    pub value: Option<String>,
    /// Each row's own, from this column.
    #[serde(default)]
    pub column: Option<String>,
    /// Rows without a value are rejected. Default true; otherwise they go without the field.
    #[serde(default = "yes")]
    pub required: bool,
}

const fn yes() -> bool {
    true
}

impl TlvOptions {
    /// What a value must be.
    #[must_use]
    pub fn rule(&self, tag: TlvTag) -> TlvRule {
        let kind = self.kind.map_or_else(
            || tag::kind(tag.0),
            |kind| match kind {
                TlvType::Int1 => TlvKind::Int(1),
                TlvType::Int2 => TlvKind::Int(2),
                TlvType::Int4 => TlvKind::Int(4),
                TlvType::Int8 => TlvKind::Int(8),
                TlvType::CString => TlvKind::CString,
                TlvType::Octets => TlvKind::Octets,
                TlvType::Empty => TlvKind::Empty,
            },
        );
        TlvRule { tag: tag.0, kind, max_len: self.max_length.unwrap_or(MAX_LENGTH) }
    }
}

/// What can't work, in words.
pub(super) fn check(tlvs: &BTreeMap<TlvTag, TlvOptions>) -> Result<(), String> {
    for (tag, tlv) in tlvs {
        let name = format!("`tlvs`, {:#06x}", tag.0);
        if OURS.contains(&tag.0) {
            return Err(format!("{name}: it is written as `concatenation` says"));
        }
        match (&tlv.value, &tlv.column) {
            (Some(_), Some(_)) => return Err(format!("{name}: `value` and `column` at once: leave out one")),
            (None, None) if tlv.kind != Some(TlvType::Empty) => {
                return Err(format!("{name}: write a `value`, or the `column` that has it"));
            }
            (None, Some(_)) => {}
            (value, None) => {
                let value = value.as_deref().unwrap_or_default();
                tlv.rule(*tag).put(value, &mut Vec::new()).map_err(|error| format!("{name}: {error}"))?;
            }
        }
    }
    Ok(())
}
