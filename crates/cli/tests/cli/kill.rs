//! The delivery contract under SIGKILL: the real binary, real files, real sockets, killed at
//! random moments, also while it recovers, and resumed until done. The simulator runs in a process of its own that is
//! not killed; its counts are the oracle.
use std::{collections::BTreeMap, fs, io::Read as _, path::Path, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::support::{self, Simulator, n, status, sum_of_states, volley};

const ROWS: u64 = 20_000;
const SEEDS: u64 = 20;

/// Runs a campaign to its end over kills at random moments; gives its last status, what the
/// simulator saw, and the number of kills that struck.
fn run_with_kills(seed: u64, in_doubt: &str) -> (Value, Value, u64) {
    run_with_kills_in(tempfile::tempdir().unwrap().path(), seed, in_doubt)
}

fn run_with_kills_in(dir: &Path, seed: u64, in_doubt: &str) -> (Value, Value, u64) {
    eprintln!("seed {seed}, in doubt: {in_doubt}");
    let simulator = Simulator::start(
        dir,
        &format!(
            "seed = {seed}\nanswer-latency = {{ min = \"0ms\", max = \"4ms\" }}\nreceipt-delay = {{ min = \"0ms\", max = \"60ms\" }}\n"
        ),
    );
    let campaign = support::write_campaign(
        dir,
        ROWS,
        &simulator.address,
        &format!("in-doubt = \"{in_doubt}\"\ndoubt-grace = \"300ms\""),
    );
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let (mut n_kills, mut n_kills_in_recovery) = (0, 0);
    let mut first = true;
    loop {
        let mut command = volley(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if first || status(dir).is_none() {
            command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]);
        } else {
            command.args(["resume", "test", "--no-progress"]);
        }
        first = false;
        let mut child = command.spawn().unwrap();
        random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let is_last = n_kills >= 4;
        let patience = if is_last { Duration::from_secs(90) } else { Duration::from_millis(20 + (random >> 33) % 700) };
        let mut waited = Duration::ZERO;
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if waited >= patience {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            thread::sleep(Duration::from_millis(5));
            waited += Duration::from_millis(5);
        };
        match ended {
            Some(code) => {
                let mut words = String::new();
                child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
                assert!(matches!(code.code(), Some(0 | 6)), "seed {seed}: {code}: {words}");
                break;
            }
            None => {
                assert!(!is_last, "seed {seed}: never ends: {:?}", status(dir));
                n_kills += 1;
                n_kills_in_recovery += kill_in_recovery(dir, &mut random);
                let Some(status) = status(dir) else { continue };
                assert_eq!(sum_of_states(&status), ROWS, "seed {seed}: {status}");
                let (open, bound) = (n(&status, "/states/in_flight"), n(&status, "/in_doubt_bound"));
                assert!(open <= bound, "seed {seed}: {open} unanswered, the bound is {bound}");
            }
        }
    }
    let status = status(dir).unwrap();
    assert_eq!(sum_of_states(&status), ROWS, "seed {seed}: {status}");
    eprintln!("seed {seed}: {n_kills} kills, {n_kills_in_recovery} in recovery");
    let doctor = volley(dir).arg("doctor").output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "seed {seed}: {}", String::from_utf8_lossy(&doctor.stdout));
    (status, simulator.stop(), n_kills)
}

/// Kills what brings journal and store up to date, a few times, sometimes with the store gone;
/// gives the number of kills that struck.
fn kill_in_recovery(dir: &Path, random: &mut u64) -> u64 {
    let mut n_kills = 0;
    for command in [&["status"][..], &["doctor", "--repair"], &["resume", "test", "--no-progress"]] {
        *random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        if (*random >> 33).is_multiple_of(5) {
            let _ = fs::remove_dir_all(dir.join("data/store"));
        }
        let mut recovery = volley(dir);
        recovery.args(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = recovery.spawn().unwrap();
        thread::sleep(Duration::from_millis((*random >> 40) % 25));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            n_kills += 1;
        }
        child.wait().unwrap();
    }
    n_kills
}

