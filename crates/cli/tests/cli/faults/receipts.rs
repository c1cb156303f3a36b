//! Receipts that are early, late, repeated, out of order, for nobody, or never come; and ids in
//! every form.

use std::{fs, process::Stdio};

use super::{Ran, Scenario, run};
use crate::support::{Simulator, n, status, stderr, volley, write_campaign};

/// Every receipt is matched: each row has the state that its own receipt says.
#[track_caller]
fn matched(faults: &str, fault: &str) -> Ran {
    let simulator = format!(
        "seed = 21\nreceipt-form = \"both\"\nanswer-latency = \"10ms\"\nreceipt-delay = {{ min = \"0ms\", max = \"40ms\" }}\n\
         final-states = {{ undelivered = 0.2, expired = 0.1 }}\n[faults]\n{faults}\n"
    );
    let ran = run(Scenario { simulator: &simulator, ..Scenario::default() });
    ran.struck(fault);
    ran.all_are(&["delivered", "undelivered", "expired"]);
    let n_undelivered = ran.rows_in("undelivered", "receipt: undeliverable, err 001").len();
    let n_expired = ran.rows_in("expired", "receipt: expired, err 001").len();
    assert!(n_undelivered > 30 && n_expired > 10, "{}", ran.status);
    ran
}

#[test]
fn receipts_before_their_answers_are_matched() {
    let ran = matched("early-receipts = 0.5", "early-receipts");
    assert!(n(&ran.receipts, "/early") > 0, "{}", ran.receipts);
}

#[test]
fn receipts_that_come_twice_count_once() {
    let ran = matched("double-receipts = 0.5", "double-receipts");
    let n_double = ran.struck("double-receipts").len() as u64;
    assert_eq!(n(&ran.receipts, "/received"), 300 + n_double, "{}", ran.receipts);
    // Also those of rows that are delivered: they are neither early nor for nobody.
    assert_eq!((n(&ran.receipts, "/duplicates"), n(&ran.receipts, "/waiting")), (n_double, 0), "{}", ran.receipts);
}

#[test]
fn receipts_out_of_order_never_lower_a_state() {
    let ran = matched("reordered-receipts = 0.5", "reordered-receipts");
    assert_eq!(n(&ran.receipts, "/conflicts"), 0, "{}", ran.receipts);
}

#[test]
fn receipts_for_unknown_ids_are_counted_and_touch_nobody() {
    let ran = matched("unknown-receipts = 0.5", "unknown-receipts");
    let n_unknown = ran.struck("unknown-receipts").len() as u64;
    assert_eq!(n(&ran.receipts, "/received"), 300 + n_unknown, "{}", ran.receipts);
    // They are kept: their answer might come.
    assert_eq!((n(&ran.receipts, "/waiting"), n(&ran.receipts, "/orphans")), (n_unknown, 0), "{}", ran.receipts);
}

#[test]
fn a_flood_of_receipts_ten_times_the_submit_rate_is_taken() {
    let ran = matched("repeat-receipts = 10\ndouble-receipts = 0.1", "double-receipts");
    assert!(n(&ran.receipts, "/received") > 3_000, "{}", ran.receipts);
    assert_eq!(n(&ran.seen, "/receipts_acknowledged"), n(&ran.seen, "/receipts_sent"), "{}", ran.seen);
}

#[test]
fn receipts_that_never_come_end_at_the_deadline() {
    let ran = run(Scenario {
        simulator: "seed = 22\n[faults]\nlost-receipts = 0.1\n",
        delivery: "receipt-deadline = \"1s\"",
        ..Scenario::default()
    });
    assert_eq!(ran.rows_in("unknown", "no receipt before the deadline"), ran.struck("lost-receipts"));
    ran.all_are(&["delivered", "unknown"]);
}

#[test]
fn receipts_later_than_the_deadline_still_correct_the_report() {
    // At 100/s the first ones are overdue, and then reported, while the last are still sent.
    let ran = run(Scenario {
        simulator: "seed = 23\n[faults]\nlate-receipts = { share = 0.3, for = \"1500ms\" }\n",
        delivery: "receipt-deadline = \"300ms\"",
        carrier: "binds = 1\nwindow = 50\nrate = \"100/s\"\n",
        ..Scenario::default()
    });
    let late = ran.struck("late-receipts");
    let unknown = ran.rows_in("unknown", "no receipt before the deadline");
    let n_corrected = late.difference(&unknown).count();
    eprintln!("{} late, {n_corrected} of them in time to be reported", late.len());
    assert!(unknown.is_subset(&late) && n_corrected > 10, "{}", ran.status);
    ran.all_are(&["delivered", "unknown"]);
}

#[test]
fn ids_in_every_form_are_matched_in_either_direction() {
    for (n, (answers, receipts, id_mode)) in [
        ("decimal", "decimal", "as-is"),
        ("hex", "hex", "as-is"),
        ("uuid", "uuid", "as-is"),
        ("padded", "padded", "as-is"),
        ("hex", "decimal", "resp-hex-receipt-dec"),
        ("hex", "padded", "resp-hex-receipt-dec"),
        ("decimal", "hex", "resp-dec-receipt-hex"),
        ("padded", "hex", "resp-dec-receipt-hex"),
        ("padded", "decimal", "both-dec"),
        ("decimal", "padded", "both-dec"),
        ("hex", "hex", "both-hex"),
        ("uuid", "uuid", "uuid"),
        ("padded", "decimal", "as-is-trim-zero-upper"),
    ]
    .into_iter()
    .enumerate()
    {
        let form = ["both", "text", "tlv"][n % 3];
        let simulator = format!(
            "message-ids = \"{answers}\"\nreceipt-ids = \"{receipts}\"\nreceipt-form = \"{form}\"\n\
             final-states = {{ undelivered = 0.2 }}\nanswer-latency = \"2ms\"\n[faults]\nearly-receipts = 0.3\n"
        );
        let carrier = format!("binds = 2\nwindow = 50\nid-mode = \"{id_mode}\"\n");
        let ran = run(Scenario { rows: 60, simulator: &simulator, carrier: &carrier, ..Scenario::default() });
        ran.struck("early-receipts");
        ran.all_are(&["delivered", "undelivered"]);
    }
}

#[test]
fn receipts_after_the_end_of_a_campaign_correct_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "[faults]\nlate-receipts = { share = 1.0, for = \"1s\" }\n");
    let campaign = write_campaign(dir, 100, &simulator.address, "receipt-deadline = \"200ms\"");
    let run = || volley(dir).arg("run").arg(&campaign).arg("--yes").stdin(Stdio::null()).output().unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let before = status(dir).unwrap();
    assert_eq!(n(&before, "/states/unknown"), 100, "{before}");
    // Another campaign, another process: the next that binds at the carrier. It ends with its
    // own receipts, which come after those.
    let text = fs::read_to_string(&campaign).unwrap();
    let next = text.replace("\"test\"", "\"next\"").replace("receipt-deadline = \"200ms\"", "");
    fs::write(&campaign, next).unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after = status(dir).unwrap();
    assert_eq!((n(&after, "/states/delivered"), n(&after, "/states/unknown")), (100, 0), "{after}");
    assert_eq!(n(&simulator.stop(), "/faults/late-receipts"), 200);
}
