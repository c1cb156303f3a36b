//! `volley archive`: a finished campaign in one file, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "real processes are killed in real time")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, volley, write_campaign};

const ROWS: u64 = 5_000;

fn told(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn done(dir: &Path, args: &[&str]) -> Vec<u8> {
    let output = told(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    output.stdout
}

fn json(octets: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(octets).unwrap();
    // Another moment each time.
    value.as_object_mut().and_then(|report| report.remove("asked_at"));
    value
}

/// A finished campaign of more than one chunk, rejected rows among them; its two reports.
fn finished(dir: &Path) -> (Value, Vec<u8>) {
    let simulator = Simulator::start(dir, "final-states = { delivered = 0.9, undelivered = 0.1 }\n");
    let campaign = write_campaign(dir, ROWS, &simulator.address, "");
    let list = dir.join("list.csv");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, format!("{text}nonsense,x,y\n")).unwrap();
    done(dir, &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    simulator.stop();
    (json(&done(dir, &["report", "test", "--json"])), done(dir, &["report", "test", "--csv"]))
}

fn from_archive(dir: &Path, file: &str) -> (Value, Vec<u8>) {
    let report = json(&done(dir, &["report", "--archive", file, "--json"]));
    (report, done(dir, &["report", "--archive", file, "--csv"]))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            kind if kind.is_file() => drop(fs::copy(entry.path(), to).unwrap()),
            _ => {}
        }
    }
}

#[track_caller]
fn check_archived(dir: &Path, whole: &(Value, Vec<u8>), file: &str) {
    assert_eq!(&from_archive(dir, file), whole, "what is in the archive");
    let listed = json(&done(dir, &["list", "--json"]));
    assert_eq!(listed[0]["status"], "archived", "{listed}");
    assert_eq!((&listed[0]["states"], &listed[0]["segments"]), (&whole.0["states"], &whole.0["segments"]));
    let doctor = json(&done(dir, &["doctor", "--json"]));
    assert!(doctor["campaigns"][0]["agree"] == true && n(&doctor, "/journal/base") > 0, "{doctor}");
    assert!(!dir.join("data/campaigns/1").exists(), "the campaign's folder is still there");
    let left: Vec<_> = fs::read_dir(dir.join("data/archives")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [PathBuf::from(file)], "only the archive is left");
}

#[test]
fn an_archived_campaign_is_in_its_file_and_keeps_its_sums_in_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let whole = finished(dir);
    let journal_before = n(&json(&done(dir, &["doctor", "--json"])), "/journal/bytes");
    let outcome = json(&done(dir, &["archive", "test", "--json"]));
    let file = outcome["archived"][0]["file"].as_str().unwrap();
    check_archived(dir, &whole, file);
    assert!(n(&outcome, "/journal_bytes_removed") > journal_before, "all of it: {outcome}");
    // Rebuilt from the base alone.
    fs::remove_dir_all(dir.join("data/store")).unwrap();
    check_archived(dir, &whole, file);
    let again = json(&done(dir, &["archive", "test", "--json"]));
    assert_eq!((&again["archived"][0]["already"], &again["archived"][0]["file"]), (&true.into(), &file.into()));
    assert_eq!(json(&done(dir, &["archive", "--finished", "--json"]))["archived"], serde_json::json!([]));
    for args in [&["report", "test", "--csv"][..], &["resume", "test"]] {
        let output = told(dir, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("volley report --archive"), "{}", stderr(&output));
    }
    // Another campaign runs as if nothing had been there.
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 200, &simulator.address, "");
    done(dir, &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    simulator.stop();
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 200);
    check_archived_beside_another(dir, &whole);
}

fn check_archived_beside_another(dir: &Path, whole: &(Value, Vec<u8>)) {
    let listed = json(&done(dir, &["list", "--json"]));
    assert_eq!((listed[0]["status"].as_str(), listed[1]["status"].as_str()), (Some("archived"), Some("finished")));
    assert_eq!(listed[0]["states"], whole.0["states"]);
    let doctor = json(&done(dir, &["doctor", "--json"]));
    assert!(doctor["campaigns"].as_array().unwrap().iter().all(|campaign| campaign["agree"] == true), "{doctor}");
}

