//! Ctrl-C drains and says how to resume; a resume finishes, also with simulated carriers.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use crate::support::{self, Simulator, n, signal, status, stderr, sum_of_states, volley};

fn interrupt_and_resume(dir: &Path, campaign: &Path, rows: u64, after: Duration) {
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(after);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("`volley resume test` goes on"), "{}", stderr(&output));
    let interrupted = status(dir).unwrap();
    assert_eq!((n(&interrupted, "/states/in_flight"), n(&interrupted, "/states/in_doubt")), (0, 0), "{interrupted}");
    assert_eq!(sum_of_states(&interrupted), rows);
    assert!(n(&interrupted, "/states/pending") > 0, "interrupted too late to mean anything: {interrupted}");
    let resumed = volley(dir).args(["resume", "--no-progress"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let finished = status(dir).unwrap();
    assert_eq!(n(&finished, "/states/delivered"), rows, "{finished}");
}

#[test]
fn interrupted_campaign_drains_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(dir.path(), "answer-latency = \"50ms\"\nreceipt-delay = \"30ms\"\n");
    let campaign = support::write_campaign(dir.path(), 4_000, &simulator.address, "");
    interrupt_and_resume(dir.path(), &campaign, 4_000, Duration::from_millis(900));
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/unique_recipients"), n(&seen, "/copies_beyond_first")), (4_000, 0), "{seen}");
}

#[test]
fn simulated_carriers_owe_their_receipts_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let campaign = support::write_campaign(dir.path(), 4_000, "127.0.0.1:1", "");
    let carriers = "[carriers.north]\nkind = \"simulated\"\nwindow = 50\n\
                    [carriers.north.simulator]\nanswer-latency = \"20ms\"\nreceipt-delay = \"1s\"\n";
    fs::write(dir.path().join("carriers.toml"), carriers).unwrap();
    interrupt_and_resume(dir.path(), &campaign, 4_000, Duration::from_millis(900));
}
