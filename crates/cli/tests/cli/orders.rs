//! Orders from another process: pause, resume, pace, cancel; kept, and in effect within a second.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::support::{self, Running, Simulator, n, order, refused, signal, status, sum_of_states, until, volley};

const ROWS: u64 = 3_000;
/// Slow enough that a campaign is under way for as long as a test looks at it.
const SLOW: &str = "answer-latency = \"20ms\"\nreceipt-delay = \"20ms\"\n";

fn audit(dir: &Path) -> Vec<(String, String, String)> {
    let lines = order(dir, &["audit", "test"]);
    let text = |line: &Value, key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |line: &Value| (text(line, "order"), text(line, "by"), text(line, "why"));
    lines.as_array().unwrap().iter().map(line).collect()
}

/// A campaign at 500/s that has begun.
fn begun(dir: &Path) -> (Simulator, Running) {
    let simulator = Simulator::start(dir, SLOW);
    let campaign = support::write_campaign(dir, ROWS, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[schedule]\nrate = \"500/s\"\n")).unwrap();
    let running = Running::run(dir, &campaign);
    until(dir, "delivered", |status| n(status, "/states/delivered") > 50);
    (simulator, running)
}

#[test]
fn a_pause_holds_within_a_second_survives_a_kill_and_costs_no_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, running) = begun(dir);
    let paused = order(dir, &["pause", "test", "--reason", "wrong link", "--by", "anna"]);
    assert_eq!((n(&paused, "/in_flight") - n(&paused, "/drained"), sum_of_states(&paused)), (0, ROWS), "{paused}");
    let before = until(dir, "paused", |status| status["status"] == "paused");
    assert_eq!(n(&before, "/states/pending"), n(&paused, "/untouched"), "{paused} {before}");
    assert!(before["why"].as_str().unwrap().starts_with("paused by anna@"), "{before}");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(status(dir).unwrap()["segments"]["submitted"], before["segments"]["submitted"]);
    refused(dir, &["resume", "other"], 2, "no campaign `other`");

    running.kill();
    let resumed = Running::start(dir, &["resume", "test"]);
    let after = until(dir, "running again", |status| status["carriers"].is_array());
    assert_eq!((&after["status"], n(&after, "/states/pending")), (&"paused".into(), n(&paused, "/untouched")));
    assert_eq!(n(&order(dir, &["pace", "test", "5000/s"]), "/untouched"), n(&paused, "/untouched"));
    order(dir, &["resume", "test", "--by", "anna"]);
    let (code, words) = resumed.wait();
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("test stays paused by anna@"), "{words}");
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/delivered"), &status["segments"]["submitted"]), (ROWS, &ROWS.into()));
    let orders: Vec<_> = audit(dir).into_iter().map(|(order, _, why)| (order, why)).collect();
    let expected = [("pause", "wrong link"), ("pace", ""), ("resume", "")].map(|(o, w)| (o.to_owned(), w.to_owned()));
    assert_eq!(orders, expected);
    support::is_sound(dir);
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/unique_recipients"), n(&seen, "/copies_beyond_first")), (ROWS, 0), "{seen}");
}

#[test]
fn a_cancel_is_final_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, running) = begun(dir);
    refused(dir, &["cancel", "test"], 2, "add --yes");
    let cancelled = order(dir, &["cancel", "test", "--yes", "--reason", "wrong list"]);
    assert_eq!((n(&cancelled, "/untouched"), sum_of_states(&cancelled)), (0, ROWS), "{cancelled}");
    assert!(n(&cancelled, "/cancelled") > ROWS / 2, "{cancelled}");
    let (code, words) = running.wait();
    assert_eq!(code, Some(1), "{words}");
    let status = status(dir).unwrap();
    assert_eq!(n(&status, "/states/delivered") + n(&status, "/states/cancelled"), ROWS, "{status}");
    assert!(status["why"].as_str().unwrap().contains("cancelled by "), "{status}");
    support::is_sound(dir);
    refused(dir, &["cancel", "test", "--yes"], 2, "nothing was changed");
    let seen = simulator.stop();
    assert_eq!(n(&seen, "/unique_recipients"), n(&status, "/states/delivered"));
}

#[test]
fn what_does_not_run_is_paused_and_cancelled_from_the_store_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, running) = begun(dir);
    signal(&running.child, "INT");
    assert_eq!(running.wait().0, Some(130));
    let paused = order(dir, &["pause", "test"]);
    assert_eq!((&paused["running"], n(&paused, "/in_flight")), (&false.into(), 0), "{paused}");
    let resumed = Running::start(dir, &["resume", "test"]);
    until(dir, "running again", |status| status["carriers"].is_array() && status["status"] == "paused");
    let before = status(dir).unwrap();
    resumed.kill();
    let cancelled = order(dir, &["cancel", "test", "--yes"]);
    assert_eq!(n(&cancelled, "/cancelled"), n(&before, "/states/pending"), "{cancelled}");
    assert_eq!((&cancelled["status"], sum_of_states(&cancelled)), (&"finished".into(), ROWS), "{cancelled}");
    refused(dir, &["pause", "test"], 2, "nothing of it is left");
    refused(dir, &["pause", "tset"], 2, "no campaign `tset`");
    support::is_sound(dir);
    drop(simulator.stop());
}

