//! Messages to us: keywords and parts.

use serde_json::{Value, json};
use volley_engine::inspect::{self, DefaultAlphabet};
use volley_smpp::{
    pdu::{ESM_CLASS_UDHI, Tlvs, put_tlv, tag},
    reply::{MoMessage, MoPart, Reassembler},
};

use super::{Outcome, Vector};

pub(super) fn keyword(text: &str, country: Option<&str>) -> Value {
    inspect::keyword(text, country).get("decision").cloned().unwrap_or_default()
}

/// The messages that come of parts, in order; with `after = "timeout"` those that nobody
/// completed, too.
pub(super) fn reassembly(vector: &Vector) -> Outcome {
    let parts = vector.input.as_array().ok_or("the input is no array")?;
    let mut reassembler = Reassembler::default();
    let mut messages = Vec::new();
    for (part, n) in parts.iter().zip(0..) {
        take(part, n, &mut reassembler, &mut messages)?;
    }
    if super::text_param(vector, "after") == Some("timeout") {
        reassembler.expire(u64::MAX, &mut messages);
    }
    messages.iter().map(shown).collect()
}

fn take(part: &Value, n: u64, reassembler: &mut Reassembler, messages: &mut Vec<MoMessage>) -> Result<(), String> {
    let octets = |key| inspect::read_hex(part.get(key).and_then(Value::as_str).unwrap_or_default());
    let octets = octets("sm").map_err(|error| error.to_string())?;
    let text = |key| part.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key| part.get(key).and_then(Value::as_u64);
    let tlvs = sar_tlvs(part);
    // Where nothing ties the parts together outside the text, a header in it does.
    let esm_class = number("esm_class").or_else(|| number("esm")).unwrap_or(match tlvs.is_empty() {
        true => ESM_CLASS_UDHI.into(),
        false => 0,
    });
    let part = MoPart {
        from: text("from").as_bytes(),
        to: text("to").as_bytes(),
        esm_class: esm_class as u8,
        data_coding: number("dc").unwrap_or(0) as u8,
        octets: &octets,
        tlvs: Tlvs::new(&tlvs),
        tag: n,
        ..MoPart::default()
    };
    reassembler.take(&part, n, messages);
    Ok(())
}

/// sar_* as TLVs, by the names that the standard gives them, at the part itself or under `tlvs`.
fn sar_tlvs(part: &Value) -> Vec<u8> {
    let number = |key: &str| part.get(key).or_else(|| part.pointer(&format!("/tlvs/{key}"))).and_then(Value::as_u64);
    let mut tlvs = Vec::new();
    for tag in [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM] {
        if let Some(value) = tag::name(tag).and_then(number) {
            let octets = (value as u16).to_be_bytes();
            let is_wide = tag == tag::SAR_MSG_REF_NUM;
            put_tlv(&mut tlvs, tag, if is_wide { &octets } else { &octets[1..] });
        }
    }
    tlvs
}

fn shown(message: &MoMessage) -> Outcome {
    let text = message.text(DefaultAlphabet::Gsm).ok_or("binary")?;
    let mut shown = json!({ "from": String::from_utf8_lossy(&message.from), "text": text });
    if let Some(map) = shown.as_object_mut().filter(|_| message.is_incomplete()) {
        map.insert("incomplete".to_owned(), true.into());
    }
    Ok(shown)
}
