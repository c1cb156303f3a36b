//! Numbers, by the vectors that were measured with two other ports of libphonenumber.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use volley_core::Msisdn;
use volley_ingest::number::{Number, NumberError, NumberKind, normalise};

/// What differs from the vector, if anything does.
fn difference(expect: &Value, found: &Result<Number, NumberError>) -> Option<String> {
    let differs = |what: &str, is: Value| {
        let wanted = expect.get(what).cloned().unwrap_or_default();
        (wanted != is).then(|| format!("{what}: {is} instead of {wanted}"))
    };
    let Ok(number) = found else {
        // What is longer than E.164 allows is no number for us.
        let is_refused = expect.get("error").is_some() || expect.get("possible") == Some(&Value::Bool(false));
        return (!is_refused).then(|| format!("{found:?}"));
    };
    differs("e164", format!("+{}", number.msisdn).into())
        .or_else(|| differs("valid", number.is_valid().into()))
        .or_else(|| differs("possible", number.is_possible().into()))
        .or_else(|| differs("type", number.kind.library_name().into()))
        .or_else(|| differs("region", number.region().into()))
        .or_else(|| differs("sms_candidate", number.kind.can_get_sms().into()))
}

#[test]
fn the_vectors_of_other_ports_agree() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../fixtures/vectors.json")).unwrap();
    let vectors = || vectors.iter().filter(|vector| vector.get("kind") == Some(&Value::from("phone")));
    assert!(vectors().count() >= 20);
    let differences = vectors().filter_map(|vector| {
        let country = vector.pointer("/params/default_region").and_then(Value::as_str);
        let input = vector.get("input").and_then(Value::as_str).unwrap();
        let found = normalise(input, country);
        difference(vector.get("expect").unwrap(), &found).map(|difference| format!("{input}: {difference}"))
    });
    assert_eq!(differences.collect::<Vec<_>>(), Vec::<String>::new());
}

#[track_caller]
fn check(raw: &str, country: Option<&str>, expected: &str) {
    assert_eq!(normalise(raw, country).unwrap().msisdn, Msisdn::from_digits(expected.as_bytes()).unwrap(), "{raw}");
}

#[test]
fn zeros_and_marks_of_single_countries() {
    // Italian landlines keep their zero, Ivory Coast too since its numbers have ten digits.
    check("06 698 12345", Some("IT"), "390669812345");
    check("+225 07 07 12 34 56", None, "2250707123456");
    check("07 07 12 34 56", Some("CI"), "2250707123456");
    // Argentina's 15 becomes a 9, Mexico's old 1 has gone, Russia dials 8 and 810.
    check("+54 9 11 2345 6789", None, "5491123456789");
    check("8 10 49 151 12345678", Some("RU"), "4915112345678");
    check("(0412) 345 678", Some("AU"), "61412345678");
    check("0011 49 151 12345678", Some("AU"), "4915112345678");
    check("\u{A0}+49\u{A0}151\u{2011}12345678 ", None, "4915112345678");
}

#[test]
fn a_plus_that_a_spreadsheet_ate_is_put_back_only_before_the_countrys_own_code() {
    check("4915112345678", Some("DE"), "4915112345678");
    // A landline in Emden whose area code looks like the country's: not a mobile of anybody.
    let landline = normalise("04921 123456", Some("DE")).unwrap();
    assert_eq!(landline.kind, NumberKind::FixedLine);
    // Another country's number without a plus is not guessed.
    assert!(normalise("447911123456", Some("DE")).is_ok_and(|number| number.msisdn.to_string() != "447911123456"));
}
