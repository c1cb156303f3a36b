//! Reading, checking, deduplicating and freezing a list of 40-octet rows, beside a bare loop over
//! the same file with the csv crate. Asserted, by the medians of rounds in one run: at most 10
//! times that loop with full validation of numbers, at most 5 times where they are declared clean
//! E.164; and the memory at its peak. `VOLLEY_BENCH_ROWS=10000000 cargo bench -p volley-benches
//! --bench lists` for the sizes of the promise; 2 million by default.

use std::{
    env, fs,
    io::{self, BufWriter, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use csv::ByteRecord;
use volley_ingest::{Error, ListOptions, Rejection, RowCheck, RowFacts, RowView, freeze};

const ROUNDS: usize = 5;
const DEFAULT_ROWS: u64 = 2_000_000;

struct AcceptAll;

impl RowCheck for AcceptAll {
    type Scratch = ();

    fn check(&self, _row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1, ..RowFacts::default() })
    }
}

/// Rows such as `+4915112345678,Anna Schmidt,SPRING12345`, each number once up to 100 million.
fn write_list(path: &Path, n_rows: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    file.write_all(b"phone,first_name,code\n")?;
    for n in 0..n_rows {
        let number = n.wrapping_mul(73_687_877) % 100_000_000;
        writeln!(file, "+49151{number:08},Anna Schmidt,SPRING{:05}", n % 100_000)?;
    }
    file.flush()
}

fn bare_loop(path: &Path) -> csv::Result<u64> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = ByteRecord::new();
    let mut n_octets = 0;
    while reader.read_byte_record(&mut record)? {
        n_octets += record.as_slice().len() as u64;
    }
    Ok(n_octets)
}

fn freeze_list(path: &Path, dir: &Path, clean_e164: bool) -> Result<u32, Error> {
    let columns = vec!["first_name".to_owned(), "code".to_owned()];
    let default_country = Some("DE".to_owned());
    let options = ListOptions { default_country, clean_e164, columns, ..ListOptions::new(path, "phone") };
    freeze(&options, &AcceptAll, dir, &mut |_| ()).map(|frozen| frozen.n_valid)
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
    let kib = line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0);
    kib * 1024.0 / 1e6
}

fn run(n_rows: u64) -> Result<(), Box<dyn std::error::Error>> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (list, dir) = (scratch.path().join("list.csv"), scratch.path().join("plan"));
    write_list(&list, n_rows)?;
    let (mut bare, mut full, mut clean) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        timed(&mut bare, || bare_loop(&list))?;
        for (times, is_clean) in [(&mut full, false), (&mut clean, true)] {
            let n_valid = timed(times, || freeze_list(&list, &dir, is_clean))?;
            assert_eq!(u64::from(n_valid), n_rows, "every row can be sent");
        }
    }
    let bare = of_rounds(&mut bare);
    eprintln!("{n_rows} rows; bare loop {:.2} s, {:.1} M rows/s", bare.1, n_rows as f64 / bare.1 / 1e6);
    for (what, times, limit) in [("full validation", &mut full, 10.0), ("clean E.164", &mut clean, 5.0)] {
        let (min, median, max) = of_rounds(times);
        let ratio = median / bare.1;
        eprintln!("{what:<16} {min:.2} / {median:.2} / {max:.2} s, {ratio:.1} times the loop, at most {limit}");
        assert!(ratio <= limit, "{what}: {ratio:.1} times the bare loop");
    }
    let limit = if n_rows > 10_000_000 { 600.0 } else { 250.0 };
    eprintln!("peak memory {:.0} MB, at most {limit}", peak_mb());
    assert!(peak_mb() <= limit, "{:.0} MB", peak_mb());
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
