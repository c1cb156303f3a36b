//! What must hold when a life has ended, when the next begins, and of every image that a power
//! cut can leave.

use std::{fs, path::Path, sync::Arc};

use volley_core::MessageState;
use volley_engine::{Outcome, Summary};
use volley_journal::{Journal, JournalOptions, View};
use volley_reconciler::{Ledger, Recount};

use crate::simulation::{
    campaign::{CAMPAIGN, harness, with_causes},
    disk::{Platter, SimDisk},
    eye::{Seen, Written},
    model::{Model, Violation, broken},
    world::{Sim, World},
};

/// Where the journal lies on the simulated disk, beside the data directory's real files.
fn journal_dir(folder: &Path) -> std::path::PathBuf {
    folder.join("data/journal")
}

/// Images tried at each power cut.
const IMAGES: u64 = 4;

fn violation(invariant: &'static str, what: impl Into<String>) -> Violation {
    Violation { invariant, what: what.into(), row: None }
}

/// The ledger from the journal alone.
struct Rebuilt {
    ledger: Option<Ledger>,
    store: std::path::PathBuf,
}

impl Rebuilt {
    fn new(platter: Platter, folder: &Path, options: JournalOptions) -> Result<Self, Violation> {
        let store = folder.join("rebuilt");
        let _ = fs::remove_dir_all(&store);
        let disk = Arc::new(SimDisk::calm(platter));
        let view =
            View::look_on(disk, &journal_dir(folder), options).map_err(|error| violation("W4", with_causes(&error)))?;
        let opened = Ledger::open_at(&store, &view).map_err(|error| violation("I9", with_causes(&error)))?;
        Ok(Self { ledger: Some(opened.ledger), store })
    }

    fn ledger(&self) -> Result<&Ledger, Violation> {
        self.ledger.as_ref().ok_or_else(|| violation("simulation", "no ledger"))
    }
}

impl Drop for Rebuilt {
    fn drop(&mut self) {
        self.ledger = None;
        let _ = fs::remove_dir_all(&self.store);
    }
}

/// I9, I10, I19: what was opened is what the journal alone says, and what the judge knows.
pub(crate) fn live_is_rebuilt(
    sim: &Sim,
    live: &Ledger,
    folder: &Path,
    options: JournalOptions,
) -> Result<(), Violation> {
    let platter = sim.platter().clone();
    {
        let world = sim.world();
        let now = world.written.read(platter.files());
        if now.last().map_or(0, |last| last.sequence) != world.folded_to && world.folded_to > 0 {
            let what = format!("record {} was there, {} is the last after opening", world.folded_to, now.len());
            return Err(violation("I10", what));
        }
    }
    let rebuilt = Rebuilt::new(platter, folder, options)?;
    let (live_rows, rebuilt_rows) = (rows(live)?, rows(rebuilt.ledger()?)?);
    let mut pairs = (0_u32..).zip(live_rows.iter().zip(&rebuilt_rows));
    if let Some((row, (a, b))) = pairs.find(|(_, (a, b))| a != b) {
        return Err(broken("I9", row, format!("live {a}, rebuilt {b}")));
    }
    let sums = |ledger: &Ledger| ledger.summary(CAMPAIGN).map(|summary| format!("{summary:?}"));
    let (a, b) = (sums(live), sums(rebuilt.ledger()?));
    if a != b {
        return Err(violation("I19", format!("live {a:?}, rebuilt {b:?}")));
    }
    Ok(())
}

fn rows(ledger: &Ledger) -> Result<Vec<String>, Violation> {
    let mut rows = Vec::new();
    let each = ledger.report(CAMPAIGN, |row| -> Result<(), volley_reconciler::Error> {
        rows.push(format!("{row:?}"));
        Ok(())
    });
    each.map_err(|error| violation("I9", with_causes(&error)))?;
    Ok(rows)
}

