//! A campaign, the carrier that it goes to in a process of its own that is never killed, and what
//! must hold at the end.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

/// How long a run that nobody kills may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Attempts to finish a campaign.
const RESUMES: usize = 5;

pub(crate) struct Scene {
    volley: PathBuf,
    dir: tempfile::TempDir,
    pub(crate) data: PathBuf,
    rows: u64,
    simulator: Child,
    _stderr: BufReader<ChildStderr>,
}

/// What was found at the end, all of it right.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) taken: u64,
    pub(crate) in_doubt: u64,
}

pub(crate) fn failed(what: &str) -> impl FnOnce(std::io::Error) -> String + '_ {
    move |error| format!("{what}: {error}")
}

impl Scene {
    /// `data`: where the engine keeps everything; beside the list by default.
    pub(crate) fn new(volley: &Path, rows: u64, seed: u64, data: Option<&Path>) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(failed("no folder"))?;
        let at = dir.path();
        let options = format!(
            "seed = {seed}\nanswer-latency = {{ min = \"0ms\", max = \"3ms\" }}\n\
             receipt-delay = {{ min = \"0ms\", max = \"40ms\" }}\nanswer-errors = {{ \"0x0b\" = 0.03 }}\n\
             final-states = {{ delivered = 0.9, undelivered = 0.08, expired = 0.02 }}\n"
        );
        fs::write(at.join("simulator.toml"), options).map_err(failed("can't write"))?;
        let mut simulator = Command::new(volley)
            .arg("simulate")
            .arg(at.join("simulator.toml"))
            .args(["--listen", "127.0.0.1:0", "--log"])
            .arg(at.join("submits.csv"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("can't start the carrier"))?;
        let mut stderr = BufReader::new(simulator.stderr.take().ok_or("no stderr")?);
        let mut line = String::new();
        stderr.read_line(&mut line).map_err(failed("the carrier says nothing"))?;
        let address = line.trim().strip_prefix("listening on ").ok_or_else(|| format!("the carrier says {line}"))?;
        let carriers = format!(
            "[carriers.north]\nkind = \"smpp\"\nhosts = [\"{address}\"]\nsystem-id = \"acme\"\nbinds = 2\nwindow = 20\n"
        );
        let campaign = "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n[message]\nsender = \"ACME\"\n\
             text = \"Hi {{ first_name }}, use {{ code }}.\"\n[delivery]\nin-doubt = \"hold\"\ndoubt-grace = \"300ms\"\n\
             [[route]]\ncarrier = \"north\"\n";
        fs::write(at.join("carriers.toml"), carriers).map_err(failed("can't write"))?;
        fs::write(at.join("campaign.toml"), campaign).map_err(failed("can't write"))?;
        let generated = Command::new(volley)
            .args(["generate", "--rows", &rows.to_string(), "--clean", "--seed", &seed.to_string(), "--out"])
            .arg(at.join("list.csv"))
            .stderr(Stdio::null())
            .status();
        if !generated.is_ok_and(|status| status.success()) {
            return Err("no list".to_owned());
        }
        let data = data.map_or_else(|| at.join("data"), Path::to_owned);
        Ok(Self { volley: volley.to_owned(), dir, data, rows, simulator, _stderr: stderr })
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The arguments of what has to happen next: the first run, or its resumption.
    pub(crate) fn next_step(&self) -> Vec<String> {
        let campaign = self.dir().join("campaign.toml").display().to_string();
        let data = self.data.display().to_string();
        let step: &[&str] = if self.status().is_some() {
            &["resume", "test", "--no-progress"]
        } else {
            &["run", &campaign, "--yes", "--no-progress"]
        };
        ["--data", &data].iter().chain(step).map(|arg| (*arg).to_owned()).collect()
    }

    /// What has to happen next, under `wrapper` (a program and its arguments) if it has any.
    pub(crate) fn spawn(&self, wrapper: &[String]) -> Result<Child, String> {
        let volley = self.volley.display().to_string();
        let mut words = wrapper.iter().cloned().chain([volley]).chain(self.next_step());
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null());
        let stderr = fs::File::create(self.dir().join("stderr")).map_err(failed("can't write"))?;
        command.stderr(stderr).spawn().map_err(|error| format!("can't run {program}: {error}"))
    }

    /// What the last process said.
    pub(crate) fn words(&self) -> String {
        fs::read_to_string(self.dir().join("stderr")).unwrap_or_default()
    }

    fn ask(&self, args: &[&str]) -> Option<(Option<i32>, Vec<u8>)> {
        let output = Command::new(&self.volley).arg("--data").arg(&self.data).args(args).stdin(Stdio::null()).output();
        output.ok().map(|output| (output.status.code(), output.stdout))
    }

    pub(crate) fn status(&self) -> Option<Value> {
        let (code, json) = self.ask(&["status", "test", "--json"])?;
        (code == Some(0)).then(|| serde_json::from_slice(&json).ok())?
    }

