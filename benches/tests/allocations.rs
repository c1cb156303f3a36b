//! The codec allocates nothing for the PDUs of a campaign, counted by an allocator that counts.

use allocation_counter::measure;
use volley_benches::samples;
use volley_smpp::{
    pdu::{CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, Pdu, split_frame},
    receipt::{IdMode, ReceiptRules, Side, fold_id, from_deliver_sm},
    text::{SegmentOptions, Segments},
};

#[test]
fn no_pdu_of_a_campaign_allocates() {
    let tlvs = samples::receipt_tlvs();
    let encoded = samples::encoded().unwrap();
    let mut out = Vec::with_capacity(1 << 20);
    let written = measure(|| {
        for n in 0..1000 {
            out.clear();
            samples::submit_sm().encode(CommandId::SubmitSm, n, &mut out).unwrap();
            samples::submit_sm_resp().encode(CommandId::SubmitSmResp, CommandStatus::ROK, n, &mut out).unwrap();
            samples::receipt(&tlvs).encode(CommandId::DeliverSm, n, &mut out).unwrap();
            MessageResp::default().encode(CommandId::DeliverSmResp, CommandStatus::ROK, n, &mut out).unwrap();
        }
    });
    assert_eq!(written.count_total, 0, "encoding");
    let rules = ReceiptRules::default();
    let mut key = Vec::with_capacity(64);
    let read = measure(|| {
        for (_, octets) in encoded.iter().cycle().take(3000) {
            let pdu = split_frame(octets, MAX_PDU_LEN).unwrap().unwrap().decode().unwrap();
            if let Pdu::DeliverSm(message) = pdu {
                let receipt = from_deliver_sm(&message, &rules).unwrap();
                key.clear();
                fold_id(IdMode::RespDecReceiptHex, Side::Receipt, receipt.id, &mut key);
                assert!(!key.is_empty());
            } else {
                assert!(matches!(pdu, Pdu::SubmitSm(_) | Pdu::SubmitSmResp(_)));
            }
        }
    });
    assert_eq!(read.count_total, 0, "decoding and reading receipts");
}

#[test]
fn cutting_texts_allocates_nothing_once_warm() {
    let texts = ["plain".to_owned(), "A".repeat(500), "я".repeat(200), "€".repeat(90), "👨\u{200D}👩".repeat(40)];
    let mut segments = Segments::default();
    let options = SegmentOptions::default();
    texts.iter().for_each(|text| segments.cut(text, &options).unwrap());
    let cut = measure(|| texts.iter().for_each(|text| segments.cut(text, &options).unwrap()));
    assert_eq!(cut.count_total, 0);
}
