//! Receipts and replies while no campaign runs, and what people are told who ask.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::Value;

use crate::{
    replies::{at_bind, campaign_with_replies, number, replies, run, set_rate, submitted},
    support::{Simulator, n, signal, status, stderr, volley, write_campaign},
};

#[test]
fn help_and_start_are_answered_once_a_day_and_only_where_a_text_is() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 60, |number| {
        let (one, two) = (number(50), number(55));
        at_bind(&[(&one, "HELP"), (&one, "help!"), (&one, "AIDE"), (&two, "INFO"), (&two, "START")], "")
    });
    set_rate(dir, "40/s");
    let text = fs::read_to_string(&campaign).unwrap();
    let section = "[replies]\nhelp = \"ACME, acme.example. STOP ends it.\"\nwelcome = \"Back again.\"\n[delivery]";
    fs::write(&campaign, text.replace("[delivery]", section)).unwrap();
    run(dir, &campaign, &[]);
    let copies = |row| submitted(dir).iter().filter(|to| **to == number(dir, row)).count();
    // The message itself and one answer each; START of somebody who never opted out needs none.
    assert_eq!((copies(50), copies(55)), (2, 2));
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/segments/submitted"), n(&status, "/states/delivered")), (60, 60), "{status}");
    // The same the next minute, by another process.
    run(dir, &campaign, &["--again"]);
    assert_eq!((copies(50), copies(55)), (3, 3));
    drop(simulator.stop());
}

#[test]
fn replies_and_late_receipts_are_taken_while_no_campaign_runs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_campaign(dir, 20, "127.0.0.1:1", "");
    let stops = number(dir, 3);
    let options = format!(
        "receipt-delay = \"3s\"\n[replies]\ndelay = \"3s\"\nat-bind = [{{ from = \"{stops}\", text = \"STOP\" }}]\n"
    );
    let simulator = Simulator::start(dir, &options);
    let campaign = write_campaign(dir, 20, &simulator.address, "receipt-deadline = \"1s\"");
    run(dir, &campaign, &[]);
    assert_eq!(n(&status(dir).unwrap(), "/states/unknown"), 20, "{}", status(dir).unwrap());
    let mut command = volley(dir);
    command.args(["listen", "--json", "--carriers"]).arg(dir.join("carriers.toml")).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("north: bound"), "{line}");
    // The numbers can be asked for meanwhile, and they move.
    while status(dir).is_none_or(|status| n(&status, "/states/delivered") < 20) || replies(dir, &[]).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let taken: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((n(&taken, "/receipts"), n(&taken, "/replies"), n(&taken, "/opt_outs")), (20, 1, 1), "{taken}");
    let check = volley(dir).args(["suppress", "check", &format!("+{stops}")]).output().unwrap();
    assert!(String::from_utf8_lossy(&check.stdout).contains("by reply"));
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/receipts_acknowledged"), n(&seen, "/replies_acknowledged")), (20, 1), "{seen}");
    assert_eq!(volley(dir).arg("doctor").output().unwrap().status.code(), Some(0));
}