/// After a life: the judge folds the journal anew, and compares everything. Gives the number of
/// rows looked at.
pub(crate) fn after_life(
    sim: &Sim,
    outcome: Option<&Outcome>,
    folder: &Path,
    options: JournalOptions,
) -> Result<u64, Violation> {
    let platter = sim.platter().clone();
    let mut world = sim.world();
    if outcome.is_none() {
        let seen = world.written.read(platter.files());
        world.folded_to = seen.last().map_or(0, |last| last.sequence);
        let World { model, .. } = &mut *world;
        model.fold_anew(seen.iter().map(Seen::payload))?;
    }
    world.check_kept()?;
    if platter.files().next().is_none() {
        return Ok(0);
    }
    let rebuilt = match Rebuilt::new(platter, folder, options) {
        Ok(rebuilt) => rebuilt,
        // A crash before anything was durable.
        Err(_) if world.folded_to == 0 => return Ok(0),
        Err(error) => return Err(error),
    };
    let ledger = rebuilt.ledger()?;
    let Some(summary) = ledger.summary(CAMPAIGN) else { return Ok(0) };
    check_sums(&world.model, ledger, &summary)?;
    if let Some(outcome) = outcome {
        if format!("{:?}", outcome.summary) != format!("{summary:?}") {
            return Err(violation("I19", format!("the run said {:?}, the journal {summary:?}", outcome.summary)));
        }
        // However it ended: what was in the windows is answered, or in doubt with a cause.
        if let Some(row) = world.model.row_in_flight() {
            return Err(broken("I7", row, "in flight, and nothing runs".to_owned()));
        }
    }
    check_rows(&world.model, ledger)
}

/// I1, I20: every sum, added up again.
fn check_sums(model: &Model, ledger: &Ledger, summary: &Summary) -> Result<(), Violation> {
    let recount = ledger.recount(CAMPAIGN).map_err(|error| harness(&error))?;
    if !summary.adds_up() || recount != Some(Recount::of_counters(summary)) {
        return Err(violation("I1", format!("counters {summary:?}, rows {recount:?}")));
    }
    let counted = ledger.receipt_counters();
    let (n_receipts, n_replies) = model.n_arrived();
    if (counted.received, counted.replies) != (n_receipts, n_replies) {
        return Err(violation("I20", format!("{n_receipts} receipts, {n_replies} replies came: {counted:?}")));
    }
    Ok(())
}

/// I2, I6, I17: every row is where its records put it.
fn check_rows(model: &Model, ledger: &Ledger) -> Result<u64, Violation> {
    let mut wrong = None;
    let mut n_rows = 0;
    let each = ledger.report(CAMPAIGN, |row| -> Result<(), volley_reconciler::Error> {
        n_rows += 1;
        let n = row.row.0;
        let Some((expected, is_certain)) = model.state_of(n) else { return Ok(()) };
        if is_certain && row.state != expected {
            wrong.get_or_insert(broken("I6", n, format!("reported {}, its records say {expected}", row.state)));
        }
        if row.state == MessageState::Delivered && !model.may_be_delivered(n) {
            wrong.get_or_insert(broken("I6", n, "delivered, and no receipt for this recipient says so".to_owned()));
        }
        if row.possible_duplicate != model.was_resent(n) {
            wrong.get_or_insert(broken("I3", n, "not told that it may have been sent twice".to_owned()));
        }
        Ok(())
    });
    each.map_err(|error| harness(&error))?;
    wrong.map_or(Ok(n_rows), Err)
}

/// F3: of every image that the power cut may leave, recovery gives back all that was durable, and
/// nothing that was never written; twice gives the same. The last image is what is left.
pub(crate) fn images(sim: &Sim, options: JournalOptions) -> Result<u64, Violation> {
    let mut world = sim.world();
    let before = sim.platter().clone();
    let durable = world.written.read(before.synced_files());
    let written = world.written.read(before.files());
    let mut left = before.clone();
    for _ in 0..IMAGES {
        left = before.clone();
        left.cut_power(&mut world.dice);
        check_image(left.clone(), &world.written, &durable, &written, options)?;
    }
    *sim.platter() = left;
    Ok(IMAGES)
}

fn check_image(
    image: Platter,
    all: &Written,
    durable: &[Seen],
    written: &[Seen],
    options: JournalOptions,
) -> Result<(), Violation> {
    let Some(dir) = image.files().next().and_then(|(path, _)| path.parent().map(Path::to_owned)) else { return Ok(()) };
    let disk = SimDisk::calm(image);
    let open = || {
        let opened = Journal::open_on(Arc::new(disk.clone()), &dir, options);
        let (journal, _) = opened.map_err(|error| violation("W4", with_causes(&error)))?;
        Ok((journal.last(), all.read(disk.platter().files())))
    };
    let (last, kept) = open()?;
    if kept.len() as u64 != last.0 {
        return Err(violation("W4", format!("{} whole records on the disk, recovery says {}", kept.len(), last.0)));
    }
    if !kept.starts_with(durable) {
        return Err(violation("I8", format!("{} records were durable, {} were recovered", durable.len(), kept.len())));
    }
    if !written.starts_with(&kept) {
        return Err(violation("W4", "recovery gave back what was never written so"));
    }
    let (again, kept_again) = open()?;
    if again != last || kept_again != kept {
        return Err(violation("I10", "a second recovery gives something else"));
    }
    Ok(())
}
