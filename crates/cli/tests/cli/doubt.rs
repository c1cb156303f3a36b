//! Rows in doubt, as a person meets them: listed, decided on, corrected by receipts.

use std::{path::Path, process::Stdio};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

const ROWS: u64 = 300;

/// Runs a campaign over a carrier that loses some answers, and gives the carrier.
fn run_with_doubt(dir: &Path, simulator: &str) -> Simulator {
    let simulator = Simulator::start(dir, simulator);
    let campaign = write_campaign(dir, ROWS, &simulator.address, "receipt-deadline = \"1s\"");
    let carriers = dir.join("carriers.toml");
    let text = std::fs::read_to_string(&carriers).unwrap();
    std::fs::write(&carriers, format!("{text}response-timeout = \"300ms\"\n")).unwrap();
    let output = volley(dir).arg("run").arg(campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    simulator
}

fn doubt(dir: &Path, args: &[&str]) -> (Option<i32>, Value, String) {
    let output = volley(dir).arg("doubt").args(args).stdin(Stdio::null()).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), json, stderr(&output))
}

fn rows(listed: &Value) -> Vec<u64> {
    listed["rows"].as_array().unwrap().iter().map(|row| n(row, "/row")).collect()
}

#[test]
fn rows_in_doubt_are_listed_masked_and_decided_on_each_way() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = run_with_doubt(dir, "seed = 3\n[faults]\nlost-answers = 0.03\nlost-receipts = 1.0\n");
    let before = status(dir).unwrap();
    let (code, listed, _) = doubt(dir, &["list", "test", "--json"]);
    let numbers = rows(&listed);
    assert_eq!((code, numbers.len() as u64), (Some(0), n(&before, "/states/in_doubt")), "{listed}");
    assert!(numbers.len() >= 3, "{listed}");
    for row in listed["rows"].as_array().unwrap() {
        assert_eq!((n(row, "/line"), row["carrier"].as_str()), (n(row, "/row") + 1, Some("north")), "{row}");
        assert!(row["number"].as_str().unwrap().contains("***"), "{row}");
        assert_eq!(row["cause"].as_str(), Some("no answer in time"), "{row}");
        assert!(row["since"].as_str().unwrap().ends_with('Z'), "{row}");
    }
    let first = numbers[0].to_string();
    let (code, _, words) = doubt(dir, &["resolve", "test", "--as", "sent", "--rows", &first]);
    assert_eq!(code, Some(2), "asks, and nobody is there: {words}");
    let (code, _, words) = doubt(dir, &["resolve", "test", "--as", "sent", "--rows", "1-300", "--yes"]);
    assert!(code == Some(2) && words.contains("is not in doubt; nothing was decided"), "{words}");
    assert_eq!(status(dir).unwrap()["states"], before["states"]);
    let (code, decided, words) =
        doubt(dir, &["resolve", "test", "--as", "sent", "--rows", &first, "--yes", "--json", "--why", "the portal"]);
    assert_eq!((code, n(&decided, "/rows")), (Some(6), 1), "{words}");
    let second = numbers[1].to_string();
    let (code, _, words) = doubt(dir, &["resolve", "test", "--as", "failed", "--rows", &second, "--yes"]);
    assert_eq!(code, Some(6), "{words}");
    let (code, decided, words) = doubt(dir, &["resolve", "test", "--as", "resend", "--yes", "--json"]);
    assert_eq!((code, n(&decided, "/remaining")), (Some(0), 0), "{words}");
    let after = status(dir).unwrap();
    assert_eq!(sum_of_states(&after), ROWS, "{after}");
    let n_again = numbers.len() as u64 - 2;
    assert_eq!((n(&after, "/states/failed"), n(&after, "/states/in_doubt")), (1, 0), "{after}");
    assert_eq!((n(&after, "/states/pending"), n(&after, "/possible_duplicates")), (n_again, n_again), "{after}");
    let csv = volley(dir).args(["report", "test", "--csv"]).output().unwrap();
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv.lines().filter(|line| line.contains(",yes,")).count() as u64, n_again, "marked in the report");
    simulator.kill();
}

#[test]
fn what_a_kill_left_in_flight_can_be_decided_on_without_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-latency = \"10s\"\n");
    let campaign = write_campaign(dir, ROWS, &simulator.address, "");
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while status(dir).is_none_or(|status| n(&status, "/states/in_flight") < 50) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (code, listed, words) = doubt(dir, &["list", "test", "--json"]);
    assert_eq!((code, n(&listed, "/in_doubt")), (Some(0), 0), "in flight while it runs: {words}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, listed, words) = doubt(dir, &["list", "test", "--json"]);
    assert!(n(&listed, "/in_doubt") >= 50, "{listed}{words}");
    assert_eq!(listed["rows"][0]["cause"].as_str(), Some("stopped before the answer"), "{listed}");
    simulator.kill();
}

#[test]
fn a_running_process_lists_what_is_in_doubt_and_nobody_decides_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "receipt-delay = \"1h\"\n[faults]\nlost-answers = { after-submits = 20 }\n");
    let campaign = write_campaign(dir, ROWS, &simulator.address, "");
    let carriers = dir.join("carriers.toml");
    let text = std::fs::read_to_string(&carriers).unwrap();
    std::fs::write(&carriers, format!("{text}response-timeout = \"300ms\"\n")).unwrap();
    let mut run = volley(dir);
    run.arg("run").arg(campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null());
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let in_doubt = loop {
        let state = |status: &Value, state: &str| n(status, &format!("/states/{state}"));
        match status(dir) {
            Some(status) if state(&status, "in_doubt") + state(&status, "accepted") == ROWS => {
                break state(&status, "in_doubt");
            }
            _ => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    let (code, listed, words) = doubt(dir, &["list", "test", "--json"]);
    assert!(in_doubt > 0 && code == Some(0), "{words}");
    assert_eq!((rows(&listed).len() as u64, n(&listed, "/in_doubt")), (in_doubt, in_doubt), "{listed}");
    assert_eq!((&listed["campaign"], &listed["rows"][0]["carrier"]), (&Value::from("test"), &Value::from("north")));
    let (code, _, words) = doubt(dir, &["list", "other"]);
    assert!(code == Some(2) && words.contains("other"), "{code:?} {words}");
    let (code, _, words) = doubt(dir, &["resolve", "test", "--as", "sent", "--yes"]);
    assert_eq!(code, Some(5), "{words}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, again, words) = doubt(dir, &["list", "test", "--json"]);
    assert_eq!((code, &again["rows"]), (Some(0), &listed["rows"]), "the same from journal and store: {words}");
    simulator.kill();
}
