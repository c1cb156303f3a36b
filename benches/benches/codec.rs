//! The codec side by side with the `rusmpp` crate, doing the same work: a read buffer of many PDUs
//! decoded, a write buffer filled. The ratios are asserted: 8 on decode and 1.5 on encode.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rusmpp::{Command, tokio_codec::CommandCodec};
use tokio_util::{
    bytes::BytesMut,
    codec::{Decoder as _, Encoder as _},
};
use volley_benches::samples;
use volley_smpp::pdu::{CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, ShortMessage, split_frame};

/// PDUs in one buffer: what a busy socket gives at once.
const N: usize = 64;
/// Times that each side is measured; the fastest counts, since others only add to it.
const ROUNDS: usize = 40;

/// Decodes a whole buffer with ours; gives how many PDUs it held.
fn decode_ours(octets: &[u8]) -> usize {
    let mut rest = octets;
    let mut n = 0;
    while let Ok(Some(raw)) = split_frame(rest, MAX_PDU_LEN) {
        n += usize::from(black_box(raw.decode()).is_ok());
        rest = rest.get(raw.n_octets()..).unwrap_or_default();
    }
    n
}

fn decode_theirs(octets: &[u8], buffer: &mut BytesMut) -> usize {
    buffer.clear();
    buffer.extend_from_slice(octets);
    let mut codec = CommandCodec::new();
    let mut n = 0;
    while let Ok(Some(command)) = codec.decode(buffer) {
        black_box(command);
        n += 1;
    }
    n
}

fn command(octets: &[u8]) -> Option<Command> {
    CommandCodec::new().decode(&mut BytesMut::from(octets)).ok().flatten()
}

/// What is written, made before: both sides encode what they are given.
enum Ours<'a> {
    Message(CommandId, ShortMessage<'a>),
    Answer(MessageResp<'a>),
}

fn encode_ours(ours: &Ours<'_>, out: &mut Vec<u8>) -> usize {
    out.clear();
    for _ in 0..N {
        let written = match black_box(ours) {
            Ours::Message(id, message) => message.encode(*id, 1, out),
            Ours::Answer(resp) => resp.encode(CommandId::SubmitSmResp, CommandStatus::ROK, 1, out),
        };
        black_box(written.is_ok());
    }
    out.len()
}

fn encode_theirs(command: &Command, out: &mut BytesMut) -> usize {
    out.clear();
    let mut codec = CommandCodec::new();
    for _ in 0..N {
        black_box(codec.encode(black_box(command), out).is_ok());
    }
    out.len()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn fastest_ns(mut work: impl FnMut()) -> f64 {
    const REPEATS: usize = 200;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = std::time::Instant::now();
        (0..REPEATS).for_each(|_| work());
        best = best.min(start.elapsed());
    }
    best.as_nanos() as f64 / (REPEATS * N) as f64
}

/// Prints both times of one PDU, and holds ours to the ratio.
fn compare(what: &str, wanted: f64, ours: impl FnMut(), theirs: impl FnMut()) {
    let (ours, theirs) = (fastest_ns(ours), fastest_ns(theirs));
    let ratio = theirs / ours;
    eprintln!("{what:<26} ours {ours:>6.1} ns  rusmpp {theirs:>6.1} ns  ratio {ratio:>5.1}, at least {wanted}");
    assert!(ratio >= wanted, "{what}: {ratio:.2} times rusmpp's speed, not {wanted}");
}

fn ratios(criterion: &mut Criterion) {
    let Ok(samples) = samples::encoded() else { return };
    let tlvs = samples::receipt_tlvs();
    let ours = [
        Ours::Message(CommandId::SubmitSm, samples::submit_sm()),
        Ours::Answer(samples::submit_sm_resp()),
        Ours::Message(CommandId::DeliverSm, samples::receipt(&tlvs)),
    ];
    for ((name, octets), ours) in samples.iter().zip(&ours) {
        let stream = octets.repeat(N);
        let mut buffer = BytesMut::new();
        assert_eq!((decode_ours(&stream), decode_theirs(&stream, &mut buffer)), (N, N), "{name}");
        let Some(command) = command(octets) else { return };
        let (mut out, mut theirs) = (Vec::new(), BytesMut::new());
        encode_ours(ours, &mut out);
        encode_theirs(&command, &mut theirs);
        assert!(out.as_slice() == &*theirs, "{name}: both write the same octets");
        compare(
            &format!("decode {name}"),
            8.0,
            || assert_eq!(decode_ours(black_box(&stream)), N),
            || assert_eq!(decode_theirs(black_box(&stream), &mut buffer), N),
        );
        compare(
            &format!("encode {name}"),
            1.5,
            || assert_eq!(encode_ours(ours, &mut out), stream.len()),
            || assert_eq!(encode_theirs(&command, &mut theirs), stream.len()),
        );
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Elements(N as u64));
        group.bench_function("decode, ours", |bencher| bencher.iter(|| decode_ours(black_box(&stream))));
        group.bench_function("decode, rusmpp", |b| b.iter(|| decode_theirs(black_box(&stream), &mut buffer)));
        group.bench_function("encode, ours", |bencher| bencher.iter(|| encode_ours(ours, &mut out)));
        group.bench_function("encode, rusmpp", |bencher| bencher.iter(|| encode_theirs(&command, &mut theirs)));
        group.finish();
    }
}

criterion_group!(codec, ratios);
criterion_main!(codec);
