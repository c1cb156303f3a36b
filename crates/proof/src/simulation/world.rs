//! All that outlives the process under test: the disk, the carriers, the network, the clock; and
//! the judge of it all.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use volley_core::{Clock, UnixMicros};
use volley_engine::Waits;

use crate::simulation::{
    dice::Dice,
    disk::{Fate, Platter, Watch},
    eye::Written,
    fault::{Fault, Faults},
    model::{Model, Violation, broken},
    net::Network,
    scenario::{Death, Life, Moment, Scenario},
    smsc::Smsc,
    trace::Trace,
};

/// 2026-01-01T00:00:00Z, when every simulation begins.
const EPOCH_US: u64 = 1_767_225_600_000_000;

/// Everything but the process under test.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) dice: Dice,
    /// Virtual time since the beginning, in microseconds.
    pub(crate) now_us: u64,
    life_began: Option<(tokio::time::Instant, u64)>,
    /// How far the wall clock was put forward.
    pub(crate) wall_offset_s: i64,
    pub(crate) life: Life,
    pub(crate) is_dead: bool,
    pub(crate) written: Written,
    n_writes: u32,
    n_syncs: u32,
    n_submits: u32,
    n_acknowledgements: u32,
    /// The journal was opened in this life.
    pub(crate) is_open: bool,
    /// Something was broken on purpose in this life: the engine may end with an error.
    pub(crate) was_broken: bool,
    pub(crate) folded_to: u64,
    pub(crate) model: Model,
    pub(crate) smscs: Vec<Smsc>,
    pub(crate) network: Network,
    pub(crate) faults: Faults,
    pub(crate) trace: Trace,
    pub(crate) violation: Option<Violation>,
}

/// The world, shared by the process under test and its judge.
pub(crate) struct Sim {
    world: Mutex<World>,
    pub(crate) platter: Arc<Mutex<Platter>>,
    /// The machine died, or an invariant is broken.
    pub(crate) over: Notify,
    /// Something is due earlier.
    pub(crate) poke: Notify,
}

impl World {
    fn new(scenario: Scenario, model: Model, smscs: Vec<Smsc>) -> Self {
        Self {
            dice: Dice::new(scenario.seed ^ 0xD1CE),
            scenario,
            now_us: 0,
            life_began: None,
            wall_offset_s: 0,
            life: Life::default(),
            is_dead: false,
            written: Written::default(),
            n_writes: 0,
            n_syncs: 0,
            n_submits: 0,
            n_acknowledgements: 0,
            is_open: false,
            was_broken: false,
            folded_to: 0,
            model,
            smscs,
            network: Network::default(),
            faults: Faults::default(),
            trace: Trace::default(),
            violation: None,
        }
    }

    pub(crate) fn note(&mut self, what: &'static str, row: Option<u32>, numbers: [u64; 2]) {
        self.trace.note(self.now_us, what, row, numbers);
    }

    pub(crate) fn strike(&mut self, fault: Fault) {
        self.faults.count(fault);
        self.note(fault.name(), None, [0, 0]);
    }

    /// A fault that concerns a row.
    pub(crate) fn strike_row(&mut self, fault: Fault, row: u32) {
        self.faults.count(fault);
        self.note(fault.name(), Some(row), [0, 0]);
    }

    pub(crate) fn wall(&self) -> u64 {
        (EPOCH_US + self.now_us).saturating_add_signed(self.wall_offset_s * 1_000_000)
    }

    fn dies_at(&self, moment: Moment) -> bool {
        self.life.death.is_some_and(|(at, _)| at == moment)
    }
}

