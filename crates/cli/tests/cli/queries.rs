//! Questions (query_sm) for messages whose receipt doesn't come.

use std::{collections::BTreeMap, fs, process::Stdio};

use serde_json::Value;

use crate::support::{
    Simulator, add_to_carrier, is_sound, n, receipts, status, stderr, sum_of_states, volley, write_campaign,
};

struct Asked {
    code: Option<i32>,
    words: String,
    status: Value,
    receipts: Value,
    seen: Value,
    n_segments: u64,
    /// State by number.
    rows: BTreeMap<String, String>,
}

/// 60 messages of several segments each.
#[track_caller]
fn ask(simulator: &str, carrier: &str, delivery: &str) -> Asked {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, &format!("seed = 5\n{simulator}\n"));
    let campaign = write_campaign(dir, 60, &simulator.address, delivery);
    let text = fs::read_to_string(&campaign).unwrap().replace("use {{ code }}.", &"use {{ code }}. ".repeat(15));
    let text = text.replace("[message]\n", "[message]\nmax-segments = 8\n");
    fs::write(&campaign, text).unwrap();
    add_to_carrier(dir, carrier);
    // With progress: what is found out of a carrier is said there.
    let output = volley(dir).arg("run").arg(&campaign).arg("--yes").stdin(Stdio::null()).output().unwrap();
    let (code, words) = (output.status.code(), stderr(&output));
    let status = status(dir).unwrap();
    assert_eq!(sum_of_states(&status), 60, "{words}{status}");
    let csv = volley(dir).args(["report", "test", "--csv"]).output().unwrap();
    let csv = String::from_utf8(csv.stdout).unwrap();
    // Before the reason, which may have a comma of its own: line, number, state.
    let rows = csv.lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',').skip(1).map(str::to_owned);
        fields.next().zip(fields.next())
    });
    let rows = rows.collect();
    is_sound(dir);
    let n_segments = n(&status, "/segments/planned");
    Asked { code, words, n_segments, status, receipts: receipts(dir), seen: simulator.stop(), rows }
}

const QUERY: &str = "query = { after = \"400ms\", rate = \"500/s\" }";

#[test]
fn questions_find_what_receipts_would_have_said() {
    let simulator = "message-ids = \"hex\"\nquery-sm = \"answered\"\nreceipt-delay = \"300ms\"\n\
                     final-states = { undelivered = 0.2, expired = 0.1, rejected = 0.1 }\n[faults]\n";
    let told = ask(&format!("{simulator}lost-receipts = 0.000001"), "id-mode = \"both-hex\"", "");
    let asked = ask(
        &format!("{simulator}lost-receipts = 0.999999"),
        &format!("id-mode = \"both-hex\"\n{QUERY}"),
        "receipt-deadline = \"30s\"",
    );
    assert_eq!((told.code, asked.code), (Some(0), Some(0)), "{}{}", told.words, asked.words);
    assert_eq!((n(&told.seen, "/receipts_sent"), n(&asked.seen, "/receipts_sent")), (asked.n_segments, 0));
    assert_eq!(n(&told.seen, "/queries"), 0, "off by default");
    assert_eq!(asked.rows, told.rows);
    assert!(asked.status["reasons"].to_string().contains("undeliverable, err 001"), "{}", asked.status);
    assert!(n(&asked.status, "/states/undelivered") > 0 && n(&asked.status, "/states/delivered") > 0);
    let queries = n(&asked.seen, "/queries");
    let once = asked.n_segments;
    assert!((60..=2 * once).contains(&queries), "once for each segment, or once more: {queries} of {once}");
    assert_eq!((n(&asked.receipts, "/queried"), n(&asked.receipts, "/received")), (queries, 0), "{}", asked.receipts);
}

#[test]
fn without_questions_the_deadline_says_unknown() {
    let ran = ask("query-sm = \"answered\"\n[faults]\nlost-receipts = 1.0", "", "receipt-deadline = \"1s\"");
    assert_eq!((n(&ran.status, "/states/unknown"), n(&ran.seen, "/queries")), (60, 0), "{}", ran.status);
}

#[test]
fn a_question_is_asked_before_the_deadline_even_where_the_profile_waits_longer() {
    let query = "query = { after = \"1h\", rate = \"500/s\" }";
    let simulator = "query-sm = \"answered\"\n[faults]\nlost-receipts = 1.0";
    let ran = ask(simulator, query, "receipt-deadline = \"8s\"");
    assert_eq!((n(&ran.status, "/states/delivered"), n(&ran.seen, "/queries")), (60, ran.n_segments), "{}", ran.status);
}

#[test]
fn refused_questions_are_counted_and_asked_once() {
    let simulator = "query-sm = \"refused\"\n[faults]\nlost-receipts = 1.0";
    let ran = ask(simulator, QUERY, "receipt-deadline = \"3s\"");
    assert_eq!((n(&ran.status, "/states/unknown"), n(&ran.seen, "/queries")), (60, ran.n_segments), "{}", ran.status);
    let counted = (n(&ran.receipts, "/queried"), n(&ran.receipts, "/queries_refused"));
    assert_eq!(counted, (ran.n_segments, ran.n_segments), "{}", ran.receipts);
}

#[test]
fn a_carrier_that_knows_no_questions_or_is_silent_is_left_alone() {
    for (form, words) in [("unsupported", "doesn't know query_sm"), ("silent", "doesn't answer query_sm")] {
        let simulator = format!("query-sm = \"{form}\"\n[faults]\nlost-receipts = 1.0");
        let carrier = format!("response-timeout = \"300ms\"\n{QUERY}");
        let ran = ask(&simulator, &carrier, "receipt-deadline = \"4s\"");
        assert_eq!(n(&ran.status, "/states/unknown"), 60, "{}", ran.status);
        let queries = n(&ran.seen, "/queries");
        assert!((1..ran.n_segments).contains(&queries), "{form}: {queries}");
        assert!(ran.words.contains(words), "{form}: {}", ran.words);
        let counted = n(&ran.receipts, "/queries_refused") + n(&ran.receipts, "/queries_unanswered");
        assert_eq!(counted, n(&ran.receipts, "/queried"), "{}", ran.receipts);
    }
}

#[test]
fn rows_in_doubt_are_never_asked_for() {
    let simulator = "query-sm = \"answered\"\n[faults]\nlost-answers = 0.1\nlost-receipts = 1.0";
    let carrier = format!("response-timeout = \"400ms\"\n{QUERY}");
    let ran = ask(simulator, &carrier, "receipt-deadline = \"10s\"");
    let in_doubt = n(&ran.status, "/states/in_doubt");
    assert!(ran.code == Some(6) && in_doubt > 0, "{}", ran.status);
    assert_eq!(n(&ran.status, "/states/delivered") + in_doubt, 60, "{}", ran.status);
    // Whatever was asked for had an answer and an id: each is known, and none is refused.
    let counted = (n(&ran.receipts, "/queries_refused"), n(&ran.receipts, "/queries_unanswered"));
    assert_eq!((counted, n(&ran.receipts, "/inferred")), ((0, 0), 0), "{}", ran.receipts);
    assert!(n(&ran.seen, "/queries") <= ran.n_segments - in_doubt, "{}", ran.seen);
}
