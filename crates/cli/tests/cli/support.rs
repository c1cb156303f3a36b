//! What the tests of the binary share: a simulator in a process of its own, campaign files, and
//! reading status.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

pub(crate) const VOLLEY: &str = env!("CARGO_BIN_EXE_volley");

pub(crate) struct Simulator {
    child: Child,
    pub(crate) address: String,
    /// Kept open: a closed pipe would be noticed.
    _stderr: BufReader<ChildStderr>,
}

impl Simulator {
    pub(crate) fn start(dir: &Path, options: &str) -> Self {
        let file = dir.join("simulator.toml");
        fs::write(&file, options).unwrap();
        let mut child = Command::new(VOLLEY)
            .arg("simulate")
            .arg(&file)
            .args(["--listen", "127.0.0.1:0", "--log"])
            .arg(dir.join("submits.csv"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address, _stderr: stderr }
    }

    /// Ends it at once, as a machine that fails does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as a person would, and gives what it saw.
    pub(crate) fn stop(mut self) -> Value {
        signal(&self.child, "TERM");
        let mut json = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut json).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&json).unwrap()
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

/// A campaign `test` over one SMPP carrier, with a clean list; gives the campaign file.
pub(crate) fn write_campaign(dir: &Path, rows: u64, address: &str, delivery: &str) -> PathBuf {
    let carriers = format!(
        "[carriers.north]\nkind = \"smpp\"\nhosts = [\"{address}\"]\nsystem-id = \"acme\"\nbinds = 2\nwindow = 50\n"
    );
    fs::write(dir.join("carriers.toml"), carriers).unwrap();
    // What waits for receipts of rows in doubt says so itself.
    let grace = if delivery.contains("doubt-grace") { "" } else { "doubt-grace = \"0s\"\n" };
    let campaign = format!(
        "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n[message]\nsender = \"ACME\"\n\
         text = \"Hi {{{{ first_name }}}}, use {{{{ code }}}}.\"\n[delivery]\n{grace}{delivery}\n\
         [[route]]\ncarrier = \"north\"\n"
    );
    let file = dir.join("campaign.toml");
    fs::write(&file, campaign).unwrap();
    let generated = Command::new(VOLLEY)
        .args(["generate", "--rows", &rows.to_string(), "--clean", "--out"])
        .arg(dir.join("list.csv"))
        .status();
    assert!(generated.unwrap().success());
    file
}

pub(crate) fn volley(dir: &Path) -> Command {
    let mut command = Command::new(VOLLEY);
    command.arg("--data").arg(dir.join("data"));
    command
}

pub(crate) fn status(dir: &Path) -> Option<Value> {
    let output = volley(dir).args(["status", "test", "--json"]).output().unwrap();
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

pub(crate) fn sum_of_states(status: &Value) -> u64 {
    status["states"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

pub(crate) fn n(status: &Value, pointer: &str) -> u64 {
    status.pointer(pointer).and_then(Value::as_u64).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Adds to the carrier of `write_campaign`.
pub(crate) fn add_to_carrier(dir: &Path, keys: &str) {
    let carriers = dir.join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    fs::write(&carriers, format!("{text}{keys}\n")).unwrap();
}

pub(crate) fn run(dir: &Path, campaign: &Path) -> (Option<i32>, String) {
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null());
    let output = command.output().unwrap();
    (output.status.code(), stderr(&output))
}

/// The counts of receipts over all campaigns.
pub(crate) fn receipts(dir: &Path) -> Value {
    let output = volley(dir).args(["status", "--json"]).output().unwrap();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all.pointer("/receipts").unwrap().clone()
}

/// The sums agree in three ways.
#[track_caller]
pub(crate) fn is_sound(dir: &Path) {
    let doctor = volley(dir).arg("doctor").output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
}

/// `volley run` or `resume`, under way.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = volley(dir);
        command.args(arguments).arg("--no-progress");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child }
    }

    pub(crate) fn run(dir: &Path, campaign: &Path) -> Self {
        Self::start(dir, &["run", campaign.to_str().unwrap(), "--yes"])
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), stderr(&output))
    }
}

/// Waits until the campaign's status is as it should be.
#[expect(clippy::disallowed_methods, reason = "a test that waits for another process")]
#[track_caller]
pub(crate) fn until(dir: &Path, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let from = Instant::now();
    loop {
        if let Some(status) = status(dir).filter(&is_so) {
            return status;
        }
        assert!(from.elapsed() < Duration::from_secs(20), "never {what}: {:?}", status(dir));
        thread::sleep(Duration::from_millis(20));
    }
}

/// A command that succeeds; gives its JSON.
#[track_caller]
pub(crate) fn order(dir: &Path, arguments: &[&str]) -> Value {
    let output = volley(dir).args(arguments).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
pub(crate) fn refused(dir: &Path, arguments: &[&str], code: i32, words: &str) {
    let output = volley(dir).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
}