/// When each submit came, in microseconds, by the simulator's log.
fn submits(dir: &Path) -> Vec<u64> {
    let log = fs::read_to_string(dir.join("submits.csv")).unwrap();
    log.lines().filter_map(|line| line.split(',').next()?.parse().ok()).collect()
}

#[test]
fn a_pace_holds_at_once_and_lets_no_burst_out() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, running) = begun(dir);
    order(dir, &["pace", "test", "20/s", "--reason", "the carrier asked for it"]);
    thread::sleep(Duration::from_millis(1_500));
    order(dir, &["pace", "test", "100/s", "--carrier", "north"]);
    refused(dir, &["pace", "test", "100/s", "--carrier", "south"], 2, "there are north");
    refused(dir, &["pace", "test", "fast"], 2, "is no rate");
    let all = submits(dir);
    let last = *all.last().unwrap();
    // What a session had in its hands when the order came may still have left.
    let late = all.iter().filter(|at| **at + 1_000_000 > last).count();
    assert!((5..=21).contains(&late), "{late} in the last second");
    let pace = explained(dir, None);
    assert_eq!(pace["carriers"][0]["limit"], "campaign rate 20/s", "{pace}");
    order(dir, &["pace", "test", "default"]);
    until(dir, "as fast as before", |status| n(status, "/states/delivered") > 700);
    let most =
        (0..all.len()).map(|from| all.iter().filter(|at| (all[from]..all[from] + 1_000_000).contains(*at)).count());
    assert!(most.max().unwrap() <= 501);
    running.kill();
    drop(simulator.stop());
}

#[test]
fn a_paused_carrier_leaves_its_rows_to_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let campaign = support::write_campaign(dir, ROWS, "127.0.0.1:1", "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[[route]]\ncarrier = \"south\"\n")).unwrap();
    let carrier = |name: &str| {
        format!(
            "[carriers.{name}]\nkind = \"simulated\"\nbinds = 2\nwindow = 50\nrate = \"300/s\"\n\
             [carriers.{name}.simulator]\nanswer-latency = \"20ms\"\nreceipt-delay = \"20ms\"\n"
        )
    };
    fs::write(dir.join("carriers.toml"), carrier("north") + &carrier("south")).unwrap();
    let running = Running::run(dir, &campaign);
    until(dir, "delivered", |status| n(status, "/states/delivered") > 50);
    order(dir, &["pause", "test", "--carrier", "north", "--reason", "maintenance"]);
    let submitted = |status: &Value, at: usize| {
        let binds = status["carriers"][at]["binds"].as_array().unwrap().iter();
        binds.map(|bind| bind["submitted"].as_u64().unwrap()).sum::<u64>()
    };
    let before = until(dir, "paused", |status| status["carriers"][0]["paused"].is_string());
    let after = until(dir, "gone on", |status| n(status, "/states/delivered") > ROWS / 2);
    assert_eq!(submitted(&before, 0), submitted(&after, 0));
    assert!(submitted(&before, 1) < submitted(&after, 1) && after["status"] == "running", "{after}");
    let limit = explained(dir, None)["carriers"][0]["limit"].as_str().unwrap().to_owned();
    assert!(limit.starts_with("paused by ") && limit.ends_with("because: maintenance"), "{limit}");
    refused(dir, &["resume", "test"], 5, "is in use");
    order(dir, &["resume", "test", "--carrier", "north"]);
    let (code, words) = running.wait();
    assert_eq!((code, n(&status(dir).unwrap(), "/states/delivered")), (Some(0), ROWS), "{words}");
}

fn is_cancelled(dir: &Path) -> bool {
    audit(dir).iter().any(|(order, ..)| order == "cancel")
}

