//! A scenario for each fault of the simulator: the real binary over real sockets, checked from
//! the simulator's own log as well as from the report. Under `in-doubt = "hold"` nothing is lost,
//! nothing is sent twice, the states sum to the rows, and the reason stands where a person looks.

mod answers;
mod binds;
mod everything;
mod receipts;
mod sessions;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
    process::Stdio,
};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

/// What misbehaves, and what a run is to come to.
#[derive(Clone, Copy)]
struct Scenario<'a> {
    rows: u64,
    /// simulator.toml.
    simulator: &'a str,
    /// Added to the campaign's `[delivery]`.
    delivery: &'a str,
    /// Replaces `binds = 2` and `window = 50`.
    carrier: &'a str,
    exit: i32,
}

/// An exit code for runs in which receipts may or may not tell of all that was in doubt.
const IN_DOUBT_OR_NOT: i32 = -1;

impl Default for Scenario<'_> {
    fn default() -> Self {
        Self { rows: 300, simulator: "", delivery: "", carrier: "binds = 2\nwindow = 50\n", exit: 0 }
    }
}

/// A submit as the simulator logged it.
#[derive(Debug)]
struct Logged {
    bind: String,
    recipient: String,
    is_taken: bool,
    faults: Vec<String>,
}

/// A finished run.
struct Ran {
    status: Value,
    /// `volley status --json`: the counts of receipts.
    receipts: Value,
    seen: Value,
    log: Vec<Logged>,
    /// State and reason by recipient.
    report: HashMap<String, (String, String)>,
    words: String,
    /// What was in doubt was sent again.
    may_double: bool,
}

/// Runs a campaign and checks what holds whatever went wrong.
#[track_caller]
fn run(scenario: Scenario<'_>) -> Ran {
    eprintln!("simulator.toml:\n{}", scenario.simulator);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Receipts without a date tell nothing of what is in doubt.
    let form = if scenario.simulator.contains("receipt-form") { "" } else { "receipt-form = \"tlv\"\n" };
    let simulator = Simulator::start(dir, &format!("{form}{}", scenario.simulator));
    let campaign = write_campaign(dir, scenario.rows, &simulator.address, scenario.delivery);
    let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
    assert!(carriers.contains("binds = 2\nwindow = 50\n"), "{carriers}");
    fs::write(dir.join("carriers.toml"), carriers.replace("binds = 2\nwindow = 50\n", scenario.carrier)).unwrap();
    let output = volley(dir).arg("run").arg(&campaign).arg("--yes").stdin(Stdio::null()).output().unwrap();
    let words = stderr(&output);
    let code = output.status.code();
    let is_expected = match scenario.exit {
        IN_DOUBT_OR_NOT => matches!(code, Some(0 | 6)),
        exit => code == Some(exit),
    };
    assert!(is_expected, "{code:?}: {words}\n{:?}", status(dir));
    let all = volley(dir).args(["status", "--json"]).output().unwrap();
    let all: Value = serde_json::from_slice(&all.stdout).unwrap();
    let ran = Ran {
        status: status(dir).unwrap(),
        receipts: all.pointer("/receipts").unwrap().clone(),
        report: report(dir),
        seen: simulator.stop(),
        log: log(dir),
        words,
        may_double: scenario.delivery.contains("resend"),
    };
    ran.check(scenario.rows);
    ran
}

fn log(dir: &Path) -> Vec<Logged> {
    let text = fs::read_to_string(dir.join("submits.csv")).unwrap();
    let lines = text.lines().map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, _, bind, recipient, _, outcome, faults @ ..] = fields.as_slice() else { panic!("{line}") };
        Logged {
            bind: (*bind).to_owned(),
            recipient: (*recipient).to_owned(),
            is_taken: !outcome.contains("ESME_"),
            faults: faults.iter().flat_map(|faults| faults.split('+')).map(str::to_owned).collect(),
        }
    });
    lines.collect()
}

