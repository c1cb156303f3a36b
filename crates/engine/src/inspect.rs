//! One text, PDU, receipt or number looked at: what `volley inspect` and the runner of acceptance
//! vectors show. The same functions do it that a campaign uses. The keys are those of `expect` in
//! `fixtures/vectors.json`.

mod pdu;
mod text;

use serde_json::{Map, Value, json};
use volley_ingest::number;
use volley_smpp::receipt::{MessageState, ReceiptDate, ReceiptText, parse_text};

use crate::options;

pub use pdu::{HexError, pdu, read_hex, split_pdus};
pub(crate) use text::encoding_name;
pub use text::{TextOptions, text};
/// What a text is cut by.
pub use volley_smpp::text::{Concat, DefaultAlphabet, Encoding, Language, SegmentOptions, Shifts, Smart, Split};

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn words(octets: &[u8]) -> Value {
    String::from_utf8_lossy(octets).into()
}

/// The text of a receipt (HANDBOOK C.3).
#[must_use]
pub fn receipt(octets: &[u8]) -> Value {
    let text = parse_text(octets);
    let state = text.stat.map(|word| MessageState::from_word(word).map_or("unrecognised", MessageState::name));
    let date = |field: Option<&[u8]>| field.and_then(ReceiptDate::read).map(|date| date.to_string());
    json!({
        "id": text.id.map(words),
        "stat_raw": text.stat.map(words),
        "state": state,
        "err": text.err.map(words),
        "sub": ReceiptText::count(text.sub),
        "dlvrd": ReceiptText::count(text.dlvrd),
        "submit_date": date(text.submit_date),
        "done_date": date(text.done_date),
        "text": text.text.map(words),
    })
}

/// A phone number (HANDBOOK F). `country`: ISO 3166 code of numbers without a country code.
#[must_use]
pub fn phone(raw: &str, country: Option<&str>) -> Value {
    match number::describe(raw, country) {
        Ok(facts) => json!({
            "e164": facts.e164,
            "valid": facts.is_valid,
            "possible": facts.is_possible,
            "type": facts.kind.library_name(),
            "region": facts.region,
            "time_zones": facts.time_zones,
            "sms_candidate": facts.kind.can_get_sms() && !facts.has_letters,
        }),
        Err(error) => json!({ "error": error.library_name(), "message": error.to_string() }),
    }
}

/// What a reply asks for, by the built-in table of words (HANDBOOK D.3). `country` of the sender,
/// where it is known: some words count only in some countries.
#[must_use]
pub fn keyword(text: &str, country: Option<&str>) -> Value {
    let reading = options::built_in_keywords().read(text, country);
    json!({ "decision": reading.decision.name(), "word": reading.word, "scope": reading.scope })
}

/// Whether `country` is an ISO 3166 code whose numbers are known.
#[must_use]
pub fn is_country(country: &str) -> bool {
    number::is_country(country)
}

/// Appends what is there.
fn put(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.insert(key.to_owned(), value.into());
}
