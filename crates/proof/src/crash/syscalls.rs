//! Strikes at every call of the system, one run for each (CONTRACT F2, F6 to F8, F28): strace
//! counts a kind of call on each thread and strikes at the Nth, for N = 1 and so on until a run
//! ends unhurt.

use std::time::Duration;

use super::{
    Options,
    scene::{Scene, Tally, wait, was_killed},
};

/// What leaves something behind, or tells somebody something.
const CALLS: &[&str] = &[
    "write",
    "writev",
    "pwrite64",
    "fdatasync",
    "fsync",
    "sync_file_range",
    "ftruncate",
    "fallocate",
    "openat",
    "rename",
    "unlink",
    "mkdir",
    "connect",
    "sendto",
    "sendmsg",
    "recvfrom",
    "close",
];
/// What a disk can fail at.
const ERRORS: &[(&str, &[&str])] = &[
    ("fdatasync", &["EIO"]),
    ("fsync", &["EIO"]),
    ("write", &["ENOSPC", "EIO"]),
    ("pwrite64", &["ENOSPC", "EIO"]),
    ("ftruncate", &["ENOSPC"]),
    ("fallocate", &["ENOSPC"]),
    ("rename", &["EIO"]),
];
const ROWS: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(60);

/// What one strike did.
enum Struck {
    /// The process died of it, or ended with an error.
    Ended,
    /// It never came to the Nth call.
    Unhurt,
}

/// Kills a run at each of its calls of the system.
///
/// # Errors
/// What was wrong afterwards, with the call and its number; or that strace is not there.
pub fn run(options: &Options) -> Result<(), String> {
    sweep(options, CALLS, |_| Ok(()))
}

/// Kills what resumes a dead run at each of its calls of the system.
///
/// # Errors
/// As [`run`].
pub fn recovery(options: &Options) -> Result<(), String> {
    sweep(options, CALLS, |scene| {
        // Dead in the middle of sending: what comes then has something to recover.
        strike(scene, "sendto", "signal=SIGKILL", 12).map(|_| ())
    })
}

/// Kills a run (or, after `before`, what is resumed) at each of its calls.
fn sweep(options: &Options, calls: &[&str], before: impl Fn(&Scene) -> Result<(), String>) -> Result<(), String> {
    let mut sum = Sum::default();
    for call in chosen(options, calls) {
        sum.calls(options, &call, "signal=SIGKILL", &before)?;
    }
    println!("{}", sum.in_words("kills"));
    Ok(())
}

/// Lets each write and sync of a run fail.
///
/// # Errors
/// As [`run`].
pub fn errors(options: &Options) -> Result<(), String> {
    let mut sum = Sum::default();
    let names: Vec<&str> = ERRORS.iter().map(|(call, _)| *call).collect();
    for call in chosen(options, &names) {
        let errors = ERRORS.iter().find(|(name, _)| *name == call).map_or(&[][..], |(_, errors)| errors);
        for error in errors {
            sum.calls(options, &call, &format!("error={error}"), &|_| Ok(()))?;
        }
    }
    println!("{}", sum.in_words("errors"));
    Ok(())
}

fn chosen(options: &Options, calls: &[&str]) -> Vec<String> {
    options.only.clone().unwrap_or_else(|| calls.iter().map(|call| (*call).to_owned()).collect())
}

#[derive(Default)]
struct Sum {
    n_strikes: u64,
    n_ended: u64,
    tally: Tally,
}

impl Sum {
    fn calls(
        &mut self,
        options: &Options,
        call: &str,
        what: &str,
        before: &impl Fn(&Scene) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut n = 1;
        let mut n_ended = 0;
        loop {
            let of_call = |why| format!("{what} at {call} number {n}: {why}");
            let scene = Scene::new(&options.volley, options.rows.unwrap_or(ROWS), options.seed, None)?;
            before(&scene).map_err(of_call)?;
            let struck = strike(&scene, call, what, n).map_err(of_call)?;
            let is_hurt = matches!(struck, Struck::Ended);
            if is_hurt {
                n_ended += 1;
            }
            scene.check_now().map_err(of_call)?;
            scene.settle().map_err(of_call)?;
            self.tally = self.tally.plus(scene.check().map_err(of_call)?);
            self.n_strikes += 1;
            if !is_hurt && unhurt_for_good(what, n) {
                break;
            }
            n += options.step;
        }
        self.n_ended += n_ended;
        println!("{what} at {call}: {n_ended} ended by it, unhurt at number {n}");
        Ok(())
    }

    fn in_words(&self, what: &str) -> String {
        format!("{} runs under {what}, {} ended by them: {}", self.n_strikes, self.n_ended, self.tally.in_words())
    }
}

/// An error may be borne in silence (a write to the terminal): only many of them in a row, by
/// far more than there are calls, show that the end was reached.
fn unhurt_for_good(what: &str, n: u64) -> bool {
    what.starts_with("signal") || n > 60
}

fn strike(scene: &Scene, call: &str, what: &str, n: u64) -> Result<Struck, String> {
    let wrapper = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e"];
    let mut wrapper: Vec<String> = wrapper.iter().map(|word| (*word).to_owned()).collect();
    wrapper.push(format!("trace={call}"));
    wrapper.push("-e".to_owned());
    wrapper.push(format!("inject={call}:{what}:when={n}"));
    let mut child = scene.spawn(&wrapper)?;
    let status = wait(&mut child, PATIENCE).ok_or("hangs")?;
    if was_killed(status) {
        return Ok(Struck::Ended);
    }
    match status.code() {
        Some(0 | 6) => Ok(Struck::Unhurt),
        // Not every write is one to a disk: this wakes a thread, which can't fail so, and the run dies.
        None if scene.words().contains("failed to wake I/O driver") => Ok(Struck::Ended),
        Some(101) | None => Err(format!("panics or dies: {status}: {}", scene.words())),
        Some(_) => Ok(Struck::Ended),
    }
}
