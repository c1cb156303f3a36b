//! One simulated campaign: lives of the program, one after the other, until one ends by itself.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_util::task::TaskTracker;
use volley_engine::{
    CampaignId, CancellationToken, DataDir, DoubtVerdict, Doubts, Ended, Engine, Error, Ground, Instruction, OrderDoor,
    Outcome, Refusal, Tasks, Verb,
};
use volley_journal::{Disk, JournalOptions};
use volley_pipeline::Dialler;

use crate::simulation::{
    check,
    disk::SimDisk,
    fault::{Fault, Faults},
    list,
    model::{Model, Violation},
    net::SimNet,
    scenario::{Death, Life, Scenario, StoreFate},
    smsc::Smsc,
    trace::Trace,
    world::{Sim, SimClock},
};

/// No life lasts longer in virtual time: beyond it the engine hangs.
const LIFE_MAX: Duration = Duration::from_secs(3 * 3_600);
/// Lives beyond those of the scenario, without crashes, until the campaign is done.
const MORE_LIVES: usize = 3;
/// How long a receipt waits for its answer, by the wall clock (`volley_reconciler`).
const PARKED_S: i64 = 600;
/// A stop is acknowledged within this time.
const STOP_SEEN_US: u64 = 1_000_000;

/// What became of one campaign.
#[derive(Debug, Clone)]
pub struct Run {
    /// The invariant that does not hold, if one doesn't.
    pub violation: Option<Violation>,
    /// What went wrong, and how often.
    pub faults: Faults,
    /// Runs of the program.
    pub n_lives: u64,
    /// Images of a disk after a power cut that were recovered and checked.
    pub n_images: u64,
    /// Checks of invariants.
    pub n_checks: u64,
    /// Everything that happened.
    pub trace: Trace,
}

/// How a life ended.
enum End {
    Died,
    Ended(Box<Result<Outcome, Error>>),
    Hangs,
}

struct Campaign {
    sim: Arc<Sim>,
    /// On a real file system in memory: list, plan, replies and store.
    folder: PathBuf,
    n_lives: u64,
    n_images: u64,
    n_checks: u64,
}

/// Runs the campaign of one scenario, in `folder`, which is emptied first.
///
/// # Errors
/// When the folder can't be used.
pub fn run(scenario: &Scenario, folder: &Path) -> io::Result<Run> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder.join("data"))?;
    list::write(scenario, folder)?;
    // The key for numbers is random; here it must be the same each time.
    fs::write(folder.join("data/number.key"), [7; 32])?;
    let smscs = scenario.carriers.iter().map(|_| Smsc::default()).collect();
    let sim = Sim::new(scenario.clone(), Model::new(list::checks(scenario)), smscs);
    let mut campaign =
        Campaign { sim: Arc::clone(&sim), folder: folder.to_owned(), n_lives: 0, n_images: 0, n_checks: 0 };
    if let Err(violation) = campaign.run(scenario) {
        let mut world = sim.world();
        world.violation.get_or_insert(violation);
    }
    let mut world = sim.world();
    Ok(Run {
        violation: world.violation.take(),
        faults: std::mem::take(&mut world.faults),
        n_lives: campaign.n_lives,
        n_images: campaign.n_images,
        n_checks: campaign.n_checks + world.model.n_checks,
        trace: std::mem::take(&mut world.trace),
    })
}

impl Campaign {
    fn data(&self) -> DataDir {
        DataDir::new(&self.folder.join("data"))
    }

    fn store(&self) -> PathBuf {
        self.folder.join("data/store")
    }

    fn journal_options(scenario: &Scenario) -> JournalOptions {
        JournalOptions { segment_bytes: scenario.segment_bytes, ..JournalOptions::default() }
    }

