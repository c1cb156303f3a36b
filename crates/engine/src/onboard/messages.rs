//! A message for each alphabet, and what comes back.

use serde_json::{Value, json};
use volley_core::{Clock as _, MessageToken, Msisdn, RowIndex, SystemClock};
use volley_pipeline::SubmitBatch;
use volley_smpp::text::{Concat, Encoding, SegmentOptions, Segments, reference};

use super::{CarrierTest, Steps, Verdict, ids::propose, session::Session};
use crate::{
    Error,
    options::{CarrierOptions, Carriers, Concatenation},
    render::{
        LaneFormat,
        encode::{Encoder, Envelope},
        lane_format,
    },
};

/// Every character of the GSM alphabet that carriers are known to spoil (HANDBOOK B.4).
const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€";
const PLAIN: &str = "volley test: the quick brown fox jumps over the lazy dog 0123456789";
const UCS2: &str = "volley test: Привет, 你好, مرحبا 😀";
const LONG: &str = "volley test in two parts: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
                    0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 - the end";

/// One message that was sent.
struct Sent {
    name: String,
    n_segments: u8,
}

/// Sends, waits for answers and receipts, and compares their ids.
pub(super) async fn exchange(
    test: &CarrierTest,
    to: Option<Msisdn>,
    (name, carriers, options): (&str, &Carriers, &CarrierOptions),
    session: &mut Session,
    steps: &mut Steps<'_>,
) -> Result<Value, Error> {
    let Some(to) = to else {
        steps.add("messages", Verdict::Skipped, "no number to send to: name a test phone with --to");
        steps.add("message ids", Verdict::Skipped, "no messages were sent");
        return Ok(Value::Null);
    };
    let (batch, sent) = compose(test, to, (name, carriers, options))?;
    let n_submits = batch.items.len();
    session.submit(batch);
    session.watch(test.patience, |session| session.answers.len() >= n_submits).await;
    for (message, row) in sent.iter().zip(0..) {
        tell_answers(message, RowIndex(row), session, steps);
    }
    let mut answered: Vec<Vec<u8>> = Vec::new();
    answered.extend(session.answers.iter().filter_map(|(_, answer)| answer.clone().ok()));
    let n_accepted = answered.len();
    session.watch(test.patience, |session| session.receipts.len() >= n_accepted).await;
    Ok(compare(&answered, options, session, steps))
}

fn compose(
    test: &CarrierTest,
    to: Msisdn,
    (name, carriers, options): (&str, &Carriers, &CarrierOptions),
) -> Result<(SubmitBatch, Vec<Sent>), Error> {
    let concat = match options.concatenation {
        Concatenation::Udh8 => Concat::Udh8,
        Concatenation::Udh16 => Concat::Udh16,
        Concatenation::Sar => Concat::Sar,
        Concatenation::Payload => Concat::Payload,
    };
    let cutting =
        SegmentOptions { alphabet: options.default_alphabet.0, concat, max_segments: 4, ..SegmentOptions::default() };
    let wrong = |what: String| lane_format::wrong(carriers, name, &what);
    let columns = lane_format::kept_columns(&[], std::iter::once(options));
    let lane = LaneFormat::new(options, &test.sender, None, &columns).map_err(wrong)?;
    let field = |index: usize| columns.get(index).and_then(|column| test.fields.get(column)).map_or("", String::as_str);
    let mut tlvs = Vec::new();
    let put = lane.tlvs.put(field, &mut tlvs);
    put.map_err(|refused| wrong(format!("{}: give it with --field {}=VALUE", refused.what, refused.column)))?;
    let (mut segments, mut encoder) = (Segments::default(), Encoder::default());
    let (mut batch, mut sent) = (SubmitBatch::default(), Vec::new());
    // Differs from test to test, so that handsets don't join parts of two.
    let salt = (SystemClock.wall().0 / 1_000_000) as u32;
    for (alphabet, text) in [("default alphabet", GSM), ("UCS-2", UCS2), ("two parts", LONG)] {
        let cut = segments.cut(text, &cutting);
        let is_default = alphabet != "UCS-2";
        if is_default && (cut.is_err() || segments.encoding() == Encoding::Ucs2) {
            // An alphabet that lacks some of these letters.
            let _ = segments.cut(PLAIN, &cutting);
        }
        let n_segments = u8::try_from(segments.len()).unwrap_or(u8::MAX);
        let row = RowIndex(sent.len() as u32);
        let reference = reference(to.as_u64(), salt.wrapping_add(row.0));
        let envelope =
            Envelope { sender: &test.sender, recipient: to, reference, concat, validity_period: &[], tlvs: &tlvs };
        for segment in 0..n_segments {
            encoder.encode(&lane, &envelope, &segments, MessageToken::new(row, segment), &mut batch);
        }
        let coding = segments.encoding().data_coding();
        sent.push(Sent { name: format!("message in {alphabet}, data_coding {coding:#04x}"), n_segments });
    }
    Ok((batch, sent))
}

