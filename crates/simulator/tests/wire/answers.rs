//! Answers and receipts that go astray.

use volley_simulator::Seen;
use volley_smpp::pdu::CommandId;

use crate::client::{Came, Client, start};

pub(crate) const FIRST_ID: u64 = 1_000_000_001;

pub(crate) fn answer(sequence: u32) -> Came {
    Came::Answer(sequence, (FIRST_ID + u64::from(sequence) - 10).to_string())
}

fn receipt(sequence: u32, state: &str) -> Came {
    Came::Receipt((FIRST_ID + u64::from(sequence) - 10).to_string(), state.to_owned())
}

/// Submits 10, 11 and 12 in one write; gives all that comes before the connection ends or
/// `n` PDUs came, and how often the fault struck.
#[track_caller]
pub(crate) fn check(fault: &str, expected: &[Came]) {
    let receipts = if fault.contains("receipts") { "" } else { "lost-receipts = 1.0\n" };
    let simulator = start(&format!("[faults]\n{receipts}{fault}\n"));
    let mut client = Client::bound(&simulator);
    client.submit(10..13);
    assert_eq!(client.take(expected.len()), expected);
    let key = fault.split(' ').next().unwrap();
    let seen: Seen = simulator.stop();
    assert!(seen.faults.contains_key(key) || key == "repeat-receipts", "{seen:?}");
}

#[test]
fn answers_go_astray_as_told() {
    let unknown = Came::Answer(11 | 0x4000_0000, (FIRST_ID + 1).to_string());
    check("lost-answers = { after-submits = 2 }", &[answer(10), answer(12)]);
    check("reordered-answers = { after-submits = 2 }", &[answer(10), answer(12), answer(11)]);
    // Nothing follows that could take it along.
    check("reordered-answers = { after-submits = 3 }", &[answer(10), answer(11), answer(12)]);
    check("double-answers = { after-submits = 2 }", &[answer(10), answer(11), answer(11), answer(12)]);
    check("unknown-answers = { after-submits = 2 }", &[answer(10), unknown, answer(11), answer(12)]);
}

#[test]
fn receipts_go_astray_as_told() {
    let (answers, all) = ([10, 11, 12].map(answer), [10, 11, 12].map(|sequence| receipt(sequence, "DELIVRD")));
    let [first, second, third] = all.clone();
    let after_answers =
        |receipts: &[&Came]| answers.iter().chain(receipts.iter().copied()).cloned().collect::<Vec<_>>();
    let unknown = Came::Receipt((FIRST_ID + 7_000_000_000_001).to_string(), "DELIVRD".to_owned());
    let enroute = receipt(11, "ENROUTE");
    check(
        "early-receipts = { after-submits = 1 }",
        &[first.clone(), answer(10), answer(11), answer(12), second.clone(), third.clone()],
    );
    for (fault, receipts) in [
        ("double-receipts = { after-submits = 2 }", [&first, &second, &second, &third].as_slice()),
        ("reordered-receipts = { after-submits = 2 }", &[&first, &second, &enroute, &third]),
        ("unknown-receipts = { after-submits = 2 }", &[&first, &unknown, &second, &third]),
        ("lost-receipts = { after-submits = 2 }", &[&first, &third]),
        ("late-receipts = { after-submits = 1, for = \"300ms\" }", &[&second, &third, &first]),
        ("repeat-receipts = 2", &[&first, &first, &second, &second, &third, &third]),
    ] {
        check(fault, &after_answers(receipts));
    }
}

#[test]
fn the_same_seed_strikes_the_same_submits() {
    let strike = |seed: u32| {
        let simulator = start(&format!("seed = {seed}\n[faults]\nlost-receipts = 1.0\nlost-answers = 0.3\n"));
        let mut client = Client::bound(&simulator);
        client.submit(10..210);
        client.write_header(CommandId::EnquireLink, 999);
        let mut answered = Vec::new();
        while let Came::Answer(sequence, _) = client.next() {
            answered.push(sequence);
        }
        answered
    };
    let first = strike(7);
    assert!((100..180).contains(&first.len()), "{} of 200 answered", first.len());
    assert_eq!(first, strike(7));
    assert_ne!(first, strike(8));
}
