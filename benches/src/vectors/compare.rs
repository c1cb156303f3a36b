//! What a vector expects against what came out.

use serde_json::{Map, Value};

/// What differs, if anything does. Of objects only the keys that are expected count, and of these
/// not the `informational` ones.
pub(super) fn difference(expect: &Value, got: &Value, informational: &[&str]) -> Option<String> {
    let Some(expected) = expect.as_object() else {
        return (!is_same(expect, got)).then(|| format!("expected {expect}, got {got}"));
    };
    let differing = expected.iter().filter(|(key, _)| !informational.contains(&key.as_str())).find(|(key, wanted)| {
        let got_value = got.get(key.as_str()).unwrap_or(&Value::Null);
        match (key.as_str(), wanted.as_object()) {
            ("tlvs", Some(wanted)) => !are_tlvs(wanted, got),
            _ => !is_same(wanted, got_value),
        }
    });
    differing.map(|(key, wanted)| {
        let got = got.get(key.as_str()).unwrap_or(&Value::Null);
        format!("{key}: expected {wanted}, got {got}")
    })
}

/// Numbers by their value; nothing and an empty text are the same; objects by the expected keys.
fn is_same(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Number(wanted), Value::Number(got)) => wanted.as_f64() == got.as_f64(),
        (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => text.is_empty(),
        (Value::Object(wanted), Value::Object(got)) => {
            wanted.iter().all(|(key, wanted)| is_same(wanted, got.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, got)| is_same(wanted, got))
        }
        _ => wanted == got,
    }
}

/// TLVs are expected by name or by number, octets as text or in hexadecimal.
fn are_tlvs(wanted: &Map<String, Value>, got: &Value) -> bool {
    let all = got.get("tlv_list").and_then(Value::as_array);
    wanted.iter().all(|(key, wanted)| {
        let by_name = got.pointer(&format!("/tlvs/{key}")).is_some_and(|value| is_same(wanted, value));
        let digits = key.trim_start_matches("0x");
        let of_list = |tlv: &&Value| {
            let tag = tlv.get("tag").and_then(Value::as_str).unwrap_or_default().trim_start_matches("0x");
            tlv.get("name").and_then(Value::as_str) == Some(key.as_str())
                || u16::from_str_radix(digits, 16).ok() == u16::from_str_radix(tag, 16).ok()
        };
        by_name
            || all.into_iter().flatten().find(of_list).is_some_and(|tlv| {
                let tag = tlv.get("tag").and_then(Value::as_str).unwrap_or_default();
                let hex = tlv.get("hex").and_then(Value::as_str);
                let value = got.pointer(&format!("/tlvs/{tag}")).unwrap_or(&Value::Null);
                is_same(wanted, value) || wanted.as_str().is_some_and(|text| Some(text) == hex)
            })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_expected_counts_and_all_of_it() {
        let got = json!({"a": 1, "b": null, "c": [1, 2], "d": {"x": 1, "y": 2}});
        assert_eq!(difference(&json!({"a": 1.0, "b": "", "d": {"x": 1}}), &got, &[]), None);
        assert_eq!(difference(&json!({"a": 2}), &got, &[]).as_deref(), Some("a: expected 2, got 1"));
        assert_eq!(difference(&json!({"a": 2}), &got, &["a"]), None);
        assert_eq!(difference(&json!({"e": 1}), &got, &[]).as_deref(), Some("e: expected 1, got null"));
        assert_eq!(difference(&json!({"c": [1]}), &got, &[]).as_deref(), Some("c: expected [1], got [1,2]"));
        assert_eq!(difference(&json!("x"), &json!("y"), &[]).as_deref(), Some("expected \"x\", got \"y\""));
    }

    #[test]
    fn tlvs_are_found_by_name_and_number() {
        let got = json!({
            "tlvs": {"message_state": 2, "0x1400": "11"},
            "tlv_list": [
                {"tag": "0x0427", "name": "message_state", "hex": "02"},
                {"tag": "0x1400", "name": null, "hex": "3131"},
            ]
        });
        let is = |wanted: Value| difference(&json!({"tlvs": wanted}), &got, &[]).is_none();
        assert!(is(json!({"message_state": 2, "0x1400": "11"})) && is(json!({"1400": "3131"})));
        assert!(!is(json!({"message_state": 3})) && !is(json!({"0x1401": "11"})) && !is(json!({"0x1400": "12"})));
    }
}
