//! How fast, and how steadily, a window carries submits.

use std::time::Instant;

use crate::owner::Owner;

/// Whatever else the machine does: what is promised must hold in one of so many runs.
const RUNS: usize = 4;

/// Submits answered in a second, over 1,000.
async fn per_second() -> f64 {
    let mut owner = Owner::start("answer-latency = \"20ms\"\n", |smpp| smpp.window = 10);
    owner.wait_for(|log| log.n_bound == 1).await;
    owner.submit(1_000);
    // The first window fills while the clock does not run yet.
    owner.wait_for(|log| log.n_answers >= 10).await;
    let (start, n_before) = (Instant::now(), owner.log.n_answers);
    owner.wait_for(|log| log.n_answers == 1_000).await;
    (1_000 - n_before) as f64 / start.elapsed().as_secs_f64()
}

#[tokio::test]
async fn a_window_of_ten_reaches_480_a_second_against_an_smsc_of_20_ms() {
    let mut most = 0.0_f64;
    for _ in 0..RUNS {
        most = most.max(per_second().await);
        eprintln!("{most:.0}/s");
        if most >= 480.0 {
            return;
        }
    }
    panic!("{most:.0}/s at most, 500/s are possible");
}

/// The 99th percentile of answer times in µs over 1,000 submits, and receipts for each submit.
async fn p99(simulator: &str) -> (f64, f64) {
    let mut owner = Owner::start(simulator, |smpp| smpp.window = 10);
    owner.wait_for(|log| log.n_bound == 1).await;
    owner.submit(1_000);
    owner.wait_for(|log| log.n_answers == 1_000).await;
    let p99 = owner.carrier.status().binds.first().unwrap().answer_time_p99_us.unwrap();
    (f64::from(p99), owner.log.n_receipts as f64 / 1_000.0)
}

#[tokio::test]
async fn a_flood_of_receipts_leaves_answer_times_alone() {
    for run in 1..=RUNS {
        let (quiet, none) = p99("answer-latency = \"20ms\"\n[faults]\nlost-receipts = 1.0\n").await;
        let (flooded, ten) = p99("answer-latency = \"20ms\"\n[faults]\nrepeat-receipts = 10\n").await;
        eprintln!("p99 {quiet:.0} µs without receipts, {flooded:.0} µs with {ten:.1} for each submit");
        assert!(none == 0.0 && ten > 9.5, "{none} and {ten} receipts for each submit");
        if flooded <= quiet * 1.2 + 1_000.0 {
            return;
        }
        assert!(run < RUNS, "p99 went from {quiet:.0} to {flooded:.0} µs");
    }
}
