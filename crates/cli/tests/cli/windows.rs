//! Windows, quiet hours, deadlines: the real binary and its clock.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan as _, Zoned, tz::TimeZone};
use serde_json::Value;

use crate::support::{self, Simulator, n, signal, status, stderr, sum_of_states, volley};

/// A list of which every other row is in a zone that is twelve hours from the first.
fn write(dir: &Path, n_rows: u32, schedule: &str, carriers: &str) -> PathBuf {
    let mut list = String::from("phone,zone\n");
    for row in 0..n_rows {
        let zone = if row % 2 == 0 { "Etc/GMT" } else { "Etc/GMT+12" };
        let _ = writeln!(list, "+49151{:08},{zone}", 12_300_000 + row);
    }
    fs::write(dir.join("list.csv"), list).unwrap();
    fs::write(dir.join("carriers.toml"), carriers).unwrap();
    let campaign = format!(
        "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\ntime-zone-column = \"zone\"\n\
         [message]\nsender = \"ACME\"\ntext = \"Hello. Reply STOP to opt out.\"\n[schedule]\n{schedule}\n\
         [[route]]\ncarrier = \"north\"\n"
    );
    let path = dir.join("campaign.toml");
    fs::write(&path, campaign).unwrap();
    path
}

const SIMULATED: &str =
    "[carriers.north]\nkind = \"simulated\"\n[carriers.north.simulator]\nreceipt-delay = \"10ms\"\n";

fn now() -> Zoned {
    Timestamp::now().to_zoned(TimeZone::UTC)
}

/// A window of some hours in which it is now, in UTC.
fn around_now() -> String {
    let clock = |at: Zoned| at.strftime("%H:%M").to_string();
    format!("window = \"{}-{}\"", clock(now() - 2.hours()), clock(now() + 3.hours()))
}

