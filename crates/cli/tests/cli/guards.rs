//! Guards of a run: the canary, the shares that pause, and the budget, each with its word in the
//! audit log and exit code 3.

use std::{fs, path::Path};

use crate::support::{self, Running, Simulator, add_to_carrier, n, order, run, status, sum_of_states, until, volley};

const ROWS: u64 = 2_000;

/// The campaign `test` with guards; gives its simulator.
fn guarded(dir: &Path, simulator: &str, guards: &str) -> (Simulator, std::path::PathBuf) {
    let simulator = Simulator::start(dir, simulator);
    let campaign = support::write_campaign(dir, ROWS, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}{guards}\n")).unwrap();
    (simulator, campaign)
}

/// Orders with who gave them.
fn audit(dir: &Path) -> Vec<String> {
    let lines = order(dir, &["audit", "test"]);
    let words =
        |line: &serde_json::Value| format!("{} {}", line["order"].as_str().unwrap(), line["by"].as_str().unwrap());
    lines.as_array().unwrap().iter().map(words).collect()
}

#[test]
fn a_canary_that_fails_stops_the_run_and_a_resume_goes_on_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let behaviour = "seed = 3\nfinal-states = { delivered = 0.5, undelivered = 0.5 }\nreceipt-delay = \"10ms\"\n";
    let canary = "[guards.canary]\nrows = 200\ndelivered = 0.9\nwait = \"20s\"";
    let (simulator, campaign) = guarded(dir, behaviour, canary);
    let (code, words) = run(dir, &campaign);
    assert_eq!(code, Some(3), "{words}");
    assert!(words.contains("fewer than 90 % can be"), "{words}");
    let stopped = status(dir).unwrap();
    assert_eq!((n(&stopped, "/segments/submitted"), n(&stopped, "/states/pending")), (200, ROWS - 200), "{stopped}");
    assert_eq!((&stopped["status"], audit(dir)), (&"stopped".into(), vec!["pause guard canary".to_owned()]));
    let resumed = volley(dir).args(["resume", "test", "--by", "anna", "--no-progress"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", support::stderr(&resumed));
    let finished = status(dir).unwrap();
    assert_eq!((n(&finished, "/segments/submitted"), sum_of_states(&finished)), (ROWS, ROWS), "{finished}");
    let orders = audit(dir);
    assert!(orders.len() == 3 && orders[1].starts_with("resume anna@") && orders[2].starts_with("pass anna@"));
    assert_eq!(n(&simulator.stop(), "/copies_beyond_first"), 0);
}

#[test]
fn a_canary_that_arrives_lets_the_others_follow() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let canary = "[guards.canary]\nshare = 0.01\ndelivered = 1.0\nwait = \"20s\"";
    let (simulator, campaign) = guarded(dir, "receipt-delay = \"300ms\"\n", canary);
    let running = Running::run(dir, &campaign);
    until(dir, "at the canary", |status| n(status, "/segments/submitted") == 20);
    let (code, words) = running.wait();
    assert_eq!((code, n(&status(dir).unwrap(), "/states/delivered")), (Some(0), ROWS), "{words}");
    assert_eq!(audit(dir), ["pass guard canary"]);
    drop(simulator.stop());
}

#[test]
fn a_carrier_that_fails_too_much_is_paused_and_the_run_ends_when_none_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let behaviour = "seed = 5\nanswer-latency = \"10ms\"\nanswer-errors = { \"0x0b\" = 0.5 }\n";
    let (simulator, campaign) = guarded(dir, behaviour, "[guards.pause]\nminimum = 50\nrefused = { \"0x0b\" = 0.3 }");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[schedule]\nrate = \"500/s\"\n")).unwrap();
    let (code, words) = run(dir, &campaign);
    assert_eq!(code, Some(3), "{words}");
    assert!(words.contains("carrier north: ") && words.contains("were 0x0b, more than 30 %"), "{words}");
    assert!(n(&status(dir).unwrap(), "/states/pending") > ROWS / 2, "{:?}", status(dir));
    assert_eq!(audit(dir), ["pause guard pause"]);
    drop(simulator.stop());
}

#[test]
fn a_budget_is_spent_to_the_segment_and_never_exceeded_over_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let behaviour =
        "seed = 7\nanswer-latency = \"20ms\"\nreceipt-delay = \"20ms\"\nanswer-errors = { \"0x0b\" = 0.2 }\n";
    // A thousand segments and no millionth more.
    let (simulator, campaign) = guarded(dir, behaviour, "[guards.budget]\nat-most = \"45.044999 EUR\"");
    add_to_carrier(dir, "rate = \"1000/s\"\nprice-per-segment = { default = \"0.045 EUR\" }");
    let running = Running::run(dir, &campaign);
    until(dir, "half way", |status| n(status, "/segments/accepted") > 300);
    running.kill();
    let resumed = volley(dir).args(["resume", "test", "--no-progress"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(3), "{}", support::stderr(&resumed));
    let stopped = status(dir).unwrap();
    let taken = n(&stopped, "/segments/accepted") + n(&stopped, "/states/in_doubt");
    assert_eq!(taken, 1_000, "{stopped}");
    assert!(n(&stopped, "/states/failed") > 100 && n(&stopped, "/states/pending") > 0, "{stopped}");
    assert!(stopped["why"].as_str().unwrap().contains("45.00 EUR of 45.044999 EUR are spent"), "{stopped}");
    let seen = simulator.stop();
    assert!(n(&seen, "/unique_recipients") >= 1_000, "{seen}");
    support::is_sound(dir);
}

#[test]
fn a_budget_without_prices_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let campaign = support::write_campaign(dir.path(), 10, "127.0.0.1:1", "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[guards.budget]\nat-most = \"10 EUR\"\n")).unwrap();
    let (code, words) = run(dir.path(), &campaign);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("carrier `north` has no price"), "{words}");
}
