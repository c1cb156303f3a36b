//! SIGKILL at random moments, also while it recovers (CONTRACT F1, F28).

use std::{fs, thread, time::Duration};

use super::{
    Options,
    scene::{Scene, Tally, failed, wait},
};
use crate::random::Random;

/// Kills in one campaign.
const KILLS: u64 = 8;
const ROWS: u64 = 20_000;

/// Kills it [`Options::times`] times at random moments, some of them right after a resume.
///
/// # Errors
/// What was wrong afterwards, with the seed.
pub fn run(options: &Options) -> Result<(), String> {
    let rows = options.rows.unwrap_or(ROWS);
    let (mut n_kills, mut n_in_recovery, mut n_campaigns) = (0, 0, 0);
    let mut sum = Tally::default();
    let mut seed = options.seed;
    while n_kills < options.times {
        let of_seed = |why| format!("seed {seed}: {why}");
        let scene = Scene::new(&options.volley, rows, seed, None).map_err(of_seed)?;
        let mut random = Random(seed);
        let mut in_campaign = 0;
        while in_campaign < KILLS && n_kills < options.times {
            let recovers = scene.status().is_some();
            if recovers && random.below(8) == 0 {
                // The store is a copy: it may be lost, too.
                let _ = fs::remove_dir_all(scene.data.join("store"));
            }
            let mut child = scene.spawn(&[])?;
            // Every other kill strikes a process that was just resumed.
            let is_early = recovers && random.below(2) == 0;
            let patience = if is_early { random.below(60) } else { 20 + random.below(900) };
            if wait_or_kill(&mut child, Duration::from_millis(patience))? {
                n_kills += 1;
                in_campaign += 1;
                n_in_recovery += u64::from(is_early);
                scene.check_now().map_err(of_seed)?;
            } else {
                break;
            }
        }
        scene.settle().map_err(of_seed)?;
        let tally = scene.check().map_err(of_seed)?;
        n_campaigns += 1;
        sum = sum.plus(tally);
        println!("seed {seed}: {in_campaign} kills, {} taken, {} in doubt", tally.taken, tally.in_doubt);
        seed += 1;
    }
    println!(
        "{n_kills} kills, {n_in_recovery} of them within 60 ms of a resume, in {n_campaigns} campaigns: {}",
        sum.in_words()
    );
    Ok(())
}

/// Whether it had to be killed.
fn wait_or_kill(child: &mut std::process::Child, patience: Duration) -> Result<bool, String> {
    thread::sleep(patience);
    if child.try_wait().map_err(failed("can't wait"))?.is_some() {
        return Ok(false);
    }
    let _ = wait(child, Duration::ZERO);
    Ok(true)
}
