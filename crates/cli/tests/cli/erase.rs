//! People who are erased, by the binary that was killed doing it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    replies::{at_bind, campaign_with_replies, number, run, set_rate, submitted},
    support::{Simulator, n, signal, status, stderr, sum_of_states, volley, write_campaign},
};

fn output(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Files of the data directory in which any of these octets stand.
fn places(root: &Path, forms: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(octets) = fs::read(&path)
                && forms.iter().any(|form| octets.windows(form.len()).any(|window| window == form))
            {
                places.push(path);
            }
        }
    }
    places
}

/// A number as ASCII, in hex of ASCII and of UCS-2, and as the frozen list has it.
fn forms(number: &str) -> Vec<Vec<u8>> {
    let hex = |text: &str, before: &str| -> String { text.bytes().map(|c| format!("{before}{c:02x}")).collect() };
    let value: u64 = number.parse().unwrap();
    vec![
        number.as_bytes().to_vec(),
        number.bytes().skip(3).collect(),
        hex(number, "").into_bytes(),
        hex(number, "00").into_bytes(),
        value.to_le_bytes().to_vec(),
        value.to_be_bytes().to_vec(),
    ]
}

#[test]
fn erased_under_kills_nothing_of_the_person_is_left_and_every_sum_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 3_000, |number| {
        let (gone, other) = (number(7), number(9));
        let named = format!("ask +{gone}");
        at_bind(&[(&gone, "STOP it, says Zebulon"), (&other, &named)], "")
    });
    let list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let gone = number(dir, 7);
    // Once more, and therefore rejected.
    fs::write(dir.join("list.csv"), format!("{list}{}\n", list.lines().nth(8).unwrap())).unwrap();
    run(dir, &campaign, &[]);
    let report = || stdout(&output(dir, &["report", "test", "--csv"]));
    let export = dir.join("data/export.csv");
    fs::write(&export, report()).unwrap();
    let before = status(dir).unwrap();
    let data = dir.join("data");
    assert!(places(&data, &forms(&gone)).len() >= 4, "{:?}", places(&data, &forms(&gone)));
    for ms in [3, 8, 14, 22, 31, 41, 52, 64, 77, 90] {
        let mut command = volley(dir);
        command.args(["erase", &format!("+{gone}"), "--yes", "--reason", "request 17"]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(ms));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let refused = output(dir, &["erase", "0151 12345678", "--yes"]);
    assert_eq!(refused.status.code(), Some(2), "whose number it is depends on the country");
    let erased = output(dir, &["erase", &format!("+{gone}"), "--yes", "--json", "--reason", "request 17"]);
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    assert!(!stdout(&erased).contains(&gone) && !stderr(&erased).contains(&gone));
    assert_eq!(places(&data, &forms(&gone)), Vec::<PathBuf>::new());
    assert!(places(&data, &[b"Zebulon".to_vec()]).is_empty());
    let after = status(dir).unwrap();
    assert_eq!((&before["states"], &before["segments"]), (&after["states"], &after["segments"]));
    let csv = report();
    assert_eq!(csv.lines().filter(|line| line.contains(",erased,")).count(), 2, "the row and its repetition");
    assert_eq!(csv.lines().count(), 3_002);
    let doctor = output(dir, &["doctor"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", stdout(&doctor));
    // The next campaign, from the same list, passes the number over.
    let n_before = submitted(dir).iter().filter(|to| **to == gone).count();
    let dry = output(dir, &["run", campaign.to_str().unwrap(), "--dry-run"]);
    assert!(stderr(&dry).contains("suppressed: erased: 1 rows"), "{}", stderr(&dry));
    run(dir, &campaign, &["--again"]);
    assert_eq!(n(&status(dir).unwrap(), "/reasons/suppressed: erased"), 1);
    assert_eq!(submitted(dir).iter().filter(|to| **to == gone).count(), n_before);
    drop(simulator.stop());
}

#[test]
fn what_still_waits_for_the_person_is_not_sent_and_a_running_engine_is_not_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 400, &simulator.address, "");
    set_rate(dir, "100/s");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while status(dir).is_none_or(|status| n(&status, "/segments/submitted") < 20) {
        thread::sleep(Duration::from_millis(5));
    }
    let gone = number(dir, 390);
    let who = format!("+{gone}");
    assert_eq!(output(dir, &["erase", &who, "--yes"]).status.code(), Some(5));
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let erased = output(dir, &["erase", &who, "--yes"]);
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    assert!(stdout(&erased).contains("1 rows") && stdout(&erased).contains("list.csv"), "{}", stdout(&erased));
    let resumed = output(dir, &["resume", "--no-progress"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/suppressed"), n(&status, "/states/delivered")), (1, 399), "{status}");
    assert_eq!(sum_of_states(&status), 400);
    assert!(!submitted(dir).contains(&gone));
    drop(simulator.stop());
}

#[test]
fn a_campaign_whose_retention_is_over_is_forgotten_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) =
        campaign_with_replies(dir, 300, |number| at_bind(&[(&number(20), "thanks, says Zebulon")], ""));
    set_rate(dir, "1000/s");
    let text = fs::read_to_string(&campaign).unwrap();
    let with = |retention: &str| {
        let section = format!("[privacy]\nretention = \"{retention}\"\n[delivery]");
        fs::write(&campaign, text.replace("[delivery]", &section)).unwrap();
    };
    with("ninety days");
    let wrong = volley(dir).arg("run").arg(&campaign).arg("--dry-run").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    with("90d");
    run(dir, &campaign, &[]);
    let before = status(dir).unwrap();
    let kept = output(dir, &["erase", "--expired", "--json"]);
    let kept: Value = serde_json::from_slice(&kept.stdout).unwrap();
    assert_eq!(kept["campaigns"], serde_json::json!([]));
    let expired = output(dir, &["erase", "--expired", "--as-of", "2099-01-01"]);
    assert!(stdout(&expired).contains("erased: test"), "{}", stdout(&expired));
    let numbers: Vec<Vec<u8>> = (0..300).flat_map(|row| forms(&number(dir, row))).collect();
    for numbers in numbers.chunks(150) {
        assert_eq!(places(&dir.join("data"), numbers), Vec::<PathBuf>::new());
    }
    assert!(places(&dir.join("data"), &[b"Zebulon".to_vec()]).is_empty());
    assert_eq!(before["states"], status(dir).unwrap()["states"]);
    let csv = stdout(&output(dir, &["report", "test", "--csv"]));
    assert_eq!(csv.matches(",erased,delivered,").count(), 300, "{csv}");
    // By itself, where the time is over when somebody opens the directory next.
    with("1ms");
    run(dir, &campaign, &["--again"]);
    let next = output(dir, &["suppress", "list"]);
    assert!(stderr(&next).contains("note: campaign test: its retention is over"), "{}", stderr(&next));
    assert_eq!(output(dir, &["doctor"]).status.code(), Some(0));
    drop(simulator.stop());
}
