//! `volley send-test`: one message, to one phone, counted nowhere.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::support::{Simulator, n, stderr, volley, write_campaign};

const PHONE: &str = "+4915799999901";

fn send(dir: &Path, args: &[&str]) -> Output {
    let mut command = volley(dir);
    command.arg("send-test").arg(dir.join("campaign.toml")).args(["--to", PHONE, "--no-progress"]).args(args);
    command.stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// Changes one piece of the campaign file.
fn edit(dir: &Path, from: &str, to: &str) {
    let path = dir.join("campaign.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn the_phone_gets_the_rows_message_and_each_answer_and_receipt_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator =
        Simulator::start(dir, "receipt-delay = \"20ms\"\nmessage-ids = \"hex\"\nreceipt-ids = \"decimal\"\n");
    write_campaign(dir, 20, &simulator.address, "");
    let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
    fs::write(dir.join("carriers.toml"), format!("{carriers}id-mode = \"resp-hex-receipt-dec\"\n")).unwrap();
    let list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let name = |line: usize| list.lines().nth(line - 1).unwrap().split(',').nth(1).unwrap().to_owned();
    let first = send(dir, &[]);
    assert_eq!(first.status.code(), Some(0), "{}{}", stdout(&first), stderr(&first));
    let words = stdout(&first);
    assert!(
        words.starts_with("test, line 2, to +4915") && words.contains(&format!("\n  Hi {}, use ", name(2))),
        "{words}"
    );
    for step in ["part 1 of 1", "accepted under ", "receipt for part 1 of 1", "delivered"] {
        assert!(words.contains(step), "{words}");
    }
    assert!(!words.contains(&PHONE[1..]), "{words}");
    // Two parts, of another row, as JSON: these keys are a promise.
    edit(dir, "Hi {{ first_name }}", &format!("Hi {{{{ first_name }}}} {}", "0123456789".repeat(15)));
    let second = json(&send(dir, &["--row", "7", "--json"]));
    let keys: Vec<_> = second.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["campaign", "carrier", "to", "line", "variant", "alphabet", "parts", "characters", "text", "passed", "steps"];
    assert_eq!(keys, expected);
    let n_parts = n(&second, "/parts");
    assert!(n_parts > 1 && n(&second, "/line") == 7 && second["passed"] == true, "{second:#}");
    assert!(second["text"].as_str().unwrap().starts_with(&format!("Hi {} 0123", name(7))));
    let is_delivered = |step: &&Value| step["detail"].as_str().unwrap().starts_with("delivered");
    let steps = second["steps"].as_array().unwrap();
    assert_eq!(steps.iter().filter(is_delivered).count() as u64, n_parts, "{second:#}");
    // Nothing is sent, and nothing was remembered.
    let dry = send(dir, &["--dry-run", "--json"]);
    assert!(dry.status.success() && json(&dry).get("steps").is_none() && stderr(&dry).contains("nothing was sent"));
    assert!(!dir.join("data").exists());
    let seen = simulator.stop();
    let counts = (n(&seen, "/submits"), n(&seen, "/unique_recipients"), n(&seen, "/receipts_acknowledged"));
    assert_eq!(counts, (1 + n_parts, 1, 1 + n_parts));
}

#[test]
fn what_the_carrier_does_decides_the_exit_code() {
    for (behaviour, code, word) in [
        ("answer-errors = { \"0x0b\" = 1.0 }\n", 1, "refused with"),
        ("final-states = { undelivered = 1.0 }\n", 1, "undeliverable"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let simulator = Simulator::start(dir.path(), behaviour);
        write_campaign(dir.path(), 5, &simulator.address, "");
        let output = send(dir.path(), &[]);
        assert_eq!(output.status.code(), Some(code), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).contains(word) && stdout(&output).contains("FAILED"), "{}", stdout(&output));
        drop(simulator.stop());
    }
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there.
    write_campaign(dir.path(), 5, "127.0.0.1:1", "");
    assert_eq!(send(dir.path(), &[]).status.code(), Some(4));
    // A carrier that volley plays itself, through the bind of its own.
    fs::write(dir.path().join("carriers.toml"), "[carriers.north]\nkind = \"simulated\"\n").unwrap();
    let output = send(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn rows_carriers_and_phones_that_do_not_do_are_refused_with_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    write_campaign(dir, 5, &simulator.address, "");
    let list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let again = list.lines().nth(1).unwrap();
    fs::write(dir.join("list.csv"), format!("{list}{again}\n")).unwrap();
    let refused = |args: &[&str], code, words: &[&str]| {
        let output = send(dir, args);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(words.iter().all(|word| stderr(&output).contains(word)), "{}", stderr(&output));
    };
    refused(&["--row", "7"], 1, &["line 7", "it is rejected, duplicate"]);
    refused(&["--row", "99"], 1, &["line 99", "no row begins there"]);
    refused(&["--carrier", "nort"], 2, &["carrier `nort` is in no route", "it has north"]);
    refused(&["--to", "12"], 2, &[]);
    let add = |list: &[&str]| {
        let args = [&["suppress", "add", PHONE, "--reason", "asked"], list].concat();
        assert!(volley(dir).args(args).output().unwrap().status.success());
    };
    add(&["--list", "brand"]);
    assert_eq!(send(dir, &[]).status.code(), Some(0), "the campaign does not keep to that list");
    edit(dir, "to = \"phone\"", "to = \"phone\"\nsuppress = [\"brand\"]");
    refused(&[], 1, &["gets nothing: suppressed: put on the list by a person"]);
    edit(dir, "suppress = [\"brand\"]", "");
    add(&[]);
    refused(&["--dry-run"], 1, &["gets nothing: suppressed"]);
    let seen = simulator.stop();
    assert_eq!(n(&seen, "/submits"), 1);
    // What leaves this machine is asked for.
    let dir = tempfile::tempdir().unwrap();
    write_campaign(dir.path(), 5, "smsc.invalid:2775", "");
    let output = send(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("nobody is there to answer"), "{}", stderr(&output));
}
