//! The smallest scenario that still breaks the same invariant.

use std::{io, path::Path};

use crate::simulation::{
    campaign::{Run, run},
    scenario::{Life, Scenario, Shares, StoreFate},
};

/// Tries simpler scenarios as long as they still break `invariant`; gives the last that does, with
/// its run.
///
/// # Errors
/// When the folder can't be used.
pub fn shrink(scenario: &Scenario, folder: &Path, invariant: &str) -> io::Result<(Scenario, Run)> {
    let mut smallest = scenario.clone();
    let mut last = run(&smallest, folder)?;
    loop {
        let mut smaller = None;
        for candidate in simpler(&smallest) {
            let tried = run(&candidate, folder)?;
            if tried.violation.as_ref().is_some_and(|violation| violation.invariant == invariant) {
                smaller = Some((candidate, tried));
                break;
            }
        }
        match smaller {
            Some((scenario, run)) => (smallest, last) = (scenario, run),
            None => return Ok((smallest, last)),
        }
    }
}

/// One simplification each.
fn simpler(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Scenario)| {
        let mut candidate = scenario.clone();
        change(&mut candidate);
        if candidate != *scenario {
            all.push(candidate);
        }
    };
    for n_rows in [scenario.n_rows / 2, scenario.n_rows.saturating_sub(1)] {
        add(&|it| it.n_rows = n_rows.max(1));
    }
    for n in 0..scenario.lives.len() {
        if scenario.lives.len() > 1 {
            add(&|it| {
                it.lives.remove(n);
            });
        }
        let calm = |it: &mut Scenario, change: &dyn Fn(&mut Life)| it.lives.get_mut(n).into_iter().for_each(change);
        add(&|it| calm(it, &|life| life.clock_jump = None));
        add(&|it| calm(it, &|life| life.decision = None));
        add(&|it| calm(it, &|life| life.orders.clear()));
        add(&|it| calm(it, &|life| life.store = StoreFate::Kept));
        add(&|it| calm(it, &|life| life.stopped_at_ms = None));
    }
    if scenario.carriers.len() > 1 {
        add(&|it| {
            it.carriers.pop();
        });
    }
    add(&|it| it.campaign_rate = 0);
    add(&|it| it.window = None);
    add(&|it| it.longest_text = 20);
    add(&|it| it.segment_bytes = 64 << 10);
    for n in 0..scenario.carriers.len() {
        add(&|it| {
            it.carriers.get_mut(n).into_iter().for_each(|plan| (plan.binds, plan.rate, plan.is_hex) = (1, 0, false))
        });
        for calm in Shares::calmed() {
            add(&|it| it.carriers.get_mut(n).into_iter().for_each(|plan| calm(&mut plan.shares)));
        }
    }
    all
}