#[test]
fn a_kill_in_the_middle_of_a_cancel_or_a_pause_loses_neither() {
    const MANY: u64 = 300_000;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, SLOW);
    let campaign = support::write_campaign(dir, MANY, &simulator.address, "");
    let running = Running::run(dir, &campaign);
    until(dir, "delivered", |status| n(status, "/states/delivered") > 50);
    let mut pause = volley(dir);
    let mut pause = pause.args(["pause", "test"]).stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(15));
    running.kill();
    pause.wait().unwrap();
    let mut was_paused = status(dir).unwrap()["status"] == "paused";
    for ms in [5, 20, 40, 80] {
        let running = Running::start(dir, &["resume", "test"]);
        let before = until(dir, "running again", |status| status["carriers"].is_array());
        assert!(!was_paused || before["status"] == "paused", "a pause is not forgotten: {before}");
        was_paused = before["status"] == "paused";
        let mut cancel = volley(dir);
        let mut cancel =
            cancel.args(["cancel", "test", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(ms));
        running.kill();
        let _ = cancel.kill();
        cancel.wait().unwrap();
        let status = status(dir).unwrap();
        assert_eq!(sum_of_states(&status), MANY, "killed after {ms} ms: {status}");
        if is_cancelled(dir) {
            break;
        }
    }
    if !is_cancelled(dir) {
        order(dir, &["cancel", "test", "--yes"]);
    }
    let resumed = volley(dir).args(["resume", "test", "--lift", "--no-progress"]).output().unwrap();
    let last = status(dir).unwrap();
    assert!(matches!(resumed.status.code(), Some(1 | 6)), "{}", support::stderr(&resumed));
    assert_eq!((n(&last, "/states/pending"), n(&last, "/states/deferred")), (0, 0), "{last}");
    assert!(n(&last, "/states/cancelled") > 0, "{last}");
    assert_eq!(sum_of_states(&last), MANY, "{last}");
    support::is_sound(dir);
    assert_eq!(n(&simulator.stop(), "/copies_beyond_first"), 0);
}

#[track_caller]
fn explained(dir: &Path, number: Option<&str>) -> Value {
    let mut arguments = vec!["explain", "test"];
    arguments.extend(number);
    order(dir, &arguments)
}

/// Details of what happened, by its word.
fn happened(explained: &Value) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let events = explained["events"].as_array().unwrap().iter();
    events.map(|event| (text(event, "what"), text(event, "details"))).collect()
}

#[test]
fn explain_tells_why_a_recipient_and_a_campaign_stand_where_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, SLOW);
    let campaign = support::write_campaign(dir, ROWS, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    let text = text.replace("[audience]\n", "[audience]\ndefault-country = \"DE\"\n");
    fs::write(&campaign, format!("{text}[schedule]\nrate = \"200/s\"\n")).unwrap();
    let mut list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let numbers: Vec<String> = list.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
    let columns = list.lines().next().unwrap().matches(',').count();
    list.push_str(&format!("{}{}\n12{}\n", numbers[0], ",x".repeat(columns), ",x".repeat(columns)));
    fs::write(dir.join("list.csv"), list).unwrap();
    let suppressed = volley(dir).args(["suppress", "add", &numbers[1], "--reason", "asked us"]).status();
    assert!(suppressed.unwrap().success());
    let running = Running::run(dir, &campaign);
    until(dir, "delivered", |status| n(status, "/states/delivered") > 50);
    // From the process that runs.
    let skipped = explained(dir, Some(&numbers[1]));
    assert_eq!(skipped["state"], "suppressed", "{skipped}");
    assert!(skipped["why"].as_str().unwrap().contains("the number is on global (since "), "{skipped}");
    assert!(happened(&skipped).iter().any(|(what, _)| what == "skipped"), "{skipped}");
    let pace = explained(dir, None);
    assert_eq!(pace["carriers"][0]["limit"], "campaign rate 200/s", "{pace}");
    let first = explained(dir, Some(&numbers[0]));
    assert_eq!((&first["state"], &first["rejected"][0]["code"]), (&"delivered".into(), &"duplicate".into()), "{first}");
    let words: Vec<_> = happened(&first).into_iter().map(|(what, _)| what).collect();
    assert_eq!(words, ["approved", "intent", "accepted", "receipt"], "{first}");
    let last = explained(dir, numbers.last().map(String::as_str));
    assert_eq!(last["why"], "its turn has not come", "{last}");
    order(dir, &["pause", "test", "--by", "anna", "--reason", "lunch"]);
    let pace = explained(dir, None);
    assert!(pace["why"].as_str().unwrap().starts_with("paused by anna@"), "{pace}");
    order(dir, &["cancel", "test", "--yes"]);
    running.wait();
    // From the store alone.
    let last = explained(dir, numbers.last().map(String::as_str));
    assert_eq!((&last["state"], &last["why"]), (&"cancelled".into(), &"it was not sent: cancelled".into()), "{last}");
    assert_eq!(happened(&last)[1], ("paused".to_owned(), format!("by anna@{}: lunch", hostname())), "{last}");
    let rejected = explained(dir, Some("12"));
    assert!(rejected["why"].as_str().unwrap().starts_with(&format!("line {} was rejected: ", ROWS + 3)), "{rejected}");
    assert_eq!(explained(dir, Some("+4915199999999"))["why"], "the number is not in the list");
    assert!(explained(dir, None)["why"].as_str().unwrap().starts_with("no process runs it: it is finished"));
    drop(simulator.stop());
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}