    fn ground(&self, scenario: &Scenario) -> Ground {
        let sim = &self.sim;
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::watched(Arc::clone(&sim.platter), Arc::clone(sim) as _));
        Ground {
            clock: Arc::new(SimClock(Arc::clone(sim))),
            dialler: Dialler::Simulated(Arc::new(SimNet(Arc::clone(sim)))),
            disk,
            journal: Self::journal_options(scenario),
            tasks: Tasks::Inline(Arc::clone(sim) as _),
        }
    }

    fn run(&mut self, scenario: &Scenario) -> Result<(), Violation> {
        let calm = std::iter::repeat_with(|| Life { gap_ms: 2_000, ..Life::default() }).take(MORE_LIVES);
        let lives: Vec<Life> = scenario.lives.iter().cloned().chain(calm).collect();
        for (n, life) in lives.iter().enumerate() {
            let next_store = lives.get(n + 1).map(|next| next.store).unwrap_or_default();
            if next_store == StoreFate::Older {
                self.copy_store("store.older")?;
            }
            let ended = self.live(scenario, life)?;
            self.n_lives += 1;
            let is_last = n + 1 >= scenario.lives.len();
            let is_finished = matches!(&ended, Some(outcome) if outcome.ended == Ended::Finished);
            if is_last && is_finished {
                break;
            }
            self.meddle_with_store(next_store)?;
        }
        self.sim.world().check_rates()?;
        self.check_at_rest(scenario)
    }

    /// One life, and what is to be checked after it.
    fn live(&mut self, scenario: &Scenario, life: &Life) -> Result<Option<Outcome>, Violation> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.map_err(|error| harness(&error))?;
        let end = runtime.block_on(self.one_life(scenario, life));
        self.sim.end_life();
        // What a kill leaves of a process: nothing. No task runs on.
        drop(runtime);
        let (violation, was_broken) = {
            let world = self.sim.world();
            (world.violation.clone(), world.was_broken)
        };
        if let Some(violation) = violation {
            return Err(violation);
        }
        let outcome = match end {
            End::Hangs => {
                let world = self.sim.world();
                let (n, open) = (world.model.n_in_flight(), world.model.open_rows());
                let what = format!("the engine hangs: {n} segments are in flight and nothing happens; open: {open:?}");
                return Err(Violation { invariant: "I7", what, row: None });
            }
            End::Died => None,
            End::Ended(ended) => match *ended {
                Ok(outcome) => Some(outcome),
                // What was broken on purpose may end it.
                Err(_) if was_broken => None,
                Err(error) => return Err(Violation { invariant: "error", what: with_causes(&error), row: None }),
            },
        };
        self.after_life(scenario, outcome.as_ref())?;
        Ok(outcome)
    }

    async fn one_life(&self, scenario: &Scenario, life: &Life) -> End {
        let sim = &self.sim;
        sim.begin_life(life.clone());
        let tracker = TaskTracker::new();
        tracker.spawn(Arc::clone(sim).run_world());
        let stop = CancellationToken::new();
        if let Some(ms) = life.stopped_at_ms {
            tracker.spawn(stop_after(Arc::clone(sim), ms, stop.clone()));
        }
        if let Some((ms, far_s)) = life.clock_jump {
            tracker.spawn(jump_after(Arc::clone(sim), ms, far_s));
        }
        if let Some((crate::simulation::scenario::Moment::Ms(ms), _)) = life.death {
            tracker.spawn(die_after(Arc::clone(sim), ms));
        }
        tokio::select! {
            biased;
            () = sim.over.notified() => End::Died,
            () = tokio::time::sleep(LIFE_MAX) => End::Hangs,
            ended = self.engine(scenario, life, stop) => match sim.world().is_dead {
                true => End::Died,
                false => End::Ended(Box::new(ended)),
            },
        }
    }

    /// What `volley run`, `resume` and `doubt resolve` do.
    async fn engine(&self, scenario: &Scenario, life: &Life, stop: CancellationToken) -> Result<Outcome, Error> {
        let (sim, dir) = (&self.sim, self.data());
        if let Some((verdict, share)) = life.decision {
            self.decide(scenario, verdict, share)?;
        }
        let mut engine = Engine::open_on(&dir, self.ground(scenario))?;
        sim.world().is_open = true;
        self.check_opened(scenario, &engine);
        let known = engine.ledger().find(list::NAME);
        let id = match known {
            Some(id) => id,
            None => {
                let preflight = engine.preflight(
                    &self.folder.join("campaign.toml"),
                    &self.folder.join("carriers.toml"),
                    &mut |_| {},
                )?;
                engine.approve(&preflight)?
            }
        };
        let prepared = engine.prepare(id, None)?;
        let tracker = TaskTracker::new();
        if scenario.has_orders() {
            tracker.spawn(order(Arc::clone(sim), life.orders.clone(), prepared.orders()));
        }
        Box::pin(prepared.run(stop)).await
    }

    /// Recovery neither loses nor invents, and the live state is the rebuilt one.
    fn check_opened(&self, scenario: &Scenario, engine: &Engine) {
        let checked = check::live_is_rebuilt(&self.sim, engine.ledger(), &self.folder, Self::journal_options(scenario));
        let mut world = self.sim.world();
        self.sim.judge(&mut world, checked);
    }

    fn decide(&self, scenario: &Scenario, verdict: &str, share: u32) -> Result<(), Error> {
        let mut doubts = match Doubts::open_on(&self.data(), list::NAME, self.ground(scenario)) {
            Ok(doubts) => doubts,
            Err(Error::NoCampaign { .. } | Error::NoData { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let all: BTreeSet<u64> = doubts.list()?.iter().map(|doubt| doubt.row).collect();
        let mut world = self.sim.world();
        let rows: BTreeSet<u64> = all.into_iter().filter(|_| world.dice.chance(share)).collect();
        let (fault, verdict) = match verdict {
            "resend" => (Fault::DecidedResend, DoubtVerdict::Resend),
            "failed" => (Fault::DecidedFailed, DoubtVerdict::Failed),
            _ => (Fault::DecidedSent, DoubtVerdict::Sent),
        };
        if !rows.is_empty() {
            world.strike(fault);
            drop(world);
            match doubts.resolve(Some(&rows), verdict, "proof", "simulated") {
                // Of a cancelled campaign nothing is sent again.
                Err(Error::NotOrdered { .. }) => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// The disk after the end, and the invariants that must hold then.
    fn after_life(&mut self, scenario: &Scenario, outcome: Option<&Outcome>) -> Result<(), Violation> {
        let death = self.sim.world().death();
        if outcome.is_none() {
            self.crash(scenario, death)?;
        }
        self.sim.lose_connections();
        self.n_checks += check::after_life(&self.sim, outcome, &self.folder, Self::journal_options(scenario))?;
        Ok(())
    }

    fn crash(&mut self, scenario: &Scenario, death: Option<Death>) -> Result<(), Violation> {
        match death {
            Some(Death::PowerCut) => {
                self.sim.world().strike(Fault::PowerCut);
                self.n_images += check::images(&self.sim, Self::journal_options(scenario))?;
            }
            Some(Death::Kill) => self.sim.world().strike(Fault::Kill),
            None => {}
        }
        Ok(())
    }

    fn copy_store(&self, to: &str) -> Result<(), Violation> {
        let to = self.folder.join(to);
        let _ = fs::remove_dir_all(&to);
        copy_tree(&self.store(), &to).map_err(|error| harness(&error))
    }

    fn meddle_with_store(&self, fate: StoreFate) -> Result<(), Violation> {
        let store = self.store();
        if !store.exists() {
            return Ok(());
        }
        let mut world = self.sim.world();
        let done = match fate {
            StoreFate::Kept => Ok(()),
            StoreFate::Lost => {
                world.strike(Fault::StoreLost);
                fs::remove_dir_all(&store)
            }
            StoreFate::Older => {
                world.strike(Fault::StoreOlder);
                fs::remove_dir_all(&store).and_then(|()| match self.folder.join("store.older") {
                    older if older.exists() => copy_tree(&older, &store),
                    _ => Ok(()),
                })
            }
            StoreFate::Damaged => {
                world.strike(Fault::StoreDamaged);
                let path = store.join("db");
                fs::read(&path).and_then(|mut octets| {
                    let used = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
                    for _ in 0..world.dice.between(1, 20) {
                        let at = world.dice.below(used as u64) as usize;
                        let to = world.dice.below(256) as u8;
                        octets.get_mut(at).into_iter().for_each(|octet| *octet = to);
                    }
                    fs::write(&path, octets)
                })
            }
        };
        done.map_err(|error| harness(&error))
    }

    /// When nothing runs any more: store, journal and truth say the same.
    fn check_at_rest(&mut self, scenario: &Scenario) -> Result<(), Violation> {
        let calm = SimDisk::calm(self.sim.platter().clone());
        let ground = Ground { disk: Arc::new(calm), journal: Self::journal_options(scenario), ..Ground::default() };
        let engine = Engine::open_on(&self.data(), ground);
        let engine = engine.map_err(|error| Violation { invariant: "I10", what: with_causes(&error), row: None })?;
        check::live_is_rebuilt(&self.sim, engine.ledger(), &self.folder, Self::journal_options(scenario))
    }
}

/// How often somebody looks whether a pause was forgotten.
const LIFTED_EVERY: Duration = Duration::from_secs(5);

/// Gives the orders of a life, and lifts every pause after a while.
async fn order(sim: Arc<Sim>, orders: Vec<(u64, Verb, bool)>, door: OrderDoor) {
    let mut now_ms = 0;
    for (at_ms, verb, of_carrier) in orders {
        tokio::time::sleep(Duration::from_millis(at_ms - now_ms)).await;
        now_ms = at_ms;
        say(&sim, &door, verb, of_carrier && verb != Verb::Cancel).await;
    }
    loop {
        tokio::time::sleep(LIFTED_EVERY).await;
        say(&sim, &door, Verb::Resume, false).await;
        if let Some(Refusal::Ending) = say(&sim, &door, Verb::Resume, true).await {
            return;
        }
    }
}

async fn say(sim: &Sim, door: &OrderDoor, verb: Verb, of_carrier: bool) -> Option<Refusal> {
    let carrier = of_carrier.then(|| "c0".to_owned());
    let campaign = list::NAME.to_owned();
    let instruction = Instruction { campaign, verb, carrier, by: "proof".to_owned(), why: "simulated".to_owned() };
    let given = door.give(instruction).await;
    if given.is_ok() {
        sim.world().strike(match verb {
            Verb::Pause => Fault::Paused,
            Verb::Resume => Fault::Resumed,
            Verb::Pace(_) => Fault::Paced,
            Verb::Cancel => Fault::Cancelled,
        });
    }
    given.err()
}

/// The id of the one campaign there is.
pub(crate) const CAMPAIGN: CampaignId = CampaignId(1);

async fn stop_after(sim: Arc<Sim>, ms: u64, stop: CancellationToken) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let mut world = sim.world();
    world.strike(Fault::CtrlC);
    let until = world.wall() + STOP_SEEN_US;
    // A clock that jumps afterwards would make the times of the records mean something else.
    if world.life.clock_jump.is_none() {
        world.model.no_intent_after = Some(until);
    }
    drop(world);
    stop.cancel();
}

async fn jump_after(sim: Arc<Sim>, ms: u64, far_s: i64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let mut world = sim.world();
    world.strike(Fault::ClockJump);
    world.wall_offset_s += far_s;
    world.model.receipts_aged |= far_s >= PARKED_S;
}

async fn die_after(sim: Arc<Sim>, ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let mut world = sim.world();
    sim.die(&mut world);
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The simulation itself does not work.
pub(crate) fn harness(error: &dyn std::error::Error) -> Violation {
    Violation { invariant: "simulation", what: error.to_string(), row: None }
}

pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