fn start(dir: &Path, what: &[&str]) -> Child {
    let mut command: Command = volley(dir);
    command.args(what).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until `status` is as wanted.
#[expect(clippy::disallowed_methods, reason = "a real process is waited for")]
#[track_caller]
fn until(dir: &Path, is_right: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        // Before it answers, a look at the store would keep it from taking the store.
        let found = dir.join("data/control.sock").exists().then(|| status(dir)).flatten();
        if let Some(found) = found.as_ref().filter(|found| is_right(found)) {
            return found.clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{found:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn rows_outside_their_hours_wait_and_say_until_when() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let campaign = write(dir, 9_000, &around_now(), SIMULATED);
    for what in [vec!["run", campaign.to_str().unwrap(), "--yes", "--no-progress"], vec!["resume", "--no-progress"]] {
        let child = start(dir, &what);
        let waits = |it: &Value| n(it, "/states/delivered") == 4_500 && n(it, "/states/deferred") == 4_500;
        let found = until(dir, waits);
        assert_eq!(sum_of_states(&found), 9_000, "{found}");
        let reason = found.pointer("/schedule/waiting/0/reason").and_then(Value::as_str).unwrap();
        assert!(reason.starts_with("quiet hours until ") && reason.ends_with(" in Etc/GMT+12"), "{reason}");
        assert_eq!(found.pointer("/reasons").and_then(|reasons| reasons.get(reason)), Some(&Value::from(4_500)));
        signal(&child, "INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    }
    support::is_sound(dir);
}

#[test]
fn validity_ends_with_the_window_in_every_pdu() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "receipt-delay = \"10ms\"\n");
    let carriers =
        format!("[carriers.north]\nkind = \"smpp\"\nhosts = [\"{}\"]\nsystem-id = \"acme\"\n", simulator.address);
    let window = format!("{}\ntime-zone = \"UTC\"", around_now());
    let campaign = write(dir, 20, &window, &carriers);
    let (code, told) = support::run(dir, &campaign);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("  window ") && told.contains(" in UTC\n"), "{told}");
    assert_eq!(n(&simulator.stop(), "/unique_recipients"), 20);
}

#[test]
fn a_start_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let at = now() + 4.seconds();
    let campaign = write(dir, 20, &format!("start = \"{}\"", at.timestamp()), SIMULATED);
    let child = start(dir, &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    let found = until(dir, |found| found.pointer("/schedule/start").is_some_and(Value::is_string));
    assert_eq!(n(&found, "/segments/submitted"), 0, "{found}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(now() >= at && n(&status(dir).unwrap(), "/states/delivered") == 20);
}

#[test]
fn what_is_not_begun_by_the_deadline_expires_and_it_was_said_before() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let at = (now() + 6.seconds()).timestamp();
    let campaign = write(dir, 9_000, &format!("rate = \"20/s\"\nfinish-by = \"{at}\""), SIMULATED);
    let child = start(dir, &["run", campaign.to_str().unwrap(), "--yes"]);
    let found = until(dir, |found| found.pointer("/schedule/deadline").is_some_and(Value::is_object));
    assert_eq!(found.pointer("/schedule/deadline/feasible"), Some(&Value::Bool(false)), "{found}");
    assert!(n(&found, "/schedule/deadline/short_by_segments") > 8_000, "{found}");
    let output = child.wait_with_output().unwrap();
    assert!(stderr(&output).contains("can't be kept: it takes "), "{}", stderr(&output));
    let found = status(dir).unwrap();
    let (delivered, expired) = (n(&found, "/states/delivered"), n(&found, "/states/expired"));
    assert!(delivered >= 20 && expired > 8_000 && delivered + expired == 9_000, "{found}");
    assert_eq!(n(&found, "/reasons/not begun by the deadline"), expired, "{found}");
    support::is_sound(dir);
}

#[test]
fn rows_are_spread_over_the_time_that_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let at = (now() + 10.minutes()).timestamp();
    let campaign = write(dir, 6_000, &format!("finish-by = \"{at}\"\nspread = true"), SIMULATED);
    let child = start(dir, &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    let found = until(dir, |found| n(found, "/segments/submitted") >= 20);
    assert!(n(&found, "/segments/submitted") < 1_000, "10/s or so: {found}");
    let needed = found.pointer("/schedule/deadline/needed_per_s").and_then(Value::as_f64).unwrap();
    assert!((9.0..13.0).contains(&needed), "{found}");
    assert_eq!(found.pointer("/schedule/deadline/feasible"), Some(&Value::Bool(true)), "{found}");
    signal(&child, "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn what_could_send_nothing_is_refused_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (schedule, expected) in [
        ("finish-by = \"2026-01-01T00:00:00Z\"", "`finish-by` (2026-01-01T00:00:00Z) has passed"),
        ("window = \"9-17\"", "campaign.toml:10:10: `9-17` is no span of hours"),
        ("rules = \"off\"", "needs a `rules-reason`"),
        ("rules = \"none.toml\"", "none.toml: no such file"),
        ("spread = true", "`spread` needs an end"),
    ] {
        let campaign = write(dir, 2, schedule, SIMULATED);
        let (code, told) = support::run(dir, &campaign);
        assert_eq!(code, Some(2), "{schedule}: {told}");
        assert!(told.contains(expected), "{schedule}: {told}");
    }
}

#[test]
fn rule_packs_are_shown_with_source_and_date() {
    let dir = tempfile::tempdir().unwrap();
    let told = |args: &[&str]| {
        let output = volley(dir.path()).arg("rules").args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, list) = told(&["list"]);
    assert!(code == Some(0) && list.lines().count() == 15, "{list}");
    let (code, france) = told(&["show", "FR"]);
    assert!(code == Some(0) && france.contains("Mon-Sat 08:00-20:00") && france.contains("source"), "{france}");
    let (_, json) = told(&["show", "US", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let ids: Vec<_> = json.as_array().unwrap().iter().map(|pack| pack["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["us-federal", "us-states", "us-10dlc"]);
    assert_eq!(told(&["show", "BR"]).0, Some(1));
    assert_eq!(told(&["show", "france"]).0, Some(2));
}