    /// The sums hold, and no more is open than was said (CONTRACT I1, I4).
    pub(crate) fn check_now(&self) -> Result<(), String> {
        let Some(status) = self.status() else { return Ok(()) };
        let states = status.get("states").and_then(Value::as_object).ok_or("no states")?;
        let sum: u64 = states.values().filter_map(Value::as_u64).sum();
        if sum != self.rows {
            return Err(format!("the states sum to {sum}: {status}"));
        }
        let (open, bound) = (number(&status, "/states/in_flight"), number(&status, "/in_doubt_bound"));
        if open > bound {
            return Err(format!("{open} are unanswered, the bound is {bound}: {status}"));
        }
        Ok(())
    }

    /// Resumes without mishap until it is done.
    pub(crate) fn settle(&self) -> Result<(), String> {
        let mut words = String::new();
        for _ in 0..RESUMES {
            let mut child = self.spawn(&[])?;
            let ended = wait(&mut child, PATIENCE).ok_or_else(|| format!("never ends: {:?}", self.status()))?;
            words = self.words();
            match ended.code() {
                Some(0 | 6) => return Ok(()),
                _ => eprintln!("resumed again after {ended}: {words}"),
            }
        }
        Err(format!("can't be finished: {words}"))
    }

    /// The end: journal, store and report agree with each other and with the carrier.
    pub(crate) fn check(mut self) -> Result<Tally, String> {
        self.check_now()?;
        let status = self.status().ok_or("no status at the end")?;
        let (code, words) = self.ask(&["doctor"]).ok_or("no doctor")?;
        if code != Some(0) {
            return Err(format!("doctor: {}", String::from_utf8_lossy(&words)));
        }
        let (_, rows) = self.ask(&["report", "test", "--csv"]).ok_or("no report")?;
        let seen = self.stop_carrier()?;
        let copies = number(&seen, "/copies_beyond_first");
        if copies > 0 {
            return Err(format!("{copies} messages were taken twice: {status}"));
        }
        let taken = self.taken()?;
        let mut tally = Tally { rows: self.rows, taken: taken.len() as u64, in_doubt: 0 };
        let mut reported: HashMap<String, u64> = HashMap::new();
        for row in String::from_utf8_lossy(&rows).lines().skip(1) {
            // The list is clean: nothing is quoted before the reason.
            let mut fields = row.split(',');
            let (Some(line), Some(number), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(format!("the report can't be read: {row}"));
            };
            let number = number.trim_start_matches('+');
            *reported.entry(state.to_owned()).or_default() += 1;
            let was_taken = taken.contains(number);
            match state {
                "accepted" | "delivered" | "undelivered" | "expired" | "unknown" if !was_taken => {
                    return Err(format!("line {line} is {state} and was never taken"));
                }
                "failed" | "rejected" | "suppressed" | "cancelled" | "pending" | "deferred" if was_taken => {
                    return Err(format!("line {line} is {state} and was taken"));
                }
                "in_doubt" => tally.in_doubt += 1,
                "in_flight" | "pending" | "deferred" => return Err(format!("line {line} is {state} at the end")),
                _ => {}
            }
        }
        let n_reported: u64 = reported.values().sum();
        if n_reported != self.rows {
            return Err(format!("the report has {n_reported} rows: {reported:?}"));
        }
        Ok(tally)
    }

    /// Ends the carrier as a person would, and gives what it saw.
    fn stop_carrier(&mut self) -> Result<Value, String> {
        let pid = self.simulator.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let mut json = String::new();
        let mut stdout = self.simulator.stdout.take().ok_or("no stdout")?;
        stdout.read_to_string(&mut json).map_err(failed("the carrier's counts"))?;
        self.simulator.wait().map_err(failed("the carrier"))?;
        serde_json::from_str(&json).map_err(|error| format!("the carrier's counts: {error}: {json}"))
    }

    /// Recipients whose message the carrier took.
    fn taken(&self) -> Result<HashSet<String>, String> {
        let log = fs::read_to_string(self.dir().join("submits.csv")).map_err(failed("the carrier's log"))?;
        let took = log.lines().filter_map(|line| {
            let mut fields = line.split(',').skip(3);
            let (recipient, outcome) = (fields.next()?, fields.nth(1)?);
            outcome.bytes().all(|octet| octet.is_ascii_digit()).then(|| recipient.to_owned())
        });
        Ok(took.collect())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.simulator.kill();
        let _ = self.simulator.wait();
    }
}

/// How it ended, if it did so in time; else it is killed.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let step = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while waited < patience {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(step);
        waited += step;
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Whether a signal ended it.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

impl Tally {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, taken: self.taken + other.taken, in_doubt: self.in_doubt + other.in_doubt }
    }

    pub(crate) fn in_words(self) -> String {
        format!(
            "{} rows, {} messages taken by the carrier, 0 twice, 0 lost, {} rows in doubt, every sum right",
            self.rows, self.taken, self.in_doubt
        )
    }
}