impl Sim {
    pub(crate) fn new(scenario: Scenario, model: Model, smscs: Vec<Smsc>) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(World::new(scenario, model, smscs)),
            platter: Arc::default(),
            over: Notify::new(),
            poke: Notify::new(),
        })
    }

    /// The world at this moment.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((began, base)) = world.life_began {
            let elapsed = tokio::time::Instant::now().saturating_duration_since(began);
            world.now_us = world.now_us.max(base + elapsed.as_micros() as u64);
        }
        world
    }

    pub(crate) fn platter(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another run of the program begins. Called within its runtime.
    pub(crate) fn begin_life(&self, life: Life) {
        let mut world = self.world();
        world.now_us += life.gap_ms * 1_000;
        world.life_began = Some((tokio::time::Instant::now(), world.now_us));
        world.life = life;
        world.model.no_intent_after = None;
        (world.is_dead, world.is_open, world.was_broken) = (false, false, false);
        (world.n_writes, world.n_syncs, world.n_submits, world.n_acknowledgements) = (0, 0, 0, 0);
        world.note("the program starts", None, [0, 0]);
    }

    /// The runtime is gone: time stands still.
    pub(crate) fn end_life(&self) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.life_began = None;
        world.is_dead = true;
    }

    /// The machine dies now: nothing that the process does reaches anything any more.
    pub(crate) fn die(&self, world: &mut World) {
        if !world.is_dead {
            world.is_dead = true;
            world.note("dies", None, [0, 0]);
            if !world.is_open {
                world.faults.count(Fault::CrashInRecovery);
            }
            self.over.notify_one();
        }
    }

    /// Ends the simulation when an invariant is broken.
    pub(crate) fn judge(&self, world: &mut World, checked: Result<(), Violation>) {
        if let Err(violation) = checked
            && world.violation.is_none()
        {
            world.note("broken", violation.row, [0, 0]);
            world.violation = Some(violation);
            world.is_dead = true;
            self.over.notify_one();
        }
    }

    /// A submit was written to its end.
    pub(crate) fn on_submit_written(&self, world: &mut World, row: u32, segment: u8) {
        world.note("submit written", Some(row), [segment.into(), 0]);
        let is_in_time = world.scenario.window.is_none_or(|window| window.is_open(world.wall()));
        let in_time = is_in_time.then_some(()).ok_or_else(|| broken("window", row, "written outside its hours".into()));
        let checked = in_time.and_then(|()| world.model.on_wire(row, segment));
        self.judge(world, checked);
        world.n_submits += 1;
        if world.dies_at(Moment::AfterSubmit(world.n_submits)) {
            self.die(world);
        }
    }

    /// A receipt or reply was acknowledged.
    pub(crate) fn on_acknowledged(&self, world: &mut World) {
        world.n_acknowledgements += 1;
        if world.dies_at(Moment::AfterAcknowledgement(world.n_acknowledgements)) {
            self.die(world);
        }
    }

    /// Folds what became durable since the last look.
    fn look_at_journal(&self, world: &mut World) {
        let platter = self.platter();
        let seen = world.written.read(platter.synced_files());
        drop(platter);
        for record in &seen {
            if record.sequence > world.folded_to {
                world.folded_to = record.sequence;
                world.note("durable", None, [record.sequence, record.payload().len() as u64]);
                let checked = world.model.fold(record.payload());
                self.judge(world, checked);
            }
        }
    }
}

impl Watch for Sim {
    fn before_write(&self, n_octets: usize) -> Fate {
        let mut world = self.world();
        if world.is_dead {
            return Fate::Dead;
        }
        world.n_writes += 1;
        let n = world.n_writes;
        if world.dies_at(Moment::BeforeWrite(n)) {
            self.die(&mut world);
            return Fate::Dead;
        }
        if n_octets > 1 && world.dies_at(Moment::WithinWrite(n)) {
            world.strike(Fault::TornWrite);
            let n_written = world.dice.below(n_octets as u64) as usize;
            self.die(&mut world);
            return Fate::Torn(n_written);
        }
        if world.life.disk_full.is_some_and(|(from, n_full)| (from..from + n_full).contains(&n)) {
            world.strike(Fault::DiskFull);
            world.was_broken = true;
            return Fate::Full;
        }
        Fate::Done
    }

    fn writes(&self, octets: &[u8]) {
        self.world().written.learn(octets);
    }

    fn before_sync(&self) -> Fate {
        let mut world = self.world();
        if world.is_dead {
            return Fate::Dead;
        }
        world.n_syncs += 1;
        let n = world.n_syncs;
        if world.dies_at(Moment::BeforeSync(n)) {
            world.strike(Fault::BetweenWriteAndSync);
            self.die(&mut world);
            return Fate::Dead;
        }
        if world.life.fsync_error == Some(n) {
            world.strike(Fault::FsyncError);
            world.was_broken = true;
            return Fate::Broken;
        }
        Fate::Done
    }

    fn synced(&self) {
        let mut world = self.world();
        if world.is_dead {
            return;
        }
        self.look_at_journal(&mut world);
        if world.dies_at(Moment::AfterSync(world.n_syncs)) {
            self.die(&mut world);
        }
    }

    fn dice(&self) -> Dice {
        let seed = self.world().dice.below(u64::MAX);
        Dice::new(seed)
    }
}

/// The clocks of the process under test.
pub(crate) struct SimClock(pub(crate) Arc<Sim>);

impl Clock for SimClock {
    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> UnixMicros {
        UnixMicros(self.0.world().wall())
    }
}

impl Waits for Sim {
    fn commit(&self) -> Duration {
        let mut world = self.world();
        let us = if world.dice.chance(50) { world.dice.between(20_000, 300_000) } else { world.dice.between(0, 5_000) };
        Duration::from_micros(us)
    }

    fn fold(&self) -> Duration {
        let us = self.world().dice.between(0, 3_000);
        Duration::from_micros(us)
    }

    fn records_per_checkpoint(&self) -> u32 {
        self.world().dice.between(1, 8) as u32
    }
}

/// For the end of a life.
impl World {
    pub(crate) const fn death(&self) -> Option<Death> {
        match self.life.death {
            Some((_, death)) => Some(death),
            None => None,
        }
    }
}
