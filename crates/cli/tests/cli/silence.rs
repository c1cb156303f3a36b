//! No number, no text of a person and no secret in what is logged, at any level above TRACE.

use std::{fs, path::Path, process::Stdio};

use crate::{
    replies::{at_bind, campaign_with_replies, number, set_rate},
    support::{status, volley},
};

const SECRET: &str = "s3cr3t-canary";

/// Runs a command with its log at DEBUG, and gives all of stderr.
fn log_of(dir: &Path, args: &[&str]) -> String {
    let mut command = volley(dir);
    command.args(args).env("VOLLEY_LOG", "debug").env("RUST_LOG", "debug").stdin(Stdio::null());
    let output = command.env("NORTH_PASSWORD", SECRET).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1 | 6)), "{args:?}: {log}");
    log
}

#[test]
fn no_number_and_no_secret_is_logged_by_any_command() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 200, |number| {
        let (stops, gone) = (number(150), number(7));
        at_bind(&[(&stops, "STOP, Zebulon"), (&gone, "HELP"), ("not a number", "hm")], "copies = 2\n")
    });
    set_rate(dir, "400/s");
    let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
    let carriers = carriers.replace("system-id", "password = { env = \"NORTH_PASSWORD\" }\nsystem-id");
    fs::write(dir.join("carriers.toml"), &carriers).unwrap();
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, text.replace("[delivery]", "[replies]\nhelp = \"ACME\"\n[delivery]")).unwrap();
    // Rejected rows with what people write where a number should be.
    let list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let bad = list.lines().nth(3).unwrap().replacen('+', "+49 151 2345678 ext ", 1);
    fs::write(dir.join("list.csv"), format!("{list}{bad}\n{}\n", list.lines().nth(5).unwrap())).unwrap();
    let file = campaign.to_str().unwrap();
    let (gone, other) = (format!("+{}", number(dir, 7)), format!("+{}", number(dir, 8)));
    let mut log = log_of(dir, &["run", file, "--yes"]);
    assert!(status(dir).is_some());
    for args in [
        &["resume", "test"][..],
        &["run", file, "--yes", "--again", "--no-progress"],
        &["replies"],
        &["replies", "--csv"],
        &["suppress", "add", &other, "--reason", "moved"],
        &["suppress", "list", "--list", "global"],
        &["suppress", "check", &other],
        &["erase", &gone, "--yes", "--reason", &gone],
        &["erase", "--expired"],
        &["report", "test"],
        &["doctor"],
        &["status"],
    ] {
        log.push_str(&log_of(dir, args));
    }
    assert!(log.contains("DEBUG") || log.contains("INFO") || !log.is_empty(), "something was logged at all");
    for row in 0..200 {
        let number = number(dir, row);
        let at = log.find(&number).or_else(|| log.find(&number[3..]));
        assert!(at.is_none(), "{}", &log[at.unwrap().saturating_sub(200)..]);
    }
    assert!(!log.contains(SECRET) && !log.contains("Zebulon") && !log.contains("2345678"), "{log}");
    drop(simulator.stop());
}
