//! Everything at once, under several seeds.

use std::thread;

use super::{IN_DOUBT_OR_NOT, Ran, Scenario, run};
use crate::support::n;

const ALL: &str = "receipt-form = \"both\"\nanswer-latency = { min = \"0ms\", max = \"6ms\" }\n\
    receipt-delay = { min = \"0ms\", max = \"40ms\" }\n\
    final-states = { undelivered = 0.1, expired = 0.05 }\n\
    message-ids = \"hex\"\nreceipt-ids = \"padded\"\nthrottle-above = \"900/s\"\nrefuse-binds = { status = \"0x08\", first = 1 }\n\
    [faults]\nreordered-answers = 0.1\ndouble-answers = 0.1\nunknown-answers = 0.1\n\
    early-receipts = 0.2\ndouble-receipts = 0.1\nreordered-receipts = 0.1\nunknown-receipts = 0.1\n\
    lost-receipts = 0.02\nlate-receipts = { share = 0.05, for = \"300ms\" }\n\
    disconnects = { after-submits = 150 }\ncut-pdus = { after-submits = 400 }\nresets = { after-submits = 600 }\n\
    garbage = { after-submits = 800 }\nunbinds = { after-submits = 1_000 }\nlost-answers = { after-submits = 1_200 }\n\
    stalls = { after-submits = 1_100, for = \"300ms\" }\nslow-reading = { octets = 4_096, every = \"1ms\" }\n";

const KEYS: [&str; 17] = [
    "reordered-answers",
    "double-answers",
    "unknown-answers",
    "early-receipts",
    "double-receipts",
    "reordered-receipts",
    "unknown-receipts",
    "lost-receipts",
    "late-receipts",
    "disconnects",
    "cut-pdus",
    "resets",
    "garbage",
    "unbinds",
    "lost-answers",
    "stalls",
    "slow-reading",
];

#[track_caller]
fn run_with(seed: u32, in_doubt: &str, exit: i32) -> Ran {
    let ran = run(Scenario {
        rows: 1_500,
        simulator: &format!("seed = {seed}\n{ALL}"),
        delivery: &format!("in-doubt = \"{in_doubt}\"\nreceipt-deadline = \"1s\"\ndoubt-grace = \"1s\""),
        carrier: "binds = 3\nwindow = 20\nresponse-timeout = \"1s\"\nid-mode = \"resp-hex-receipt-dec\"\n",
        exit,
    });
    for key in KEYS {
        assert!(n(&ran.seen, &format!("/faults/{key}")) > 0, "seed {seed}: {key} never struck: {}", ran.seen);
    }
    ran
}

#[test]
fn with_every_fault_at_once_nothing_is_lost_and_nothing_sent_twice() {
    thread::scope(|scope| {
        for seed in [1, 2, 3] {
            scope.spawn(move || {
                let ran = run_with(seed, "hold", IN_DOUBT_OR_NOT);
                ran.all_are(&["delivered", "undelivered", "expired", "unknown", "in_doubt"]);
                // Five sessions were lost, each with its window at most; of some of it receipts told.
                let n_lost = n(&ran.status, "/states/in_doubt") + n(&ran.status, "/inferred");
                assert!((4..=100).contains(&n_lost), "seed {seed}: {}", ran.status);
            });
        }
    });
}

#[test]
fn sent_again_under_every_fault_everyone_is_reached_and_copies_are_counted() {
    let ran = run_with(4, "resend", 0);
    ran.all_are(&["delivered", "undelivered", "expired", "unknown"]);
    assert_eq!(n(&ran.seen, "/unique_recipients"), 1_500, "{}", ran.seen);
    assert!(n(&ran.status, "/possible_duplicates") >= 4, "{}", ran.status);
}
