//! The PDUs that benchmarks and counts are about.

use volley_smpp::pdu::{Address, CommandId, CommandStatus, EncodeError, MessageResp, ShortMessage, Tlvs, put_tlv, tag};

/// The text of a receipt, as most SMSCs write it.
pub const RECEIPT_TEXT: &[u8] =
    b"id:1234567890 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:DELIVRD err:000 text:";

/// A submit_sm of 160 characters: 232 octets with an 11-letter sender and a validity.
#[must_use]
pub const fn submit_sm<'a>() -> ShortMessage<'a> {
    ShortMessage {
        service_type: b"",
        source: Address { ton: 5, npi: 0, addr: b"ACME" },
        destination: Address { ton: 1, npi: 1, addr: b"4915112345678" },
        esm_class: 0,
        protocol_id: 0,
        priority_flag: 0,
        schedule_delivery_time: b"",
        validity_period: b"261125120000000+",
        registered_delivery: 1,
        replace_if_present_flag: 0,
        data_coding: 0,
        sm_default_msg_id: 0,
        short_message: &[b'A'; 160],
        tlvs: Tlvs::new(&[]),
    }
}

/// The answer to it.
#[must_use]
pub fn submit_sm_resp<'a>() -> MessageResp<'a> {
    MessageResp { message_id: b"1234567890", ..MessageResp::default() }
}

/// The TLVs of a receipt: id and state.
#[must_use]
pub fn receipt_tlvs() -> Vec<u8> {
    let mut tlvs = Vec::new();
    put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"1234567890\0");
    put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[2]);
    tlvs
}

/// A receipt in a deliver_sm, with [`receipt_tlvs`].
#[must_use]
pub fn receipt(tlvs: &[u8]) -> ShortMessage<'_> {
    ShortMessage {
        source: Address { ton: 1, npi: 1, addr: b"4915112345678" },
        destination: Address { ton: 5, npi: 0, addr: b"ACME" },
        esm_class: 4,
        registered_delivery: 0,
        validity_period: b"",
        short_message: RECEIPT_TEXT,
        tlvs: Tlvs::new(tlvs),
        ..submit_sm()
    }
}

/// The three as they are on the wire.
///
/// # Errors
/// None: the fields fit.
pub fn encoded() -> Result<[(&'static str, Vec<u8>); 3], EncodeError> {
    let mut octets: [Vec<u8>; 3] = Default::default();
    let [submit, answer, delivered] = &mut octets;
    submit_sm().encode(CommandId::SubmitSm, 1, submit)?;
    submit_sm_resp().encode(CommandId::SubmitSmResp, CommandStatus::ROK, 1, answer)?;
    receipt(&receipt_tlvs()).encode(CommandId::DeliverSm, 1, delivered)?;
    let [submit, answer, delivered] = octets;
    Ok([("submit_sm", submit), ("submit_sm_resp", answer), ("deliver_sm receipt", delivered)])
}
