//! Answers that are lost, late, repeated, or for nobody.

use super::{Scenario, run};
use crate::support::n;

#[test]
fn lost_answers_are_exactly_what_is_in_doubt() {
    let ran = run(Scenario {
        simulator: "seed = 11\n[faults]\nlost-answers = 0.02\n",
        carrier: "binds = 2\nwindow = 50\nresponse-timeout = \"300ms\"\n",
        exit: 6,
        ..Scenario::default()
    });
    assert_eq!(ran.in_doubt("in doubt: no answer in time"), ran.struck("lost-answers"));
    ran.all_are(&["delivered", "in_doubt"]);
    ran.says("carrier north lost a bind: a submit was not answered in time");
}

/// Nobody is in doubt, and everyone gets the id of their own answer: receipts would go astray
/// otherwise.
#[track_caller]
fn changes_nothing(fault: &str, seed: u64) {
    let simulator = format!(
        "seed = {seed}\nfinal-states = {{ undelivered = 0.3 }}\nreceipt-delay = \"5ms\"\n[faults]\n{fault} = 0.3\n"
    );
    let ran = run(Scenario { simulator: &simulator, ..Scenario::default() });
    assert!(ran.struck(fault).len() > 50, "{}", ran.seen);
    ran.all_are(&["delivered", "undelivered"]);
    assert_eq!(n(&ran.seen, "/binds"), 2, "no session ended: {}", ran.seen);
}

#[test]
fn reordered_answers_change_nothing() {
    changes_nothing("reordered-answers", 12);
}

#[test]
fn answers_that_come_twice_change_nothing() {
    changes_nothing("double-answers", 13);
}

#[test]
fn answers_to_unknown_sequences_change_nothing() {
    changes_nothing("unknown-answers", 14);
}

#[test]
fn refusals_are_the_reason_in_the_report() {
    let ran = run(Scenario {
        simulator: "seed = 15\nanswer-errors = { \"0x0b\" = 0.2, \"0x45\" = 0.1 }\n",
        ..Scenario::default()
    });
    ran.all_are(&["delivered", "failed"]);
    for status in ["0x0B ESME_RINVDSTADR", "0x45 ESME_RSUBMITFAIL"] {
        assert!(n(&ran.status, &format!("/reasons/refused: {status}")) > 10, "{}", ran.status);
    }
}

#[test]
fn a_policing_carrier_takes_a_thousand_in_24_s_with_few_throttled() {
    let ran = run(Scenario {
        rows: 1_000,
        simulator: "seed = 16\nanswer-latency = \"20ms\"\nthrottle-above = \"50/s\"\n",
        carrier: "binds = 1\nwindow = 10\nrate = \"200/s\"\n",
        ..Scenario::default()
    });
    ran.all_are(&["delivered"]);
    let (throttled, elapsed_ms) = (n(&ran.seen, "/throttled"), n(&ran.status, "/elapsed_ms"));
    eprintln!("{throttled} throttled, {elapsed_ms} ms");
    assert!((1..50).contains(&throttled), "{}", ran.seen);
    assert!(elapsed_ms <= 24_000, "{}", ran.status);
}
