//! Receipts that tell of messages whose answers never came: when they are believed, and when not.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;

use crate::support::{
    Simulator, add_to_carrier, is_sound, n, receipts, run, status, stderr, sum_of_states, volley, write_campaign,
};

/// The same campaign under another name.
fn renamed(dir: &Path, campaign: &Path, name: &str) -> std::path::PathBuf {
    let text = fs::read_to_string(campaign).unwrap().replace("\"test\"", &format!("\"{name}\""));
    let file = dir.join(format!("{name}.toml"));
    fs::write(&file, text).unwrap();
    file
}

struct Lost {
    status: Value,
    receipts: Value,
    n_lost: u64,
    inferred: Vec<String>,
    code: Option<i32>,
}

/// A twentieth of the answers is lost, and each message has its receipt.
#[track_caller]
fn lose_answers(simulator: &str, carrier: &str, delivery: &str) -> Lost {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, &format!("seed = 41\n{simulator}\n[faults]\nlost-answers = 0.05\n"));
    let campaign = write_campaign(dir, 300, &simulator.address, delivery);
    add_to_carrier(dir, &format!("response-timeout = \"300ms\"\n{carrier}"));
    let (code, words) = run(dir, &campaign);
    let status = status(dir).unwrap();
    assert_eq!(sum_of_states(&status), 300, "{words}{status}");
    let csv = volley(dir).args(["report", "test", "--csv"]).output().unwrap();
    let csv = String::from_utf8(csv.stdout).unwrap();
    is_sound(dir);
    let seen = simulator.stop();
    assert_eq!(n(&seen, "/accepted"), 300 + n(&seen, "/copies_beyond_first"), "{seen}");
    Lost {
        receipts: receipts(dir),
        n_lost: n(&seen, "/faults/lost-answers"),
        inferred: csv.lines().skip(1).filter(|line| line.ends_with(",yes")).map(str::to_owned).collect(),
        status,
        code,
    }
}

const WAIT: &str = "doubt-grace = \"8s\"";

#[test]
fn receipts_tell_of_what_was_taken_without_an_answer() {
    let ran = lose_answers("final-states = { undelivered = 0.3 }", "", WAIT);
    assert_eq!(ran.code, Some(0), "{}", ran.status);
    let done = n(&ran.status, "/states/delivered") + n(&ran.status, "/states/undelivered");
    assert_eq!((done, n(&ran.status, "/states/in_doubt")), (300, 0), "{}", ran.status);
    // A session that lost an answer is given up with all that was open on it.
    assert!(ran.n_lost > 3 && n(&ran.status, "/inferred") >= ran.n_lost, "{}", ran.status);
    assert_eq!(n(&ran.status, "/inferred"), ran.inferred.len() as u64, "marked in the report");
    assert_eq!(n(&ran.receipts, "/inferred"), ran.inferred.len() as u64, "{}", ran.receipts);
    assert_eq!((n(&ran.receipts, "/ambiguous"), n(&ran.receipts, "/waiting")), (0, 0), "{}", ran.receipts);
}

#[track_caller]
fn nothing_is_inferred(simulator: &str) {
    let ran = lose_answers(simulator, "", "doubt-grace = \"1s\"");
    assert_eq!((ran.code, n(&ran.status, "/inferred"), ran.inferred.len()), (Some(6), 0, 0), "{}", ran.status);
    assert!(n(&ran.status, "/states/in_doubt") >= ran.n_lost, "{}", ran.status);
}

#[test]
fn another_sender_another_time_or_no_time_tells_nothing() {
    nothing_is_inferred("receipt-sender = \"OTHER\"");
    nothing_is_inferred("receipt-utc-offset-min = 300");
    nothing_is_inferred("receipt-utc-offset-min = -300");
    nothing_is_inferred("receipt-form = \"tlv\"");
}

#[test]
fn the_local_time_of_the_carrier_is_taken_into_account() {
    let zone = "[carriers.north.receipts]\ntime-zone = \"+05:00\"";
    let ran = lose_answers("receipt-utc-offset-min = 300", zone, WAIT);
    assert_eq!((ran.code, n(&ran.status, "/states/delivered")), (Some(0), 300), "{}", ran.status);
}

#[test]
fn what_is_sent_again_is_told_from_the_first_attempt() {
    let ran = lose_answers("", "", "in-doubt = \"resend\"");
    assert_eq!((ran.code, n(&ran.status, "/states/delivered")), (Some(0), 300), "{}", ran.status);
    let possible = n(&ran.status, "/possible_duplicates");
    let twice = n(&ran.status, "/taken_twice");
    // The resent one may be lost as well: then nobody can say which of the two a receipt is of.
    assert!(twice > 0 && twice <= possible, "{}", ran.status);
}

