//! The contract holds in simulated campaigns, and the simulation finds what is planted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ops::RangeInclusive, path::Path};

use volley_proof::simulation::{Bug, Fault, Faults, Run, Scenario, folder, plant, run, shrink, silence_the_store};

/// Seeds within which each planted bug must be found.
const SEEDS: u64 = 1_000;

fn simulate(seed: u64, folder: &Path) -> Run {
    run(&Scenario::draw(seed), folder).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// The smallest campaign that breaks the same invariant, with what happened to its row.
fn explain(seed: u64, found: &Run, folder: &Path) -> String {
    let Some(violation) = &found.violation else { return String::new() };
    let (scenario, smallest) = shrink(&Scenario::draw(seed), folder, violation.invariant).unwrap();
    let row = smallest.violation.as_ref().and_then(|violation| violation.row);
    let trace: Vec<_> = smallest.trace.about(row).map(ToString::to_string).collect();
    format!("seed {seed}: {violation}\nsmallest: {scenario:?}\n{}\n{:?}", trace.join("\n"), smallest.violation)
}

#[track_caller]
fn check(seeds: RangeInclusive<u64>) {
    silence_the_store();
    let folder = folder().unwrap();
    let mut faults = Faults::default();
    for seed in seeds {
        let run = simulate(seed, folder.path());
        assert!(run.violation.is_none(), "{}", explain(seed, &run, folder.path()));
        faults.merge(&run.faults);
    }
    let never: Vec<_> = Fault::ALL.iter().filter(|fault| faults.get(**fault) == 0).map(|fault| fault.name()).collect();
    assert!(never.is_empty(), "these never happened: {never:?}");
}

#[test]
fn five_hundred_campaigns_hold_the_contract() {
    check(1..=500);
}

#[test]
fn another_five_hundred_hold_it_too() {
    check(501..=1_000);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    silence_the_store();
    let folder = folder().unwrap();
    for seed in 1..=25 {
        let (first, second) = (simulate(seed, folder.path()), simulate(seed, folder.path()));
        assert_eq!(first.trace.hash(), second.trace.hash(), "seed {seed}");
        assert!(first.trace == second.trace && !first.trace.is_empty(), "seed {seed}");
    }
}

#[test]
fn each_planted_bug_is_found() {
    silence_the_store();
    let folder = folder().unwrap();
    for bug in Bug::ALL {
        plant(Some(bug));
        let found = (1..=SEEDS).find_map(|seed| Some((seed, simulate(seed, folder.path()).violation?)));
        plant(None);
        let Some((seed, violation)) = found else { panic!("{} is not found within {SEEDS} seeds", bug.name()) };
        eprintln!("{}: seed {seed}: {violation}", bug.name());
    }
}
