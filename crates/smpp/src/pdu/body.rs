//! What each command holds, borrowed from the read buffer or from whoever encodes it.

use super::{CommandStatus, Tlvs, tag};

/// bind_transmitter, bind_receiver and bind_transceiver (SMPP 3.4, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bind<'a> {
    /// Account name, at most 15 octets.
    pub system_id: &'a [u8],
    /// Its password; 8 octets by the standard, up to 64 taken and sent.
    pub password: &'a [u8],
    /// Usually empty; at most 12 octets.
    pub system_type: &'a [u8],
    /// 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// TON of `address_range`.
    pub addr_ton: u8,
    /// NPI of `address_range`.
    pub addr_npi: u8,
    /// Which addresses are ours; usually empty, at most 40 octets.
    pub address_range: &'a [u8],
}

/// A response to a bind (SMPP 3.4, 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BindResp<'a> {
    /// The SMSC's name.
    pub system_id: &'a [u8],
    /// TLVs, such as sc_interface_version.
    pub tlvs: Tlvs<'a>,
}

/// outbind: the SMSC asks us to bind as a receiver (SMPP 3.4, 4.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outbind<'a> {
    /// The SMSC's name.
    pub system_id: &'a [u8],
    /// Its password.
    pub password: &'a [u8],
}

/// An address with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// Type of number (SMPP 3.4, 5.2.5).
    pub ton: u8,
    /// Numbering plan (SMPP 3.4, 5.2.6).
    pub npi: u8,
    /// The digits or letters, at most 20.
    pub addr: &'a [u8],
}

/// submit_sm and deliver_sm, which have the same fields (SMPP 3.4, 4.4.1 and 4.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShortMessage<'a> {
    /// Usually empty; at most 5 octets.
    pub service_type: &'a [u8],
    /// Who sends.
    pub source: Address<'a>,
    /// Who receives.
    pub destination: Address<'a>,
    /// Mode, type and features (SMPP 3.4, 5.2.12).
    pub esm_class: u8,
    /// GSM protocol id.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority_flag: u8,
    /// When to send; empty is at once ([`crate::time`]).
    pub schedule_delivery_time: &'a [u8],
    /// How long to try; empty is the SMSC's default ([`crate::time`]).
    pub validity_period: &'a [u8],
    /// Which receipts are asked for (SMPP 3.4, 5.2.17).
    pub registered_delivery: u8,
    /// 0.
    pub replace_if_present_flag: u8,
    /// The text's alphabet (SMPP 3.4, 5.2.19).
    pub data_coding: u8,
    /// 0.
    pub sm_default_msg_id: u8,
    /// The text, with its header if `esm_class` says so; at most 254 octets.
    pub short_message: &'a [u8],
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

/// `esm_class`: a user data header stands before the text (SMPP 3.4, 5.2.12).
pub const ESM_CLASS_UDHI: u8 = 0x40;

impl<'a> ShortMessage<'a> {
    /// The text's octets with their header, wherever they stand: short_message or message_payload.
    #[must_use]
    pub fn text_octets(&self) -> &'a [u8] {
        match self.tlvs.find(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.short_message.is_empty() => payload,
            _ => self.short_message,
        }
    }

    /// User data header (its length octet included) and text; no header where `esm_class`
    /// announces none, or where its length exceeds what is there.
    #[must_use]
    pub fn header_and_text(&self) -> (&'a [u8], &'a [u8]) {
        let octets = self.text_octets();
        if self.esm_class & ESM_CLASS_UDHI == 0 {
            return (&[], octets);
        }
        let n_header = octets.first().map_or(0, |n| usize::from(*n) + 1);
        octets.split_at_checked(n_header).unwrap_or((&[], octets))
    }
}

/// data_sm (SMPP 3.4, 4.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataSm<'a> {
    /// Usually empty.
    pub service_type: &'a [u8],
    /// Who sends.
    pub source: Address<'a>,
    /// Who receives.
    pub destination: Address<'a>,
    /// Mode, type and features.
    pub esm_class: u8,
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// The text's alphabet.
    pub data_coding: u8,
    /// TLVs; the text is in message_payload.
    pub tlvs: Tlvs<'a>,
}

impl<'a> DataSm<'a> {
    /// The same as a deliver_sm, with the text in its TLV.
    #[must_use]
    pub fn as_short_message(&self) -> ShortMessage<'a> {
        ShortMessage {
            service_type: self.service_type,
            source: self.source,
            destination: self.destination,
            esm_class: self.esm_class,
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            tlvs: self.tlvs,
            ..ShortMessage::default()
        }
    }
}

/// A response that names a message: to submit_sm, deliver_sm or data_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageResp<'a> {
    /// The id; empty in deliver_sm_resp, and where the response has no body.
    pub message_id: &'a [u8],
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

