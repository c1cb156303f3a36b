//! `volley check` on a list with a personalised text, prices, windows and recipients of five zones,
//! beside a bare loop over the same file with the csv crate. Asserted, by the medians of rounds in
//! one run: at most [`MOST`] times that loop, and the memory at its peak. `VOLLEY_BENCH_ROWS=1000000
//! cargo bench -p volley-benches --bench check`; that many by default.

use std::{
    env,
    error::Error,
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use csv::ByteRecord;
use volley_engine::{
    DataDir, Engine,
    generate::{GenerateOptions, generate},
};

const ROUNDS: usize = 5;
const DEFAULT_ROWS: u64 = 1_000_000;
/// Times of the bare loop that a check may take. The loop reads some 10 million rows a second: at
/// this ratio a million rows take less than the 5 s that are promised.
const MOST: f64 = 50.0;

const CAMPAIGN: &str = "name = \"check\"
[audience]
list = \"list.csv\"
to = \"phone\"
default-country = \"DE\"
[message]
sender = \"ACME\"
text = \"Hi {{ first_name }}, 20 % off in {{ city }} until Sunday with {{ code }}. Reply STOP to opt out.\"
smart-encoding = \"punct\"
[schedule]
rate = \"500/s\"
[[route]]
carrier = \"north\"
weight = 2
[[route]]
carrier = \"south\"
";
const CARRIERS: &str = "[carriers.north]
kind = \"simulated\"
rate = \"300/s\"
price-per-segment = { default = \"0.045 EUR\", DE = \"0.062 EUR\" }
[carriers.south]
kind = \"simulated\"
rate = \"250/s\"
price-per-segment = { default = \"0.038 EUR\" }
";

fn write(dir: &Path, n_rows: u64) -> Result<(), Box<dyn Error>> {
    fs::write(dir.join("campaign.toml"), CAMPAIGN)?;
    fs::write(dir.join("carriers.toml"), CARRIERS)?;
    let mut list = BufWriter::with_capacity(1 << 20, fs::File::create(dir.join("list.csv"))?);
    generate(&GenerateOptions { rows: n_rows, seed: 7, clean: false }, &mut list)?;
    Ok(list.flush()?)
}

fn bare_loop(path: &Path) -> csv::Result<u64> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let mut record = ByteRecord::new();
    let mut n_rows = 0;
    while reader.read_byte_record(&mut record)? {
        n_rows += 1;
    }
    Ok(n_rows)
}

/// Rows read, as the check counts them, and whether progress was told.
fn check(dir: &Path) -> Result<(u64, bool), Box<dyn Error>> {
    let engine = Engine::open(&DataDir::new(&dir.join("data")))?;
    let mut has_progress = false;
    let preflight =
        engine.preflight(&dir.join("campaign.toml"), &dir.join("carriers.toml"), &mut |_| has_progress = true)?;
    let n_rows = preflight.json().pointer("/funnel/rows").and_then(serde_json::Value::as_u64).unwrap_or(0);
    preflight.discard()?;
    Ok((n_rows, has_progress))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = std::time::Instant::now();
    let result = work();
    times.push(start.elapsed());
    result
}

/// Minimum, median and maximum in seconds.
fn of_rounds(times: &mut [Duration]) -> (f64, f64, f64) {
    times.sort_unstable();
    let seconds = |at: usize| times.get(at).map_or(0.0, Duration::as_secs_f64);
    (seconds(0), seconds(times.len() / 2), seconds(times.len().saturating_sub(1)))
}

/// The most memory that this process ever had, in MB.
fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1024.0 / 1e6
}

fn run(n_rows: u64) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    write(scratch.path(), n_rows)?;
    let (mut bare, mut checked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        assert_eq!(timed(&mut bare, || bare_loop(&scratch.path().join("list.csv")))?, n_rows);
        assert_eq!(timed(&mut checked, || check(scratch.path()))?, (n_rows, true));
    }
    let bare = of_rounds(&mut bare).1;
    let (min, median, max) = of_rounds(&mut checked);
    let ratio = median / bare;
    eprintln!("{n_rows} rows; bare loop {bare:.3} s, {:.1} M rows/s", n_rows as f64 / bare / 1e6);
    eprintln!("check {min:.2} / {median:.2} / {max:.2} s, {ratio:.1} times the loop, at most {MOST}");
    eprintln!("peak memory {:.0} MB, at most 250", peak_mb());
    assert!(ratio <= MOST, "{ratio:.1} times the bare loop");
    assert!(peak_mb() <= 250.0, "{:.0} MB", peak_mb());
    Ok(())
}

fn main() -> ExitCode {
    let n_rows = env::var("VOLLEY_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(DEFAULT_ROWS);
    match run(n_rows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