fn tell_answers(message: &Sent, row: RowIndex, session: &Session, steps: &mut Steps<'_>) {
    let answers: Vec<_> =
        session.answers.iter().filter(|(token, _)| token.row() == row).map(|(_, answer)| answer).collect();
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).map(ToString::to_string).collect();
    let ids: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).map(|id| printable(id)).collect();
    if !refused.is_empty() {
        steps.add(&message.name, Verdict::Failed, format!("refused with {}", refused.join(", ")));
    } else if answers.len() < usize::from(message.n_segments) {
        let detail = format!("{} of {} submits were answered in time", answers.len(), message.n_segments);
        steps.add(&message.name, Verdict::Failed, detail);
    } else {
        steps.add(&message.name, Verdict::Ok, format!("accepted under {}", ids.join(", ")));
    }
}

/// Compares the ids of answers and receipts, and acknowledges the receipts that are ours.
fn compare(answered: &[Vec<u8>], options: &CarrierOptions, session: &Session, steps: &mut Steps<'_>) -> Value {
    let configured = options.id_mode.0;
    let receipts: Vec<_> = session.receipts.iter().map(|receipt| receipt.id.clone()).collect();
    let proposed = propose(configured, answered, &receipts);
    let n_acknowledged = proposed.map_or(0, |(mode, _)| session.acknowledge(answered, mode));
    let of = |n| format!("{n} of {} messages have a receipt", answered.len());
    match proposed {
        _ if answered.is_empty() => steps.add("message ids", Verdict::Skipped, "nothing was accepted"),
        None if receipts.is_empty() => steps.add("message ids", Verdict::Skipped, "no receipt came in time"),
        None => {
            let detail =
                "no reading matches: answers and receipts of other messages, or a form that volley doesn't know";
            steps.add("message ids", Verdict::Failed, detail);
        }
        Some((mode, n)) if mode == configured => {
            steps.add("message ids", Verdict::Ok, format!("{} in the reading `{}`", of(n), mode.name()));
        }
        Some((mode, n)) => {
            let (now, then) = (configured.name(), mode.name());
            let detail = format!("{} with `id-mode = \"{then}\"`, and not with `{now}`: change the profile", of(n));
            steps.add("message ids", Verdict::Failed, detail);
        }
    }
    let states = session.receipts.iter().map(|receipt| format!("{:?}", receipt.state)).collect::<Vec<_>>();
    json!({
        "configured": configured.name(),
        "proposed": proposed.map(|(mode, _)| mode.name()),
        "answers": answered.iter().map(|id| printable(id)).collect::<Vec<_>>(),
        "receipts": receipts.iter().map(|id| printable(id)).collect::<Vec<_>>(),
        "states": states,
        "acknowledged": n_acknowledged,
    })
}

pub(super) fn printable(id: &[u8]) -> String {
    if id.is_empty() {
        return "no id".to_owned();
    }
    String::from_utf8_lossy(id).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
