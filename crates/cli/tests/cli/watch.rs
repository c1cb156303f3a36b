//! A run as others see it while it goes on: in another terminal, and as lines of JSON.

use std::{path::Path, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::support::{self, Simulator, n, signal, stderr, volley};

fn events(stdout: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn until_it_runs(dir: &Path) {
    let is_running =
        || support::status(dir).is_some_and(|status| status.get("status").is_some_and(|it| it == "running"));
    while !dir.join("data/control.sock").exists() || !is_running() {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_is_watched_from_another_process_and_told_in_lines_of_json() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(dir.path(), "throttle-above = \"300/s\"\nreceipt-delay = \"100ms\"\n");
    let campaign = support::write_campaign(dir.path(), 1_000, &simulator.address, "");
    let nobody = volley(dir.path()).arg("watch").output().unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("no campaign runs on"), "{}", stderr(&nobody));

    let mut run = volley(dir.path());
    run.arg("run").arg(&campaign).args(["--yes", "--json-lines"]);
    let run = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until_it_runs(dir.path());
    let unknown = volley(dir.path()).args(["watch", "nobody"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
    let mut lines = volley(dir.path());
    let lines = lines.args(["watch", "test", "--every", "200ms", "--json-lines"]).output().unwrap();
    let run = run.wait_with_output().unwrap();
    assert_eq!((run.status.code(), lines.status.code()), (Some(0), Some(0)), "{} {}", stderr(&run), stderr(&lines));

    for (whose, stdout) in [("run", &run.stdout), ("watch", &lines.stdout)] {
        let events = events(stdout);
        let last = events.last().unwrap();
        assert_eq!((last["event"].as_str(), n(last, "/campaign/states/delivered")), (Some("ended"), 1_000), "{whose}");
        let looks: Vec<_> = events.iter().filter(|event| event["event"] == "progress").collect();
        assert!(looks.len() >= 2, "{whose}: {events:?}");
        let last_look = looks.last().unwrap();
        assert_eq!(last_look.pointer("/carriers/0/carrier"), Some(&Value::from("north")), "{whose}: {last_look}");
        for look in looks {
            assert_eq!(support::sum_of_states(&look["campaign"]), 1_000, "{whose}: {look}");
        }
    }
    simulator.stop();
}

#[test]
fn watching_is_only_looking() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(dir.path(), "throttle-above = \"200/s\"\n");
    let campaign = support::write_campaign(dir.path(), 600, &simulator.address, "");
    let mut run = volley(dir.path());
    let run = run.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdout(Stdio::null()).spawn().unwrap();
    until_it_runs(dir.path());
    let mut watch = volley(dir.path());
    let watch = watch.args(["watch", "--every", "100ms"]).stdout(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    signal(&watch, "INT");
    let watched = watch.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&watched.stdout).lines().count() >= 2, "{watched:?}");
    let run = run.wait_with_output().unwrap();
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(n(&simulator.stop(), "/unique_recipients"), 600);
}