#[test]
fn receipts_of_before_a_kill_tell_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-latency = \"1h\"\n[faults]\nearly-receipts = 1.0\n");
    let campaign = write_campaign(dir, 100, &simulator.address, WAIT);
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while status(dir).is_none_or(|status| n(&status, "/states/in_flight") < 100) || n(&receipts(dir), "/waiting") < 60 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The store gone as well: the journal alone knows.
    fs::remove_dir_all(dir.join("data/store")).unwrap();
    let output = volley(dir).args(["resume", "test", "--no-progress"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{:?}", stderr(&output), status(dir));
    let after = status(dir).unwrap();
    assert_eq!((n(&after, "/states/delivered"), n(&after, "/inferred")), (100, 100), "{after}");
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/accepted"), n(&seen, "/copies_beyond_first")), (100, 0), "{seen}");
    is_sound(dir);
}

#[test]
fn two_messages_to_one_number_stay_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "receipt-delay = \"8s\"\n[faults]\nlost-answers = 1.0\n");
    let campaign = write_campaign(dir, 20, &simulator.address, "");
    add_to_carrier(dir, "response-timeout = \"300ms\"");
    assert_eq!(run(dir, &campaign).0, Some(6));
    let next = renamed(dir, &campaign, "next");
    let text = fs::read_to_string(&next).unwrap().replace("doubt-grace = \"0s\"", "doubt-grace = \"6s\"");
    fs::write(&next, text).unwrap();
    let (code, words) = run(dir, &next);
    assert_eq!(code, Some(6), "{words}");
    let receipts = receipts(dir);
    assert_eq!((n(&receipts, "/ambiguous"), n(&receipts, "/inferred")), (40, 0), "{receipts}");
    assert_eq!(n(&status(dir).unwrap(), "/states/in_doubt"), 20);
    is_sound(dir);
    simulator.kill();
}

#[test]
fn a_receipt_corrects_what_a_person_decided() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "receipt-delay = \"8s\"\n[faults]\nlost-answers = { after-submits = 5 }\n");
    let campaign = write_campaign(dir, 20, &simulator.address, "receipt-deadline = \"500ms\"");
    add_to_carrier(dir, "response-timeout = \"300ms\"");
    assert_eq!(run(dir, &campaign).0, Some(6));
    let resolve = ["doubt", "resolve", "test", "--as", "failed", "--yes"];
    assert_eq!(volley(dir).args(resolve).output().unwrap().status.code(), Some(0));
    let before = status(dir).unwrap();
    assert!(n(&before, "/states/failed") > 0 && n(&before, "/states/unknown") > 0, "{before}");
    // The next campaign over the carrier takes what comes late.
    let next = renamed(dir, &campaign, "next");
    let text = fs::read_to_string(&next).unwrap().replace("receipt-deadline = \"500ms\"", "");
    fs::write(&next, text).unwrap();
    let (code, words) = run(dir, &next);
    assert_eq!(code, Some(0), "{words}");
    let after = status(dir).unwrap();
    assert_eq!((n(&after, "/states/delivered"), n(&after, "/states/failed")), (20, 0), "{after}");
    assert_eq!(n(&after, "/inferred"), n(&before, "/states/failed"), "{after}");
    assert_eq!(n(&receipts(dir), "/late"), 20, "{}", receipts(dir));
    is_sound(dir);
    simulator.kill();
}

#[test]
fn another_reading_of_ids_is_proposed_and_takes_effect_with_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator =
        Simulator::start(dir, "message-ids = \"hex\"\nreceipt-ids = \"decimal\"\nreceipt-delay = \"10ms\"\n");
    let campaign = write_campaign(dir, 400, &simulator.address, "");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let proposal = || {
        let output = volley(dir).args(["status", "--json"]).output().unwrap();
        let all: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        all.pointer("/carriers/0/alarm").and_then(Value::as_str).map(str::to_owned)
    };
    let words = loop {
        if let Some(words) = proposal() {
            break words;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(words.contains("`id-mode = \"resp-hex-receipt-dec\"` in [carriers.north]"), "{words}");
    assert!(n(&status(dir).unwrap(), "/states/accepted") > 300, "it never switches by itself");
    crate::support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let words = stderr(&output);
    add_to_carrier(dir, "id-mode = \"resp-hex-receipt-dec\"");
    let output = volley(dir).args(["resume", "test", "--no-progress"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words}{}{:?}", stderr(&output), status(dir));
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 400);
    assert!(n(&receipts(dir), "/rematched") > 300 && n(&receipts(dir), "/orphans") == 0, "{}", receipts(dir));
    is_sound(dir);
    simulator.kill();
}
