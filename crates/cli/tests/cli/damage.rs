//! Damaged files: whatever was done to them, there is a clear error or a clean recovery; never a
//! hang, a panic or a wrong sum.
#![expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{self, Simulator, n, stderr, volley, write_campaign};

/// Longer than any of these commands may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// xorshift, from a seed that is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What lies in a directory, to be put back after each damage.
struct Kept(Vec<(PathBuf, Vec<u8>)>);

impl Kept {
    fn of(dir: &Path) -> Self {
        Self(files_below(dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect())
    }

    fn restore(&self, dir: &Path) {
        fs::remove_dir_all(dir).unwrap();
        for (path, octets) in &self.0 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, octets).unwrap();
        }
    }
}

/// Truncates, appends 1 to 64 octets, flips a bit, or empties; says what.
fn damage(path: &Path, random: &mut Random) -> String {
    let mut octets = fs::read(path).unwrap();
    let what = match random.below(5) {
        0 => {
            octets.truncate(random.below(octets.len()));
            format!("cut to {}", octets.len())
        }
        1 => {
            let n = 1 + random.below(64);
            octets.extend((0..n).map(|_| random.below(256) as u8));
            format!("{n} octets appended")
        }
        2 if random.below(4) == 0 => {
            octets.clear();
            "emptied".to_owned()
        }
        _ if octets.is_empty() => "left alone".to_owned(),
        _ => {
            let (at, bit) = (random.below(octets.len()), random.below(8));
            if let Some(octet) = octets.get_mut(at) {
                *octet ^= 1 << bit;
            }
            format!("bit {bit} of octet {at} flipped")
        }
    };
    fs::write(path, octets).unwrap();
    what
}

/// Runs to the end, which comes soon and is no panic.
#[track_caller]
fn end_of(mut command: Command, context: &str) -> Output {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE / 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    if child.try_wait().unwrap().is_none() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < PATIENCE / 2, "{context}: hangs");
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 2 | 6 | 7)), "{context}: {code:?} {}", stderr(&output));
    if code != Some(0) {
        assert!(code == Some(7) || stderr(&output).starts_with("error: "), "{context}: {}", stderr(&output));
    }
    output
}

fn report(dir: &Path, context: &str) -> Option<Value> {
    let mut command = volley(dir);
    command.args(["report", "test", "--json"]);
    let output = end_of(command, context);
    output.status.success().then(|| {
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // All else is the same whenever it is asked for.
        report.as_object_mut().unwrap().remove("asked_at").unwrap();
        report
    })
}

fn csv(dir: &Path, context: &str) -> Option<Vec<u8>> {
    let mut command = volley(dir);
    command.args(["report", "test", "--csv"]);
    let output = end_of(command, context);
    output.status.success().then_some(output.stdout)
}

fn doctor(dir: &Path, args: &[&str], context: &str) -> (bool, Value, String) {
    let mut command = volley(dir);
    command.arg("doctor").arg("--json").args(args);
    let output = end_of(command, context);
    (output.status.success(), serde_json::from_slice(&output.stdout).unwrap_or_default(), stderr(&output))
}

/// A finished campaign of some rows, rejected ones among them.
fn finished(dir: &Path) {
    let simulator = Simulator::start(dir, "final-states = { delivered = 0.9, undelivered = 0.1 }\n");
    let campaign = write_campaign(dir, 300, &simulator.address, "");
    let list = dir.join("list.csv");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, format!("{text}nonsense,x,y\n")).unwrap();
    let output = volley(dir).arg("run").arg(campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    simulator.stop();
}

