//! `volley inspect`, as support engineers use it: arguments, files, many lines on stdin.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

struct Printed {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Printed {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// A JSON object for each line.
    fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn inspect(arguments: &[&str], stdin: &[u8]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_volley"));
    command.arg("inspect").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Printed { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_text_shows_its_alphabet_its_parts_and_what_forces_ucs2() {
    let long = format!("It’s {}", "x".repeat(70));
    let printed = inspect(&["text", "--json", &long], b"");
    let value = printed.json();
    assert_eq!(printed.code, Some(0));
    assert_eq!((&value["encoding"], &value["segments"]), (&json!("ucs2"), &json!(2)));
    assert_eq!(value["forced_by"], json!([{"character": "’", "code_point": "U+2019", "count": 1, "position": 3}]));
    assert_eq!(
        (&value["alternatives"][0]["smart"], &value["alternatives"][0]["segments"]),
        (&json!("punct"), &json!(1))
    );
    assert_eq!(value["parts"][1]["text"].as_str().map(|text| text.chars().count()), Some(8));
    let smart = inspect(&["text", "--json", "--smart", "punct", &long], b"").json();
    assert_eq!((&smart["encoding"], &smart["units_per_segment"]), (&json!("gsm7"), &json!([75])));
    let turkish = inspect(&["text", "--json", "--lang", "tr", "--concat", "udh16", "ş"], b"").json();
    assert_eq!((&turkish["locking_table"], &turkish["parts"][0]["udh_hex"]), (&json!(1), &json!("03250101")));
    let kept = inspect(&["text", "--json", "--smart", "accents", "--keep", "Ł7", "Łódź Ł7"], b"").json();
    assert_eq!(kept["encoding"], json!("ucs2"));
    let table = inspect(&["text", &long], b"").stdout;
    assert!(table.contains("code_point U+2019") && table.lines().any(|line| line.starts_with("encoding")), "{table}");
}

#[test]
fn a_pdu_shows_its_fields_or_where_it_is_broken() {
    let query = "0000001d00000003000000000000001437370005004d594252414e4400";
    let value = inspect(&["pdu", "--json", query], b"").json();
    assert_eq!((&value["command_id"], &value["message_id"]), (&json!("query_sm"), &json!("77")));
    let broken = inspect(&["pdu", "--json", "00000012000000040000000000000001 0005"], b"");
    let value = broken.json();
    assert_eq!((broken.code, &value["octet"], &value["reason"]), (Some(1), &json!(17), &json!("source_addr_ton")));
    let wrong = inspect(&["pdu", "00zz"], b"");
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stdout.contains("character 3, `z`, is no hexadecimal digit"), "{}", wrong.stdout);
    // A capture in a file: several PDUs, broken into lines.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capture.hex");
    fs::write(&file, "00000010 00000015 00000000 00000001\n00:00:00:10 80000015 00000000 00000001\n").unwrap();
    let both = inspect(&["pdu", "--json", "--file", file.to_str().unwrap()], b"").lines();
    assert_eq!(both.iter().map(|pdu| &pdu["command_id"]).collect::<Vec<_>>(), ["enquire_link", "enquire_link_resp"]);
}

#[test]
fn many_lines_give_a_line_of_json_each() {
    let receipts = b"id:7 stat:DELIVRD err:000\r\nid:8 stat:\xFFODD\nnothing\n";
    let printed = inspect(&["receipt"], receipts);
    let states: Vec<_> = printed.lines().iter().map(|receipt| receipt["state"].clone()).collect();
    assert_eq!((printed.code, states), (Some(0), vec![json!("delivered"), json!("unrecognised"), json!(null)]));
    let numbers = inspect(&["number", "--country", "DE"], "0151 12345678\nabc\n".as_bytes());
    let lines = numbers.lines();
    assert_eq!((&lines[0]["e164"], &lines[1]["error"]), (&json!("+4915112345678"), &json!("NOT_A_NUMBER")));
    assert_eq!((lines[0]["time_zones"].clone(), numbers.code), (json!(["Europe/Berlin"]), Some(1)));
}

#[test]
fn the_keys_are_those_of_the_vectors() {
    let text = include_str!("../../../../fixtures/vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    let of_kind = |kind: &str| -> Vec<&Value> { vectors.iter().filter(|vector| vector["kind"] == kind).collect() };
    let check = |what: &str, vectors: &[&Value], one_line: fn(&str) -> bool| {
        let vectors: Vec<_> = vectors.iter().filter(|v| v["input"].as_str().is_some_and(one_line)).collect();
        let input: String = vectors.iter().map(|vector| format!("{}\n", vector["input"].as_str().unwrap())).collect();
        let found = inspect(&[what], input.as_bytes()).lines();
        assert_eq!(found.len(), vectors.len());
        assert!(found.len() >= 9, "{what}: {}", found.len());
        for (found, vector) in found.iter().zip(vectors) {
            for (key, wanted) in vector["expect"].as_object().unwrap().iter().filter(|(key, _)| *key != "tlvs") {
                assert_eq!(&found[key], wanted, "{}: {key}", vector["id"]);
            }
        }
    };
    check("receipt", &of_kind("receipt_text"), |text| !text.contains('\n'));
    check("pdu", &of_kind("smpp_pdu"), |_| true);
}

#[test]
fn strange_input_is_looked_at_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.txt");
    fs::write(&file, "x".repeat(50_000)).unwrap();
    let long = inspect(&["text", "--json", "--file", file.to_str().unwrap()], b"");
    let value = long.json();
    assert_eq!((long.code, &value["segments"]), (Some(1), &json!(327)));
    assert_eq!(value["error"], json!("the text needs 327 segments: at most 255 are allowed"));
    for (what, input) in
        [("text", &b"\xFF\xFE\n\n\x00\n"[..]), ("pdu", b"\n00\n"), ("receipt", b"\xFF\n"), ("number", b"\xFF+\n")]
    {
        let printed = inspect(&[what], input);
        assert!(matches!(printed.code, Some(0 | 1)), "{what}: {}", printed.stderr);
        assert_eq!(printed.lines().len(), input.iter().filter(|octet| **octet == b'\n').count(), "{what}");
    }
    assert_eq!(inspect(&["text"], b"").code, Some(0));
    assert_eq!(inspect(&["pdu", ""], b"").code, Some(1));
}

#[test]
fn wrong_options_say_what_there_is() {
    let failed = |arguments: &[&str], words: &str| {
        let printed = inspect(arguments, b"");
        assert_eq!(printed.code, Some(2), "{arguments:?}");
        assert!(printed.stderr.contains(words), "{}", printed.stderr);
    };
    failed(&["text", "--smart", "most", "x"], "none, punct, accents, lookalike and full are");
    failed(&["text", "--lang", "de", "x"], "`de` has no national tables: tr, es, pt");
    failed(&["text", "--lang", "tr", "--concat", "sar", "x"], "national tables need a header");
    failed(&["text", "--alphabet", "ebcdic", "x"], "gsm, latin1, ascii, vfd2");
    failed(&["number", "--country", "Germany", "1"], "write two capital letters");
    failed(&["receipt", "--file", "no-such-file"], "no-such-file");
}
