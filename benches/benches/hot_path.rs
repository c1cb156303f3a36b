//! What every message costs on the hot path: its text, its segments, its PDU, its answer and its
//! receipt.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use volley_core::Template;
use volley_smpp::{
    pdu::{Address, CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, ShortMessage, Tlvs, put_tlv, split_frame, tag},
    receipt::{ReceiptRules, from_deliver_sm},
    text::{SegmentOptions, Segments, Smart},
};

const TEXT: &str = "Hi {{ first_name }}, 20 % off until Sunday with {{ code }}. Reply STOP to opt out.";

fn submit<'a>(text: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        source: Address { ton: 5, npi: 0, addr: b"ACME" },
        destination: Address { ton: 1, npi: 1, addr: b"4915112345678" },
        registered_delivery: 1,
        short_message: text,
        ..ShortMessage::default()
    }
}

fn texts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Elements(1));
    let template = Template::parse(TEXT).ok();
    let values = ["Jürgen", "SPRING12345"];
    let mut text = String::new();
    group.bench_function("render two columns", |bencher| {
        bencher.iter(|| {
            text.clear();
            if let Some(template) = &template {
                template.render(&mut text, |index| values.get(index).copied().unwrap_or_default());
            }
            black_box(text.len())
        });
    });
    let options = SegmentOptions { smart: Smart::Punct, ..SegmentOptions::default() };
    let mut segments = Segments::default();
    for (name, text) in [("cut one GSM segment", "A".repeat(150)), ("cut three UCS-2 segments", "я".repeat(180))] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(segments.cut(black_box(&text), &options).is_ok()))
        });
    }
    group.finish();
}

fn pdus(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pdu");
    group.throughput(Throughput::Elements(1));
    let text = [b'A'; 160];
    let mut out = Vec::new();
    group.bench_function("encode submit_sm of 160 characters", |bencher| {
        bencher.iter(|| {
            out.clear();
            let _ = submit(&text).encode(CommandId::SubmitSm, 1, &mut out);
            black_box(out.len())
        });
    });
    let mut answer = Vec::new();
    let resp = MessageResp { message_id: b"1234567890", ..MessageResp::default() };
    let _ = resp.encode(CommandId::SubmitSmResp, CommandStatus::ROK, 7, &mut answer);
    group.bench_function("decode submit_sm_resp", |bencher| bencher.iter(|| black_box(decode(black_box(&answer)))));
    let mut tlvs = Vec::new();
    put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"1234567890\0");
    put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[2]);
    let receipt = ShortMessage {
        esm_class: 4,
        tlvs: Tlvs::new(&tlvs),
        ..submit(
            b"id:1234567890 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:DELIVRD err:000 text:",
        )
    };
    let mut delivered = Vec::new();
    let rules = ReceiptRules::default();
    let _ = receipt.encode(CommandId::DeliverSm, 9, &mut delivered);
    group.bench_function("decode deliver_sm", |bencher| bencher.iter(|| black_box(decode(black_box(&delivered)))));
    group.bench_function("read a receipt", |bencher| {
        bencher.iter(|| black_box(from_deliver_sm(black_box(&receipt), &rules).is_some()))
    });
    group.finish();
}

fn decode(octets: &[u8]) -> bool {
    split_frame(octets, MAX_PDU_LEN).ok().flatten().is_some_and(|raw| raw.decode().is_ok())
}

criterion_group!(hot_path, texts, pdus);
criterion_main!(hot_path);
