//! The report by recipient of a real finished campaign: beside a loop that copies the same lines
//! through a buffer, which is the least that any export does.
//!
//! `VOLLEY_ROWS=200000` makes it shorter.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are its output")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use volley_engine::{By, CancellationToken, DataDir, Engine, Report, ReportZone, generate};

const N_RUNS: usize = 5;
/// The export takes so many times the time of copying its lines at most.
const MOST_TIMES_A_COPY: f64 = 12.0;
const BUFFER: usize = 1 << 20;

fn main() {
    let n_rows = std::env::var("VOLLEY_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000_u64);
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::new(&dir.path().join("data"));
    send(dir.path(), &data, n_rows);
    let report = Report::open(&data, "bench").unwrap();
    let path = dir.path().join("report.csv");
    report.write_csv(&mut BufWriter::with_capacity(BUFFER, File::create(&path).unwrap()), &mut |_| ()).unwrap();
    let lines = fs::read(&path).unwrap();
    assert_eq!(lines.iter().filter(|octet| **octet == b'\n').count() as u64, n_rows + 1);

    let to_file = times(|| {
        let mut out = BufWriter::with_capacity(BUFFER, File::create(&path).unwrap());
        report.write_csv(&mut out, &mut |_| ()).unwrap();
    });
    let to_null = times(|| {
        let mut out = BufWriter::with_capacity(BUFFER, File::create("/dev/null").unwrap());
        report.write_csv(&mut out, &mut |_| ()).unwrap();
    });
    let copied = times(|| {
        let mut out = BufWriter::with_capacity(BUFFER, File::create("/dev/null").unwrap());
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            out.write_all(line).unwrap();
        }
        out.flush().unwrap();
    });
    let broken_down =
        times(|| drop(report.details(&By::ALL, &ReportZone::named("UTC").unwrap(), &mut |_| ()).unwrap()));
    println!("{n_rows} rows, {} octets:", lines.len());
    for (what, seconds) in [
        ("to a file", &to_file),
        ("to /dev/null", &to_null),
        ("copied to /dev/null", &copied),
        ("all breakdowns", &broken_down),
    ] {
        let rate = |at: usize| n_rows as f64 / seconds.get(at).copied().unwrap_or(f64::NAN);
        println!("  {what}: min {:.0}, median {:.0}, max {:.0} rows/s", rate(N_RUNS - 1), rate(N_RUNS / 2), rate(0));
    }
    let median = |seconds: &[f64]| seconds.get(N_RUNS / 2).copied().unwrap_or(f64::NAN);
    let times_a_copy = median(&to_null) / median(&copied);
    println!("  export : copy = {times_a_copy:.1}");
    assert!(times_a_copy <= MOST_TIMES_A_COPY, "the export is too slow");
}

/// Seconds of each run, shortest first.
fn times(mut run: impl FnMut()) -> Vec<f64> {
    let mut seconds: Vec<f64> = (0..N_RUNS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}

/// A campaign to the end, over a carrier that volley plays itself.
fn send(dir: &Path, data: &DataDir, n_rows: u64) {
    let mut list = BufWriter::new(File::create(dir.join("list.csv")).unwrap());
    generate::generate(&generate::GenerateOptions { rows: n_rows, seed: 7, clean: true }, &mut list).unwrap();
    list.flush().unwrap();
    let carriers = "[carriers.north]\nkind = \"simulated\"\nwindow = 1000\nbinds = 2\n\
                    price-per-segment = { default = \"0.045 EUR\", DE = \"0.062 EUR\" }\n\
                    [carriers.north.simulator]\nseed = 7\nreceipt-delay = { min = \"10ms\", max = \"500ms\" }\n\
                    final-states = { delivered = 0.95, undelivered = 0.05 }\n";
    fs::write(dir.join("carriers.toml"), carriers).unwrap();
    let campaign = "name = \"bench\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n[message]\nsender = \"ACME\"\n\
                    text = \"Hi {{ first_name }}, use {{ code }}.\"\n[[route]]\ncarrier = \"north\"\n";
    fs::write(dir.join("campaign.toml"), campaign).unwrap();
    let mut engine = Engine::open(data).unwrap();
    let preflight = engine.preflight(&dir.join("campaign.toml"), &dir.join("carriers.toml"), &mut |_| ()).unwrap();
    let id = engine.approve(&preflight).unwrap();
    let prepared = engine.prepare(id, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(Box::pin(prepared.run(CancellationToken::new()))).unwrap();
    println!("sent: {:.0} segments/s", outcome.summary.submitted_per_s);
}