fn report(dir: &Path) -> HashMap<String, (String, String)> {
    let output = volley(dir).args(["report", "test", "--csv"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let mut fields = line.splitn(4, ',').skip(1);
        let [number, state, rest] = [(); 3].map(|()| fields.next().unwrap());
        let reason = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split(',').next(),
        };
        (number.trim_start_matches('+').to_owned(), (state.to_owned(), reason.unwrap().to_owned()))
    });
    rows.collect()
}

impl Ran {
    /// Sums, copies, and that report and log tell the same story.
    #[track_caller]
    fn check(&self, rows: u64) {
        let Self { status, seen, log, report, .. } = self;
        assert_eq!(sum_of_states(status), rows, "{status}");
        assert_eq!(report.len() as u64, rows, "a line for each row");
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        for (state, _) in report.values() {
            *states.entry(state).or_default() += 1;
        }
        for (state, n_rows) in status["states"].as_object().unwrap() {
            assert_eq!(n_rows.as_u64(), Some(states.get(state.as_str()).copied().unwrap_or(0)), "{state}: {status}");
        }
        let (copies, possible) = (n(seen, "/copies_beyond_first"), n(status, "/possible_duplicates"));
        assert!(copies <= possible && (self.may_double || possible == 0), "{copies} of {possible} copies: {seen}");
        let taken: BTreeSet<&str> = self.taken().collect();
        let n_taken = log.iter().filter(|submit| submit.is_taken).count() as u64;
        assert_eq!((taken.len() as u64 + copies, n_taken), (n_taken, n(seen, "/accepted")), "{seen}");
        for (number, (state, reason)) in report {
            // Whoever is said to have been reached was taken; whoever is in doubt may have been.
            let may_be = match state.as_str() {
                "delivered" | "undelivered" | "expired" | "unknown" | "accepted" => &[true][..],
                "in_doubt" => &[true, false],
                "pending" | "failed" => &[false],
                other => panic!("{number} is {other}: {reason}"),
            };
            assert!(may_be.contains(&taken.contains(number.as_str())), "{number} is {state}");
        }
    }

    /// Recipients of the submits that were taken.
    fn taken(&self) -> impl Iterator<Item = &str> {
        self.log.iter().filter(|submit| submit.is_taken).map(|submit| submit.recipient.as_str())
    }

    /// Recipients of the submits that this fault struck; the log and the numbers agree.
    #[track_caller]
    fn struck(&self, fault: &str) -> BTreeSet<&str> {
        let struck = self.log.iter().filter(|submit| submit.faults.iter().any(|struck| struck == fault));
        let struck: BTreeSet<_> = struck.map(|submit| submit.recipient.as_str()).collect();
        assert!(!struck.is_empty(), "{fault} never struck: {}", self.seen);
        assert_eq!(struck.len() as u64, n(&self.seen, &format!("/faults/{fault}")), "{}", self.seen);
        struck
    }

    /// Recipients of the rows in this state, each for this reason.
    #[track_caller]
    fn rows_in(&self, state: &str, expected: &str) -> BTreeSet<&str> {
        let rows = self.report.iter().filter(|(_, (is, _))| is == state);
        rows.inspect(|(number, (_, reason))| assert_eq!(reason, expected, "{number}"))
            .map(|(number, _)| number.as_str())
            .collect()
    }

    /// Rows in doubt, at most as many as can be by the bound that was shown.
    #[track_caller]
    fn in_doubt(&self, reason: &str) -> BTreeSet<&str> {
        let rows = self.rows_in("in_doubt", reason);
        let n_rows = self.status.pointer(&format!("/reasons/{reason}")).and_then(Value::as_u64);
        assert_eq!(n_rows, Some(rows.len() as u64), "{}", self.status);
        assert!(rows.len() as u64 <= n(&self.status, "/in_doubt_bound"), "{}", self.status);
        rows
    }

    /// All rows are in these two states together.
    #[track_caller]
    fn all_are(&self, states: &[&str]) {
        let n_rows: u64 = states.iter().map(|state| n(&self.status, &format!("/states/{state}"))).sum();
        assert_eq!(n_rows, n(&self.status, "/rows"), "{}", self.status);
    }

    /// A line on stderr says so.
    #[track_caller]
    fn says(&self, what: &str) {
        assert!(self.words.contains(what), "no `{what}` in: {}", self.words);
    }
}