#[test]
fn damaged_files_end_in_a_clear_error_or_the_same_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    finished(dir);
    let data = dir.join("data");
    let (is_clean, diagnosis, words) = doctor(dir, &[], "undamaged");
    assert!(is_clean && diagnosis["campaigns"][0]["agree"] == true, "{diagnosis}{words}");
    let (whole_report, whole_csv) = (report(dir, "undamaged"), csv(dir, "undamaged"));
    assert!(whole_report.is_some() && whole_csv.is_some());
    let kept = Kept::of(&data);
    let (mut n_refused, mut n_same) = (0, 0);
    for seed in 1..=6_u64 {
        for (path, _) in &kept.0 {
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let what = damage(path, &mut random);
            let context = format!("seed {seed}, {}: {what}", path.strip_prefix(&data).unwrap().display());
            eprintln!("{context}");
            let (is_clean, _, _) = doctor(dir, &[], &context);
            let (_, after, _) = doctor(dir, &["--repair"], &context);
            let (report, csv) = (report(dir, &context), csv(dir, &context));
            for (now, whole) in [(report == whole_report, report.is_some()), (csv == whole_csv, csv.is_some())] {
                assert!(now || !whole, "{context}: another report: {report:?} {after}");
            }
            if report.is_some() && csv.is_some() {
                n_same += 1
            } else {
                n_refused += 1
            }
            assert!(!is_clean || csv.is_some(), "{context}: the doctor saw nothing");
            kept.restore(&data);
        }
    }
    eprintln!("{n_same} came out the same, {n_refused} were refused");
    assert!(n_same > 0 && n_refused > 0);
}

#[test]
fn the_doctor_mends_a_store_and_a_torn_tail_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    finished(dir);
    let data = dir.join("data");
    let whole = report(dir, "undamaged");
    fs::write(data.join("store/db"), b"nonsense").unwrap();
    let journal = files_below(&data.join("journal")).pop().unwrap();
    let mut octets = fs::read(&journal).unwrap();
    octets.extend([1, 2, 3]);
    fs::write(&journal, octets).unwrap();
    let before = Kept::of(&data);
    let (is_clean, diagnosis, words) = doctor(dir, &[], "looking");
    assert!(!is_clean, "{diagnosis}{words}");
    let parts: Vec<_> = diagnosis["findings"].as_array().unwrap().iter().map(|finding| &finding["part"]).collect();
    assert_eq!(parts, ["journal", "store"], "{diagnosis}");
    let is_ours = |(path, _): &&(PathBuf, Vec<u8>)| !path.ends_with("lock");
    let after = Kept::of(&data);
    assert!(before.0.iter().filter(is_ours).eq(after.0.iter().filter(is_ours)), "looking changed something");
    let (is_clean, diagnosis, words) = doctor(dir, &["--repair"], "mending");
    assert!(is_clean, "{diagnosis}{words}");
    let repairs: Vec<_> = diagnosis["repairs"].as_array().unwrap().iter().map(|done| done.as_str().unwrap()).collect();
    assert!(repairs[0].contains("cut 3 octets") && repairs[1].contains("store.damaged-1"), "{repairs:?}");
    assert!(data.join("store.damaged-1/db").is_file(), "set aside, not dropped");
    assert_eq!(report(dir, "mended"), whole);
}

#[test]
fn a_store_that_is_gone_is_rebuilt_with_the_same_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    finished(dir);
    let whole = (report(dir, "whole"), csv(dir, "whole"));
    fs::remove_dir_all(dir.join("data/store")).unwrap();
    assert_eq!((report(dir, "gone"), csv(dir, "gone")), whole);
    let (is_clean, diagnosis, _) = doctor(dir, &[], "rebuilt");
    assert!(is_clean && n(&diagnosis, "/campaigns/0/store/delivered") > 0, "{diagnosis}");
}

#[test]
fn a_journal_that_lost_durable_records_is_refused_not_taken_for_shorter() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    finished(dir);
    let journal = files_below(&dir.join("data/journal")).pop().unwrap();
    let octets = fs::read(&journal).unwrap();
    fs::write(&journal, &octets[..octets.len() / 2]).unwrap();
    let output = volley(dir).args(["resume", "test"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    assert!(stderr(&output).contains("the journal lost what was durable"), "{}", stderr(&output));
    assert!(support::status(dir).is_none());
    let (is_clean, diagnosis, _) = doctor(dir, &["--repair"], "lost");
    assert!(!is_clean && diagnosis["repairs"].as_array().unwrap().is_empty(), "{diagnosis}");
}