#[test]
fn killed_anywhere_archiving_goes_on_when_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let whole = finished(dir);
    copy(&dir.join("data"), &dir.join("kept"));
    let started = Instant::now();
    done(dir, &["archive", "test"]);
    let takes = started.elapsed();
    for nth in 1..=10_u32 {
        fs::remove_dir_all(dir.join("data")).unwrap();
        copy(&dir.join("kept"), &dir.join("data"));
        let mut command = volley(dir);
        command.args(["archive", "test"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        thread::sleep((takes * nth / 10).max(Duration::from_millis(1)));
        let _ = child.kill();
        child.wait().unwrap();
        let report = json(&done(dir, &["report", "test", "--json"]));
        assert_eq!(report["states"], whole.0["states"], "killed the {nth}th time");
        let outcome = json(&done(dir, &["archive", "test", "--json"]));
        check_archived(dir, &whole, outcome["archived"][0]["file"].as_str().unwrap());
        assert!(!dir.join("data/compact-scratch").exists());
    }
}

#[test]
fn nothing_unfinished_and_nothing_in_doubt_is_archived_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "receipt-form = \"tlv\"\nanswer-latency = \"300ms\"\n");
    let campaign = write_campaign(dir, 300, &simulator.address, "");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while status(dir).is_none_or(|status| n(&status, "/states/in_flight") == 0) {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let refused = told(dir, &["archive", "test"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("not finished"), "{}", stderr(&refused));
    assert_eq!(told(dir, &["resume", "--no-progress"]).status.code(), Some(6), "rows are held in doubt");
    simulator.stop();
    let refused = told(dir, &["archive", "test"]);
    assert_eq!(refused.status.code(), Some(6), "{}", stderr(&refused));
    let left_alone = told(dir, &["archive", "--finished"]);
    assert_eq!(left_alone.status.code(), Some(6), "{}", stderr(&left_alone));
    assert!(String::from_utf8_lossy(&left_alone.stdout).contains("left alone: campaign `test` has"));
    let n_in_doubt = n(&status(dir).unwrap(), "/states/in_doubt");
    assert!(n_in_doubt > 0 && dir.join("data/campaigns/1").exists());
    let to = dir.join("elsewhere.tar.zst");
    fs::write(&to, "of someone else").unwrap();
    let args = ["archive", "test", "--even-in-doubt", "--to", to.to_str().unwrap()];
    let refused = told(dir, &args);
    assert_eq!((refused.status.code(), fs::read(&to).unwrap()), (Some(2), b"of someone else".to_vec()));
    fs::remove_file(&to).unwrap();
    done(dir, &args);
    assert_eq!(n(&status(dir).unwrap(), "/states/in_doubt"), n_in_doubt);
    assert_eq!(n(&from_archive(dir, to.to_str().unwrap()).0, "/states/in_doubt"), n_in_doubt);
}

#[test]
fn a_damaged_archive_is_refused_or_gives_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let whole = finished(dir);
    let outcome = json(&done(dir, &["archive", "test", "--json"]));
    let file = outcome["archived"][0]["file"].as_str().unwrap();
    let octets = fs::read(file).unwrap();
    let mut n_refused = 0;
    for nth in 0..24 {
        let mut damaged = octets.clone();
        let at = if nth < 8 { nth } else { octets.len() / 16 * (nth - 8) };
        damaged[at] ^= 1 << (nth % 8);
        if nth == 23 {
            damaged.truncate(octets.len() / 2);
        }
        fs::write(file, &damaged).unwrap();
        let output = told(dir, &["report", "--archive", file, "--csv"]);
        match output.status.code() {
            Some(0) => assert_eq!(output.stdout, whole.1, "octet {at}"),
            code => {
                assert_eq!((code, output.stdout.len()), (Some(7), 0), "octet {at}: {}", stderr(&output));
                n_refused += 1;
            }
        }
        let doctor = told(dir, &["doctor"]);
        assert_eq!(doctor.status.code(), Some(7), "octet {at}: the doctor saw nothing");
    }
    assert!(n_refused > 12, "{n_refused}");
}
