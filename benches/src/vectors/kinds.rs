//! One function for each kind of vector.

mod replies;

use jiff::{SignedDuration, civil::DateTime, tz::Offset};
use serde_json::{Value, json};
use volley_core::ReceiptState;
use volley_engine::inspect::{self, Encoding, Language, SegmentOptions, Shifts, Split, TextOptions};
use volley_smpp::{
    pdu::CommandStatus,
    receipt::{IdMode, IdRules, MessageFate, MessageState, PartState, PartsPolicy, Regex, Side, fold_parts},
    text::{Concat, DefaultAlphabet, simplify},
    time::{self, AbsoluteTime, Reading, RelativeTime, SmppTime},
};

use super::Vector;

type Outcome = Result<Value, String>;

/// What comes out of our crates.
pub(super) fn run(vector: &Vector) -> Outcome {
    match vector.kind.as_str() {
        "gsm7_encode" => Ok(inspect::text(word(&vector.input)?, &TextOptions::default())),
        "gsm7_table" => gsm7_table(&vector.input),
        "segment" => segment(vector),
        "transliterate" => transliterate(vector),
        "smpp_pdu" | "smpp_malformed" => {
            let octets = inspect::read_hex(word(&vector.input)?).map_err(|error| error.to_string())?;
            Ok(inspect::pdu(&octets))
        }
        "command_status" => command_status(word(&vector.input)?),
        "time_format_absolute" => time_format_absolute(word(&vector.input)?),
        "time_format_relative" => time_format_relative(&vector.input),
        "time_parse" => Ok(time_parse(word(&vector.input)?)),
        "receipt_text" => Ok(inspect::receipt(word(&vector.input)?.as_bytes())),
        "message_id" => message_id(vector),
        "message_state" => message_state(&vector.input),
        "fold_segments" => fold_segments(vector),
        "receipt_sequence" => receipt_sequence(&vector.input),
        "phone" => Ok(inspect::phone(word(&vector.input)?, text_param(vector, "default_region"))),
        "mo_keyword" => Ok(replies::keyword(word(&vector.input)?, text_param(vector, "country"))),
        "mo_reassembly" => replies::reassembly(vector),
        other => Err(format!("kind {other} isn't implemented yet")),
    }
}

/// Keys of `expect` that say what other engines do, not what is right.
pub(super) fn informational(kind: &str) -> &'static [&'static str] {
    if kind == "command_status" { &["kannel", "jasmin"] } else { &[] }
}

fn word(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("the input {value} is no text"))
}

fn text_param<'a>(vector: &'a Vector, key: &str) -> Option<&'a str> {
    vector.params.get(key).and_then(Value::as_str)
}

fn id_param(vector: &Vector, key: &str) -> u8 {
    vector.params.get(key).and_then(Value::as_u64).and_then(|id| u8::try_from(id).ok()).unwrap_or(0)
}

fn gsm7_table(input: &Value) -> Outcome {
    let id = input.get("national_language_id").and_then(Value::as_u64).and_then(|id| u8::try_from(id).ok());
    let language = id.and_then(Language::from_id);
    if language.is_none() && id != Some(0) {
        return Err(format!("no language {id:?}"));
    }
    let is_locking = input.get("table").and_then(Value::as_str) == Some("locking");
    let septet = |septet: u8| {
        let shifts = Shifts { locking: language, single: language };
        let c = if is_locking { shifts.char_of(septet) } else { shifts.char_of_escaped(septet) };
        match c {
            Some('\u{1B}') => json!("ESC"),
            other => json!(other.map(|c| format!("{:04X}", c as u32))),
        }
    };
    Ok((0..128).map(septet).collect())
}