#[test]
fn killed_anywhere_nothing_is_lost_and_nothing_is_sent_twice() {
    let mut n_kills = 0;
    for seed in 1..=SEEDS {
        let (status, seen, kills) = run_with_kills(seed, "hold");
        n_kills += kills;
        assert_eq!(n(&seen, "/copies_beyond_first"), 0, "seed {seed}: {seen}");
        let (delivered, in_doubt) = (n(&status, "/states/delivered"), n(&status, "/states/in_doubt"));
        assert_eq!(delivered + in_doubt, ROWS, "seed {seed}: {status}");
        // Whoever is reported as reached was taken by the carrier; who is in doubt may have been.
        let taken = n(&seen, "/unique_recipients");
        assert!((delivered..=delivered + in_doubt).contains(&taken), "seed {seed}: {taken} taken, {status}");
    }
    assert!(n_kills >= SEEDS, "only {n_kills} kills struck");
}

/// How often the carrier took each recipient's message, by its own log.
fn taken(dir: &Path) -> BTreeMap<String, u64> {
    let log = fs::read_to_string(dir.join("submits.csv")).unwrap();
    let mut taken = BTreeMap::new();
    for line in log.lines() {
        let mut fields = line.split(',');
        let (recipient, id) = (fields.nth(3).unwrap(), fields.nth(1).unwrap());
        if id.bytes().all(|octet| octet.is_ascii_digit()) {
            *taken.entry(recipient.to_owned()).or_default() += 1;
        }
    }
    taken
}

/// Each recipient's attempts in the report, and whether it is marked as a possible duplicate.
fn reported(dir: &Path) -> BTreeMap<String, (u64, bool)> {
    let report = volley(dir).args(["report", "test", "--csv"]).output().unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    let mut lines = report.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let column = |name| header.iter().position(|column| *column == name).unwrap();
    let (number, attempts, mark) = (column("number"), column("attempts"), column("possible_duplicate"));
    let row = |line: &str| {
        let field = |column| line.split(',').nth(column).unwrap();
        let number = field(number).trim_start_matches('+').to_owned();
        (number, (field(attempts).parse().unwrap(), field(mark) == "yes"))
    };
    lines.map(row).collect()
}

#[test]
fn resending_what_is_in_doubt_reaches_everyone_and_counts_the_possible_duplicates() {
    for seed in 101..=103 {
        let dir = tempfile::tempdir().unwrap();
        let (status, seen, _) = run_with_kills_in(dir.path(), seed, "resend");
        let reported = reported(dir.path());
        assert_eq!(n(&status, "/states/delivered"), ROWS, "seed {seed}: {status}");
        assert_eq!(n(&seen, "/unique_recipients"), ROWS, "seed {seed}: {seen}");
        // A row that was in doubt more than once is one row, and may have been taken as often.
        let n_marked = reported.values().filter(|(_, is_marked)| *is_marked).count();
        assert_eq!(n_marked as u64, n(&status, "/possible_duplicates"), "seed {seed}");
        for (recipient, n_taken) in taken(dir.path()) {
            let (attempts, is_marked) = reported[&recipient];
            assert!(n_taken == 1 || is_marked, "seed {seed}: {recipient} taken {n_taken} times and not marked");
            assert!(n_taken <= attempts, "seed {seed}: {recipient} taken {n_taken} times in {attempts} attempts");
        }
    }
}

#[test]
fn failing_what_is_in_doubt_sends_nothing_twice() {
    let (status, seen, _) = run_with_kills(201, "fail");
    assert_eq!(n(&seen, "/copies_beyond_first"), 0, "{seen}");
    assert_eq!(n(&status, "/states/delivered") + n(&status, "/states/failed"), ROWS, "{status}");
}
