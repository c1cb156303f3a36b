//! Sessions that are cut, reset, unbound, silent, slow, or speak nonsense.

use std::collections::BTreeSet;

use super::{Ran, Scenario, run};
use crate::support::n;

const CUT: &str = "in doubt: connection lost before the answer";

/// One session of two is hit in the middle of the campaign; the rest goes on over a new one.
#[track_caller]
fn cut_once(fault: &str) -> Ran {
    let simulator = format!("seed = 31\nanswer-latency = \"20ms\"\n[faults]\n{fault} = {{ after-submits = 150 }}\n");
    let ran = run(Scenario { simulator: &simulator, exit: 6, ..Scenario::default() });
    let struck = ran.struck(fault);
    let in_doubt = ran.in_doubt(CUT);
    assert!(struck.is_subset(&in_doubt), "the submit that it struck: {struck:?}");
    // Only that session's submits, and no more than its window.
    let bind = &ran.log.iter().find(|submit| !submit.faults.is_empty()).unwrap().bind;
    let elsewhere = ran.log.iter().filter(|submit| submit.bind != *bind).map(|submit| &*submit.recipient);
    assert!(in_doubt.is_disjoint(&elsewhere.collect()) && in_doubt.len() <= 50, "{in_doubt:?}");
    ran.all_are(&["delivered", "in_doubt"]);
    ran
}

#[test]
fn a_closed_connection_leaves_at_most_its_window_in_doubt() {
    cut_once("disconnects").says("carrier north lost a bind: ");
}

#[test]
fn a_pdu_cut_in_its_middle_is_no_answer() {
    cut_once("cut-pdus").says("carrier north lost a bind: ");
}

#[test]
fn octets_that_are_no_pdu_end_the_session() {
    cut_once("garbage").says("carrier north lost a bind: a PDU announces 1213486160 octets");
}

#[test]
fn a_reset_with_a_full_window_leaves_exactly_the_unanswered_in_doubt() {
    let ran = run(Scenario {
        rows: 400,
        simulator: "seed = 32\nanswer-latency = \"250ms\"\n[faults]\nresets = { after-submits = 300 }\n",
        carrier: "binds = 1\nwindow = 100\n",
        exit: 6,
        ..Scenario::default()
    });
    ran.struck("resets");
    // With 100 open and the 300th read, the first 200 were answered and no other.
    let unanswered: BTreeSet<_> = ran.taken().take(300).skip(200).collect();
    assert_eq!(ran.in_doubt(CUT), unanswered);
    ran.all_are(&["delivered", "in_doubt"]);
    ran.says("carrier north lost a bind: connection lost: ");
}

#[test]
fn an_unbind_in_mid_flow_leaves_nothing_in_doubt() {
    let ran = run(Scenario {
        simulator: "seed = 33\nanswer-latency = \"20ms\"\n[faults]\nunbinds = { after-submits = 150 }\n",
        ..Scenario::default()
    });
    ran.struck("unbinds");
    ran.all_are(&["delivered"]);
    ran.says("carrier north lost a bind: the SMSC unbound us");
}

#[test]
fn a_stall_that_passes_costs_time_and_nothing_else() {
    let ran = run(Scenario {
        simulator: "seed = 34\n[faults]\nstalls = { after-submits = 100, for = \"1500ms\" }\n",
        carrier: "binds = 1\nwindow = 50\n",
        ..Scenario::default()
    });
    ran.struck("stalls");
    ran.all_are(&["delivered"]);
    assert!(n(&ran.status, "/elapsed_ms") >= 1_500, "{}", ran.status);
    assert_eq!(n(&ran.seen, "/binds"), 1, "{}", ran.seen);
}

/// A session that says nothing any more is given up; what is open on it is in doubt, no more
/// than its window, and the other session takes the rest.
#[track_caller]
fn silent_for_good(fault: &str) {
    let simulator = format!("seed = 35\nanswer-latency = \"5ms\"\n[faults]\n{fault} = {{ after-submits = 150 }}\n");
    let ran = run(Scenario {
        simulator: &simulator,
        carrier: "binds = 2\nwindow = 20\nresponse-timeout = \"500ms\"\n",
        exit: 6,
        ..Scenario::default()
    });
    let struck = ran.struck(fault);
    let in_doubt = ran.in_doubt("in doubt: no answer in time");
    assert!(struck.is_subset(&in_doubt) && in_doubt.len() <= 20, "{in_doubt:?}");
    ran.all_are(&["delivered", "in_doubt"]);
    ran.says("carrier north lost a bind: a submit was not answered in time");
}

#[test]
fn a_stall_for_good_leaves_at_most_its_window_in_doubt() {
    silent_for_good("stalls");
}

#[test]
fn a_half_open_connection_leaves_at_most_its_window_in_doubt() {
    silent_for_good("half-opens");
}

#[test]
fn slow_reading_slows_and_loses_nothing() {
    let ran = run(Scenario {
        simulator: "seed = 36\n[faults]\nslow-reading = { octets = 100, every = \"2ms\" }\n",
        ..Scenario::default()
    });
    assert!(n(&ran.seen, "/faults/slow-reading") > 100, "{}", ran.seen);
    ran.all_are(&["delivered"]);
    assert_eq!(n(&ran.seen, "/binds"), 2, "{}", ran.seen);
}