fn segment(vector: &Vector) -> Outcome {
    let language = |key| Language::from_id(id_param(vector, key));
    let shifts = Shifts { locking: language("locking_table"), single: language("single_shift_table") };
    let asked = text_param(vector, "encoding").unwrap_or("auto");
    let encoding = match asked {
        "ucs2" => Some(Encoding::Ucs2),
        _ if shifts != Shifts::default() => Some(Encoding::National(shifts)),
        "auto" => None,
        _ => Some(Encoding::Default),
    };
    let alphabet = match asked {
        "auto" | "gsm7" | "ucs2" => DefaultAlphabet::Gsm,
        name => {
            let known = DefaultAlphabet::ALL.into_iter().find(|alphabet| alphabet.name() == name);
            known.ok_or_else(|| format!("no encoding {name}"))?
        }
    };
    let concat = if id_param(vector, "concat_ref_bits") == 16 { Concat::Udh16 } else { Concat::Udh8 };
    let split = if text_param(vector, "split") == Some("codepoint") { Split::CodePoint } else { Split::Grapheme };
    let segments = SegmentOptions { alphabet, concat, split, ..SegmentOptions::default() };
    Ok(inspect::text(word(&vector.input)?, &TextOptions { segments, encoding, keep: Vec::new() }))
}

fn transliterate(vector: &Vector) -> Outcome {
    let smart = text_param(vector, "level").unwrap_or("none").parse().map_err(|error| format!("{error}"))?;
    let text = word(&vector.input)?;
    let mut out = String::new();
    let changed = simplify(text, smart, &[], &mut out);
    Ok(json!({ "text": if changed { &out } else { text } }))
}

fn command_status(input: &str) -> Outcome {
    let status = u32::from_str_radix(input.trim_start_matches("0x"), 16).map_err(|error| error.to_string())?;
    let status = CommandStatus(status);
    let name = match (status.name(), status.name_in_5_0()) {
        (Some(name), Some(other)) => format!("{name} / {other}"),
        (Some(name), None) => name.to_owned(),
        (None, _) if status.is_vendor() => "vendor range 0x400-0x4FF (unmapped)".to_owned(),
        (None, _) => "outside every range".to_owned(),
    };
    Ok(json!({ "name": name, "class": status.class_name() }))
}

fn written(text: [u8; 16]) -> Value {
    String::from_utf8_lossy(&text).into()
}

fn time_format_absolute(input: &str) -> Outcome {
    let pieces = jiff::fmt::temporal::Pieces::parse(input).map_err(|error| error.to_string())?;
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    let at = DateTime::from_parts(pieces.date(), pieces.time().ok_or("no time of day")?);
    let narrow = |value: i8| value.unsigned_abs();
    let time = AbsoluteTime {
        year: at.year().unsigned_abs(),
        month: narrow(at.month()),
        day: narrow(at.day()),
        hour: narrow(at.hour()),
        minute: narrow(at.minute()),
        second: narrow(at.second()),
        tenth: (at.subsec_nanosecond() / 100_000_000) as u8,
        quarter_hours: (offset.seconds() / 900) as i8,
    };
    Ok(written(time.to_text()))
}

fn time_format_relative(input: &Value) -> Outcome {
    let span_s = input.as_u64().ok_or_else(|| format!("{input} is no number of seconds"))?;
    time::relative(span_s).map(written).ok_or_else(|| format!("{span_s} s are too long"))
}

fn time_parse(input: &str) -> Value {
    match time::parse(input.as_bytes(), Reading::Strict) {
        Err(error) => json!({ "ok": false, "error": error.to_string() }),
        Ok(SmppTime::Default) => json!({ "ok": true, "default": true }),
        Ok(SmppTime::Absolute(time)) => json!({ "ok": true, "absolute": absolute(time) }),
        Ok(SmppTime::Relative(RelativeTime { years, months, days, hours, minutes, seconds })) => json!({
            "ok": true,
            "relative": {
                "years": years, "months": months, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds
            }
        }),
    }
}

