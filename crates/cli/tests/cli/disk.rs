//! Disks that are full or read-only, and several processes at one data directory.
#![expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

/// A small file system of its own on `data`; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None`, with a printed reason, where nothing may be mounted.
    fn new(dir: &Path, options: &str) -> Option<Self> {
        let data = dir.join("data");
        fs::create_dir_all(&data).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", options, "volley-test"], &data);
        if !mounted {
            eprintln!("SKIPPED: mounting a tmpfs needs root and the right to mount");
        }
        mounted.then_some(Self(data))
    }

    fn remount(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.0));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(args).arg(at).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

fn run(dir: &Path, campaign: &Path) -> Child {
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ends_within(mut child: Child, patience: Duration) -> std::process::Output {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > patience {
            child.kill().unwrap();
            panic!("it hangs");
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// The first that `looks_right`, of a running campaign.
fn wait_for(dir: &Path, looks_right: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        match status(dir).filter(&looks_right) {
            Some(status) => return status,
            None => assert!(started.elapsed() < Duration::from_secs(60), "waited too long: {:?}", status(dir)),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn fill_up(dir: &Path) -> PathBuf {
    let filler = dir.join("data/filler");
    let filled = fs::write(&filler, vec![7; 256 << 20]);
    assert!(filled.is_err(), "the disk is full now");
    filler
}

fn waits_for(status: &Value) -> &str {
    status.pointer("/carriers/0/waits_for").and_then(Value::as_str).unwrap_or_default()
}

/// Nothing is sent, and all that carriers had to say was taken.
fn is_at_rest(status: &Value) -> bool {
    waits_for(status) == "the disk is full" && n(status, "/states/in_flight") + n(status, "/states/accepted") == 0
}

/// What a process does that finds its disk full.
enum Then {
    Waits,
    /// Its successor waits in its place.
    IsKilled,
}

#[track_caller]
fn check_full_disk(then: &Then) {
    const ROWS: u64 = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(mount) = Mount::new(dir, "size=96m") else { return };
    let simulator = Simulator::start(dir, "answer-latency = \"20ms\"\nreceipt-delay = \"300ms\"\n");
    let campaign = write_campaign(dir, ROWS, &simulator.address, "");
    let mut child = run(dir, &campaign);
    wait_for(dir, |status| n(status, "/segments/submitted") >= 500);
    let filler = fill_up(dir);
    let stopped = wait_for(dir, is_at_rest);
    assert_eq!(sum_of_states(&stopped), ROWS, "{stopped}");
    assert!(stopped.pointer("/journal/disk_full") == Some(&Value::Bool(true)), "{stopped}");
    assert!(n(&stopped, "/journal/commit_p50_us") <= n(&stopped, "/journal/commit_max_us"), "{stopped}");
    assert!(n(&stopped, "/states/pending") > 0, "too late to mean anything: {stopped}");
    assert_eq!(n(&stopped, "/states/delivered"), n(&stopped, "/segments/submitted"), "a receipt is missing: {stopped}");
    if let Then::IsKilled = then {
        child.kill().unwrap();
        child.wait().unwrap();
        let mut resume = volley(dir);
        resume.args(["resume", "--no-progress"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A look while it takes the directory would be in its way.
        let socket = dir.join("data/control.sock");
        fs::remove_file(&socket).unwrap();
        child = resume.spawn().unwrap();
        while !socket.exists() && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        let waiting = wait_for(dir, |status| waits_for(status) == "the disk is full");
        assert_eq!(n(&waiting, "/segments/submitted"), n(&stopped, "/segments/submitted"), "it sends: {waiting}");
    }
    fs::remove_file(&filler).unwrap();
    let output = ends_within(child, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let finished = status(dir).unwrap();
    assert_eq!((n(&finished, "/states/delivered"), sum_of_states(&finished)), (ROWS, ROWS), "{finished}");
    let doctor = volley(dir).arg("doctor").output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
    drop(mount);
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/submits"), n(&seen, "/copies_beyond_first")), (ROWS, 0), "{seen}");
}

#[test]
fn on_a_full_disk_sending_stops_receipts_are_taken_and_it_goes_on_by_itself() {
    check_full_disk(&Then::Waits);
}

#[test]
fn killed_on_a_full_disk_it_waits_again_and_goes_on_when_there_is_room() {
    check_full_disk(&Then::IsKilled);
}

#[test]
fn a_read_only_data_directory_is_refused_within_a_second_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(mount) = Mount::new(dir, "size=16m") else { return };
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 100, &simulator.address, "");
    for begun in [false, true] {
        if begun {
            mount.remount("rw");
            let dry = volley(dir).arg("run").arg(&campaign).arg("--dry-run").output().unwrap();
            assert_eq!(dry.status.code(), Some(0), "{}", stderr(&dry));
        }
        mount.remount("ro");
        let started = Instant::now();
        let output = ends_within(run(dir, &campaign), Duration::from_secs(10));
        assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("Read-only file system"), "{}", stderr(&output));
    }
    drop(mount);
    assert_eq!(n(&simulator.stop(), "/submits"), 0);
}

#[test]
fn of_several_processes_at_once_one_writes_and_the_others_are_refused() {
    for n_processes in 2..=8 {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let simulator = Simulator::start(dir, "answer-latency = \"200ms\"\n");
        let campaign = write_campaign(dir, 500, &simulator.address, "");
        let children: Vec<Child> = (0..n_processes).map(|_| run(dir, &campaign)).collect();
        let outputs: Vec<_> = children.into_iter().map(|child| ends_within(child, Duration::from_secs(60))).collect();
        let codes: Vec<_> = outputs.iter().map(|output| output.status.code()).collect();
        let n_ended = |code| codes.iter().filter(|ended| **ended == Some(code)).count();
        assert_eq!((n_ended(0), n_ended(5)), (1, n_processes - 1), "{codes:?}");
        let named = outputs.iter().filter(|output| stderr(output).contains("is in use by")).count();
        assert_eq!(named, n_processes - 1, "each says by whom");
        assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 500);
        assert_eq!(n(&simulator.stop(), "/submits"), 500);
    }
}
