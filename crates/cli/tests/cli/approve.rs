//! Plans: saved by one person, run by another, and refused when anything differs.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::support::{Simulator, is_sound, n, status, stderr, volley, write_campaign};

fn output(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = output(dir, args);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

/// Checks and saves; gives the hash.
fn save(dir: &Path) -> String {
    let saved = json(dir, &["check", "campaign.toml", "--save", "--by", "ada", "--json"]);
    let hash = saved.pointer("/plan_hash").and_then(Value::as_str).unwrap().to_owned();
    assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    hash
}

fn approved(dir: &Path, hash: &str, args: &[&str]) -> Output {
    output(dir, &[&["run", "campaign.toml", "--approved", hash, "--no-progress"], args].concat())
}

#[track_caller]
fn is_refused(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(words.iter().all(|word| stderr(output).contains(word)), "{}", stderr(output));
}

#[test]
fn a_saved_plan_runs_by_its_hash_once_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    write_campaign(dir, 200, &simulator.address, "");
    let hash = save(dir);
    assert_eq!(save(dir), hash);
    let words = stdout(&output(dir, &["check", "campaign.toml", "--save"]));
    assert!(words.contains(&format!("\nplan {hash}, saved by ada\n")), "{words}");
    let table = stdout(&output(dir, &["list"]));
    assert!(table.contains(&hash[..12]) && table.contains("waiting") && table.contains("by ada"), "{table}");
    let listed = json(dir, &["list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let keys: Vec<_> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["plan_hash", "campaign", "status", "rows", "ready", "segments", "saved_at", "saved_by", "ran_as"];
    assert_eq!((keys.as_slice(), &listed[0]["status"]), (&expected[..], &Value::from("waiting")), "{listed}");
    let shown = stdout(&output(dir, &["plan", "show", &hash[..8]]));
    assert!(shown.contains("message.text = \"Hi {{ first_name }}") && shown.contains("200 rows, 200 can be sent"));
    // Nobody answers, and nobody approved it.
    is_refused(&output(dir, &["run", "campaign.toml"]), 2, &["saved by ada at", "nobody is there to answer"]);
    is_refused(&approved(dir, "0123abcd", &[]), 2, &["no plan", "0123abcd"]);
    is_refused(&approved(dir, &hash[..7], &[]), 2, &["is no hash of a plan"]);
    let dry = approved(dir, &hash[..8], &["--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", stderr(&dry));
    let ran = approved(dir, &hash[..8], &[]);
    assert_eq!(ran.status.code(), Some(0), "{}", stderr(&ran));
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 200);
    let listed = json(dir, &["list", "--json"]);
    assert_eq!((&listed[1]["status"], n(&listed[1], "/ran_as")), (&Value::from("approved"), 1), "{listed}");
    // Again: the whole list would get it twice.
    is_refused(&approved(dir, &hash, &[]), 2, &["was run before, as campaign 1", "--again"]);
    assert_eq!(approved(dir, &hash, &["--again"]).status.code(), Some(0));
    is_sound(dir);
    assert_eq!(n(&simulator.stop(), "/submits"), 400);
}

#[test]
fn anything_that_differs_is_named_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    write_campaign(dir, 50, &simulator.address, "");
    let hash = save(dir);
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let (campaign, carriers, list) = (read("campaign.toml"), read("carriers.toml"), read("list.csv"));
    let more: String = (0..12).map(|n| format!("+49157000000{n:02},Zoe,X\n")).collect();
    let name = list.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    for (file, before, now, words) in [
        ("campaign.toml", &campaign, campaign.replace("Hi ", "Hello "), "campaign.toml: message.text: "),
        (
            "campaign.toml",
            &campaign,
            campaign.replace("[delivery]", "[schedule]\nrate = \"9/s\"\n[delivery]"),
            "schedule.rate: \"9/s\", is new",
        ),
        (
            "carriers.toml",
            &carriers,
            carriers.replace("window = 50", "window = 51"),
            "carriers.toml: north.window: 51, was 50",
        ),
        ("list.csv", &list, format!("{list}{more}"), "the list: 12 rows more"),
        (
            "list.csv",
            &list,
            list.replacen(&format!(",{name},"), ",Zyx,", 1),
            "the list: as many rows, and other values",
        ),
    ] {
        fs::write(dir.join(file), &now).unwrap();
        is_refused(&approved(dir, &hash, &[]), 2, &["changed since it was approved", words]);
        is_refused(&output(dir, &["run", "campaign.toml"]), 2, &["changed since plan", words, "nobody is there"]);
        fs::write(dir.join(file), before).unwrap();
    }
    // What is no part of it does not matter; nor do other folders and data directories.
    fs::write(dir.join("carriers.toml"), format!("{carriers}password = {{ env = \"NORTH\" }}\n# by hand\n")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["campaign.toml", "carriers.toml", "list.csv"] {
        fs::copy(dir.join(name), elsewhere.path().join(name)).unwrap();
    }
    let dry = approved(elsewhere.path(), &hash, &["--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "a whole hash needs no saved plan: {}", stderr(&dry));
    assert_eq!(n(&simulator.stop(), "/submits"), 0);
}

#[test]
fn a_plan_that_never_ran_can_be_removed_and_names_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_campaign(dir, 30, "127.0.0.1:1", "");
    let number =
        fs::read_to_string(dir.join("list.csv")).unwrap().lines().nth(4).unwrap().split(',').next().unwrap().to_owned();
    let hash = save(dir);
    let erased = output(dir, &["erase", &number, "--yes"]);
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    let mut folders = vec![dir.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => {
                    let octets = fs::read(&entry).unwrap();
                    let number = number.trim_start_matches('+');
                    let binary = number.parse::<u64>().unwrap().to_le_bytes();
                    let has = |form: &[u8]| octets.windows(form.len()).any(|window| window == form);
                    assert!(!has(number.as_bytes()) && !has(&binary[..7]), "{entry:?}");
                }
            }
        }
    }
    assert_eq!(json(dir, &["plan", "list", "--json"])[0]["plan_hash"], Value::from(hash.as_str()));
    assert_eq!(output(dir, &["plan", "remove", &hash[..10]]).status.code(), Some(0));
    assert_eq!(json(dir, &["plan", "list", "--json"]), Value::Array(Vec::new()));
    is_refused(&output(dir, &["plan", "remove", &hash]), 2, &["no plan"]);
    is_refused(&output(dir, &["plan", "show", "../../../etc"]), 2, &["is no hash of a plan"]);
}
