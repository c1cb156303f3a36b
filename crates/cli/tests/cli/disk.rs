//! Disks that are full or read-only, and several processes at one data directory.
#![expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

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

#[test]
fn a_full_disk_stops_the_run_and_a_resume_goes_on_when_there_is_room() {
    const ROWS: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(mount) = Mount::new(dir, "size=64m") else { return };
    let simulator = Simulator::start(dir, "answer-latency = \"2ms\"\nreceipt-delay = \"50ms\"\n");
    let campaign = write_campaign(dir, ROWS, &simulator.address, "");
    let child = run(dir, &campaign);
    while status(dir).is_none_or(|status| n(&status, "/segments/submitted") < 500) {
        thread::sleep(Duration::from_millis(5));
    }
    // The next intents, answers and receipts meet a full disk.
    let filler = dir.join("data/filler");
    let filled = fs::write(&filler, vec![7; 128 << 20]);
    assert!(filled.is_err(), "the disk is full now");
    let output = ends_within(child, Duration::from_secs(60));
    let words = stderr(&output);
    assert!(matches!(output.status.code(), Some(3 | 7)), "{:?} {words}", output.status);
    assert!(words.contains("No space left") || words.contains("disk is full"), "{words}");
    fs::remove_file(&filler).unwrap();
    let stopped = status(dir).unwrap();
    assert_eq!(sum_of_states(&stopped), ROWS, "{stopped}");
    let open = n(&stopped, "/states/in_flight") + n(&stopped, "/states/in_doubt");
    assert!(open <= n(&stopped, "/in_doubt_bound"), "{stopped}");
    assert!(n(&stopped, "/states/pending") > 0, "too late to mean anything: {stopped}");
    let resumed = volley(dir).args(["resume", "--no-progress"]).output().unwrap();
    assert!(matches!(resumed.status.code(), Some(0 | 6)), "{}", stderr(&resumed));
    let finished = status(dir).unwrap();
    let (delivered, in_doubt) = (n(&finished, "/states/delivered"), n(&finished, "/states/in_doubt"));
    assert_eq!(delivered + in_doubt, ROWS, "{finished}");
    let doctor = volley(dir).arg("doctor").output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
    drop(mount);
    let seen = simulator.stop();
    assert_eq!(n(&seen, "/copies_beyond_first"), 0, "{seen}");
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