/// query_sm (SMPP 3.4, 4.8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuerySm<'a> {
    /// The carrier's id of the message.
    pub message_id: &'a [u8],
    /// Who sent it.
    pub source: Address<'a>,
}

/// query_sm_resp (SMPP 3.4, 4.8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuerySmResp<'a> {
    /// The id asked for.
    pub message_id: &'a [u8],
    /// When it reached its final state; empty before ([`crate::time`]).
    pub final_date: &'a [u8],
    /// SMPP 3.4, 5.2.28.
    pub message_state: u8,
    /// The network's code, 0 for none.
    pub error_code: u8,
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

/// cancel_sm (SMPP 3.4, 4.9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelSm<'a> {
    /// Usually empty.
    pub service_type: &'a [u8],
    /// The carrier's id; empty cancels by the addresses.
    pub message_id: &'a [u8],
    /// Who sent it.
    pub source: Address<'a>,
    /// To whom.
    pub destination: Address<'a>,
}

/// replace_sm (SMPP 3.4, 4.10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplaceSm<'a> {
    /// The carrier's id of the message.
    pub message_id: &'a [u8],
    /// Who sent it.
    pub source: Address<'a>,
    /// The new time; empty leaves it.
    pub schedule_delivery_time: &'a [u8],
    /// The new validity; empty leaves it.
    pub validity_period: &'a [u8],
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// 0.
    pub sm_default_msg_id: u8,
    /// The new text, at most 254 octets.
    pub short_message: &'a [u8],
    /// TLVs (SMPP 5.0 alone).
    pub tlvs: Tlvs<'a>,
}

/// submit_multi (SMPP 3.4, 4.5.1). One answer stands for many recipients, so campaigns don't use
/// it (HANDBOOK C.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubmitMulti<'a> {
    /// To whom, at most 255.
    pub destinations: Destinations<'a>,
    /// All the rest; its `destination` is not used.
    pub message: ShortMessage<'a>,
}

/// One recipient of a submit_multi (SMPP 3.4, 4.5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// An address.
    Sme(Address<'a>),
    /// A distribution list's name.
    List(&'a [u8]),
}

/// The recipients of a submit_multi, read on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Destinations<'a> {
    pub(super) n: u8,
    pub(super) octets: &'a [u8],
}

impl<'a> Destinations<'a> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.n as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = Destination<'a>> {
        super::decode::destinations(*self)
    }

    /// Writes recipients into `scratch`, for a submit_multi that is to be encoded; those beyond
    /// the 255th are left out.
    pub fn write(destinations: &[Destination<'_>], scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        let n = u8::try_from(destinations.len()).unwrap_or(u8::MAX);
        for destination in destinations.iter().take(usize::from(n)) {
            match destination {
                Destination::Sme(address) => {
                    scratch.extend([1, address.ton, address.npi]);
                    scratch.extend_from_slice(address.addr);
                }
                Destination::List(name) => {
                    scratch.push(2);
                    scratch.extend_from_slice(name);
                }
            }
            scratch.push(0);
        }
        Self { n, octets: scratch }
    }
}

/// submit_multi_resp (SMPP 3.4, 4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubmitMultiResp<'a> {
    /// One id for all.
    pub message_id: &'a [u8],
    /// Whom it was refused for.
    pub unsuccessful: Unsuccessful<'a>,
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

/// The refused recipients of a submit_multi, read on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsuccessful<'a> {
    pub(super) n: u8,
    pub(super) octets: &'a [u8],
}

impl<'a> Unsuccessful<'a> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.n as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Each in turn, with its reason.
    pub fn iter(&self) -> impl Iterator<Item = (Address<'a>, CommandStatus)> {
        super::decode::unsuccessful(*self)
    }

    /// Writes refusals into `scratch`, for a response that is to be encoded; those beyond the
    /// 255th are left out.
    pub fn write(refused: &[(Address<'_>, CommandStatus)], scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        let n = u8::try_from(refused.len()).unwrap_or(u8::MAX);
        for (address, status) in refused.iter().take(usize::from(n)) {
            scratch.extend([address.ton, address.npi]);
            scratch.extend_from_slice(address.addr);
            scratch.push(0);
            scratch.extend(status.0.to_be_bytes());
        }
        Self { n, octets: scratch }
    }
}

/// alert_notification: a handset is there again (SMPP 3.4, 4.12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertNotification<'a> {
    /// The handset.
    pub source: Address<'a>,
    /// Who asked to be told.
    pub esme: Address<'a>,
    /// TLVs, such as ms_availability_status.
    pub tlvs: Tlvs<'a>,
}