fn absolute(time: AbsoluteTime) -> String {
    let AbsoluteTime { year, month, day, hour, minute, second, tenth, quarter_hours } = time;
    let offset = SignedDuration::from_mins(i64::from(quarter_hours.unsigned_abs()) * 15).as_mins();
    let sign = if quarter_hours < 0 { '-' } else { '+' };
    let tenths = if tenth > 0 { format!(".{tenth}") } else { String::new() };
    let (hours, minutes) = (offset / 60, offset % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{tenths}{sign}{hours:02}:{minutes:02}")
}

fn message_id(vector: &Vector) -> Outcome {
    let name = text_param(vector, "mode").ok_or("no mode")?;
    let rules = match name.split_once(':') {
        Some(("strip_prefix" | "strip_suffix" | "strip", pattern)) => {
            IdRules { mode: IdMode::AsIs, strip: Some(Regex::new(pattern).map_err(|error| error.to_string())?) }
        }
        _ => {
            let name = if name == "as_is_trim" { "as_is" } else { name };
            let mode = IdMode::from_name(&name.replace('_', "-")).ok_or_else(|| format!("no mode {name}"))?;
            IdRules { mode, strip: None }
        }
    };
    let fold = |side, key| -> Result<String, String> {
        let mut out = Vec::new();
        rules.fold(side, vector.input.get(key).map_or(Ok(""), word)?.as_bytes(), &mut out);
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    let (response, receipt) = (fold(Side::Response, "submit_resp")?, fold(Side::Receipt, "receipt")?);
    let matches = response == receipt;
    Ok(json!({ "match": matches, "key": matches.then_some(response) }))
}

fn message_state(input: &Value) -> Outcome {
    let by_tlv =
        input.get("tlv").and_then(Value::as_u64).and_then(|tlv| MessageState::from_tlv(u8::try_from(tlv).ok()?));
    let text = input.get("text").and_then(Value::as_str);
    let by_text = text.and_then(|text| MessageState::from_word(text.as_bytes()));
    match (by_tlv, by_text) {
        (Some(tlv), Some(text)) if tlv != text => Err(format!("TLV {} and text {} differ", tlv.name(), text.name())),
        (Some(state), _) | (None, Some(state)) => Ok(json!({ "state": state.name(), "final": state.is_final() })),
        (None, None) => Ok(json!({ "state": "unrecognised", "final": false })),
    }
}

fn part(input: &Value) -> Result<PartState, String> {
    Ok(match input.as_str() {
        None => PartState::Open,
        Some("(timeout)") => PartState::TimedOut,
        Some("(not submitted)") => PartState::NotSubmitted,
        Some(refused) if refused.starts_with("(nack") => PartState::Refused,
        Some(word) => {
            let state = MessageState::from_word(word.as_bytes());
            PartState::Receipt(state.ok_or_else(|| format!("no state {word}"))?)
        }
    })
}

fn fold_segments(vector: &Vector) -> Outcome {
    let parts = vector.input.as_array().ok_or("the input is no array")?;
    let parts: Vec<PartState> = parts.iter().map(part).collect::<Result<_, _>>()?;
    let policy = match text_param(vector, "policy").unwrap_or("all_parts") {
        "all_parts" => PartsPolicy::All,
        "first_receipt_counts_for_all" => PartsPolicy::First,
        "receipt_requested_on_last_part_only" => {
            let asked = vector.params.get("requested_on").and_then(Value::as_u64);
            let asked = asked.and_then(|index| usize::try_from(index).ok());
            PartsPolicy::Only(asked.unwrap_or(parts.len().saturating_sub(1)))
        }
        other => return Err(format!("no policy {other}")),
    };
    Ok(fold_parts(&parts, policy).name().into())
}

/// Events of one segment, in any order: the join of its receipts decides (CONTRACT section 3).
fn receipt_sequence(input: &Value) -> Outcome {
    let events = input.as_array().ok_or("the input is no array")?;
    let mut state: Option<ReceiptState> = None;
    let mut part = PartState::Open;
    for event in events {
        let event = word(event)?;
        if event.contains("(local timeout)") {
            part = PartState::TimedOut;
        }
        let receipt = event.rsplit(": ").next().and_then(|word| MessageState::from_word(word.as_bytes()));
        if let Some(receipt) = receipt.and_then(|receipt| ReceiptState::from_u8(receipt as u8)) {
            state = Some(state.map_or(receipt, |known| known.join(receipt)));
        }
    }
    if let Some(state) = state.and_then(|state| MessageState::from_tlv(state as u8)) {
        part = PartState::Receipt(state);
    }
    let fate = fold_parts(&[part], PartsPolicy::All);
    Ok(if fate == MessageFate::ExpiredNoReceipt { "expired" } else { fate.name() }.into())
}
