//! The engine as a whole: opens the data directory, plans, approves, runs, resumes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use volley_core::{CampaignId, CarrierIndex, Clock, MessageToken};
use volley_ingest::{Plan, PlanChunk, RejectsFile};
use volley_journal::Journal;
use volley_reconciler::{
    DoubtfulSegment, Ledger, RowToSend, Summary, SuppressCause,
    record::{Control, EventWriter, Head, Planned, Resolution},
};
use volley_scheduler::Lanes;
use volley_simulator::{Account, Seen, Setup, Simulator};

use crate::{
    DataDir, Error, Ground, Tasks,
    account::{self, Tunable},
    approval::write_terms,
    archive::check_not_archived,
    board::Board,
    compact::{MAX_BYTES, compact_if_long},
    control::{self, Doors},
    country::Country,
    data_dir::DataLock,
    doubt, erase,
    guards::Budget,
    hours::RowHours,
    identify::Identifier,
    ledger_task::{Home, LedgerTask, SharedSnapshot, snapshot_of},
    log::Log,
    numbers::Suppressed,
    options::{self, CarrierKind, Carriers, InDoubtPolicy},
    orders::{self, OrderDoor, OrderRequest},
    preflight::{self, Approved, Preflight, PreflightProgress, roles::RoleColumns},
    render::{Renderer, lane_format},
    replies::{DeskSetup, Effect, ReplyDesk},
    run::{Courtesies, Ended, Guards, LoopState, Orders, Runner, Timing, TimingSetup, Tried, Tries},
    seal::{self, APPROVED, PLAN},
    source::RowSource,
    start::Start,
};

/// Journal events that may wait for the loop; the loop has at most two records on their way.
const JOURNAL_EVENTS: usize = 64;
/// Batches of carrier events that may wait for the loop; beyond it sessions stop reading.
const CARRIER_EVENTS: usize = 256;

/// An owned data directory with its journal and ledger.
pub struct Engine {
    pub(crate) dir: DataDir,
    _lock: DataLock,
    pub(crate) journal: Journal,
    pub(crate) ledger: Ledger,
    pub(crate) ground: Ground,
    /// What a person should know of the opening.
    pub notes: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Why.
    pub ended: Ended,
    /// The numbers.
    pub summary: Summary,
    /// What simulated carriers saw, if there were any.
    pub seen: Option<Seen>,
    /// Each carrier with its last word, when none could be used.
    pub no_carrier: Option<String>,
    /// Where the campaign's frozen list and rejected rows lie.
    pub folder: PathBuf,
}

impl Engine {
    /// Takes the data directory and brings journal and ledger up to date.
    ///
    /// # Errors
    /// When another process owns it, or it can't be read or written.
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        Self::open_on(dir, Ground::default())
    }

    /// [`Engine::open`] on other ground than the system's.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(dir: &DataDir, ground: Ground) -> Result<Self, Error> {
        let lock = dir.lock()?;
        let (journal, recovery) = Journal::open_on(Arc::clone(&ground.disk), &dir.journal(), ground.journal)?;
        let opened = Ledger::open(&dir.store(), &journal)?;
        let mut notes = Vec::new();
        if let Some(cut) = recovery.cut {
            notes.push(format!(
                "{}: cut {} octets of a record that was never finished ({})",
                cut.path.display(),
                cut.n_octets,
                cut.what
            ));
        }
        if let Some(aside) = opened.set_aside {
            notes.push(format!(
                "the store was damaged ({}): rebuilt from the journal, the old one is {}",
                aside.why,
                aside.path.display()
            ));
        }
        let mut engine = Self { dir: dir.clone(), _lock: lock, journal, ledger: opened.ledger, ground, notes };
        engine.finish_erasures()?;
        Ok(engine)
    }

    /// What was begun is finished, and what may be kept no longer goes.
    fn finish_erasures(&mut self) -> Result<(), Error> {
        self.notes.extend(erase::finish_begun(&self.dir, &mut self.journal, &mut self.ledger)?);
        for name in self.erase_expired(self.ground.clock.wall())? {
            self.notes.push(format!("campaign {name}: its retention is over, and its recipients were erased"));
        }
        Ok(())
    }

    /// The fold of the journal, as it stands.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The last campaign of this name that is not finished.
    #[must_use]
    pub fn unfinished(&self, name: &str) -> Option<(CampaignId, Summary)> {
        let mut campaigns = self.ledger.campaigns().into_iter().rev();
        campaigns.find(|(_, summary)| summary.campaign == name && summary.n_open() > 0)
    }

    /// How often a campaign of this name was finished.
    #[must_use]
    pub fn n_finished(&self, name: &str) -> usize {
        self.ledger.campaigns().iter().filter(|(_, summary)| summary.campaign == name && summary.n_open() == 0).count()
    }

    /// The campaign to resume: the named one, or the only one that is not finished.
    ///
    /// # Errors
    /// When there is none, or several and none is named.
    pub fn to_resume(&self, name: Option<&str>) -> Result<CampaignId, Error> {
        let no_campaign = |name: &str| Error::NoCampaign { name: name.to_owned(), root: self.dir.root().to_owned() };
        if let Some(name) = name {
            return self.ledger.find(name).ok_or_else(|| no_campaign(name));
        }
        let open: Vec<_> = self.ledger.campaigns().into_iter().filter(|(_, summary)| summary.n_open() > 0).collect();
        match open.as_slice() {
            [(id, _)] => Ok(*id),
            [] => self.ledger.campaigns().last().map(|(id, _)| *id).ok_or_else(|| no_campaign("")),
            several => {
                let names: Vec<_> = several.iter().map(|(_, summary)| summary.campaign.as_str()).collect();
                Err(Error::SeveralUnfinished { names: names.join(", ") })
            }
        }
    }

    /// Reads both files and freezes the list; nothing is sent, and nothing is remembered until
    /// [`Engine::approve`].
    ///
    /// # Errors
    /// When a file can't be used.
    pub fn preflight(
        &self,
        campaign_file: &Path,
        carriers_file: &Path,
        progress: &mut dyn FnMut(PreflightProgress),
    ) -> Result<Preflight, Error> {
        self.preflight_with_rejects(campaign_file, carriers_file, None, progress)
    }

    /// [`Engine::preflight`], with the rejected rows in a file of the user's besides: also when no
    /// row can be sent.
    ///
    /// # Errors
    /// As there.
    pub fn preflight_with_rejects(
        &self,
        campaign_file: &Path,
        carriers_file: &Path,
        rejects: Option<&RejectsFile>,
        progress: &mut dyn FnMut(PreflightProgress),
    ) -> Result<Preflight, Error> {
        let folder = self.dir.campaign(self.ledger.next_campaign());
        // Asked for before the list is frozen: a list that isn't there should not cost a wait.
        let names = options::CampaignOptions::load(campaign_file)?.audience.suppress;
        let suppressed = self.suppressed(&names)?;
        let reading = &mut |reading| progress(PreflightProgress::Reading(reading));
        let listed = preflight::freeze_list(campaign_file, carriers_file, folder, rejects, reading)?;
        let preflight = listed.preflight(&suppressed, self.ground.clock.wall(), progress)?;
        preflight::check_times(&preflight.approved, self.ground.clock.wall())?;
        preflight::budget(&preflight.approved)?;
        Ok(preflight)
    }

    /// Makes a plan a campaign. From here on the frozen list is what runs.
    ///
    /// # Errors
    /// When a guard stops it, no row can be sent, or it can't be recorded.
    pub fn approve(&mut self, preflight: &Preflight) -> Result<CampaignId, Error> {
        preflight.allow()?;
        let path = preflight.folder.join(APPROVED);
        let write = || {
            let json = serde_json::to_vec_pretty(&preflight.approved)?;
            fs::write(&path, json)?;
            fs::File::open(&path)?.sync_all()
        };
        write().map_err(|source| Error::Io { path: path.clone(), action: "can't keep the campaign", source })?;
        write_terms(&preflight.folder, &preflight.terms)?;
        let id = self.ledger.next_campaign();
        let frozen = &preflight.frozen;
        let plan = Planned {
            name: preflight.approved.options.name.clone(),
            list_hash: frozen.content_hash.clone(),
            n_rows: frozen.n_rows,
            n_valid: frozen.n_valid,
            n_segments: frozen.n_segments,
            rejected: frozen.rejected.clone(),
            files: seal::of(&preflight.folder)?,
        };
        let at = self.ground.clock.wall();
        self.record(|events| events.planned(id, at, &plan))?;
        self.mark_approved(&preflight.terms.hash(), id)?;
        Ok(id)
    }

    /// Appends one record and folds it, before anything else runs.
    pub(crate) fn record(&mut self, write: impl FnOnce(&mut EventWriter)) -> Result<(), Error> {
        record(&mut self.journal, &mut self.ledger, write)
    }

    /// What a resume should say before it goes on: rows in doubt, a list that changed.
    fn settle_doubt(&mut self, id: CampaignId, policy: InDoubtPolicy) -> Result<(), Error> {
        let at = self.ground.clock.wall();
        let bound = doubt::note_crash(&mut self.journal, &mut self.ledger, id, self.dir.root(), at)?;
        let head = |carrier| Head { campaign: id, carrier, at };
        let in_doubt = self.ledger.in_doubt(id)?;
        if in_doubt.is_empty() {
            return Ok(());
        }
        let is_cancelled = self.ledger.standing(id).is_some_and(|standing| standing.cancelled.is_some());
        let as_ = match policy {
            // What is cancelled is not sent again: whether it was taken is left to receipts.
            InDoubtPolicy::Resend if is_cancelled => return Ok(()),
            InDoubtPolicy::Hold => {
                self.notes.push(format!(
                    "{} segments are in doubt (at most {bound} can be): their answers were never seen; \
                     they are held, not sent again",
                    in_doubt.len()
                ));
                return Ok(());
            }
            InDoubtPolicy::Resend => Resolution::Resend,
            InDoubtPolicy::Fail => Resolution::Failed,
        };
        let word = if as_ == Resolution::Resend { "sent again: possible duplicates" } else { "taken for failed" };
        self.notes.push(format!("{} segments were in doubt (at most {bound} can be): {word}", in_doubt.len()));
        let decided = by_carrier(&in_doubt);
        self.record(|events| {
            for (carrier, tokens) in &decided {
                events.resolved(head(*carrier), as_, "policy", tokens.iter().copied());
            }
        })
    }

    /// Gives every carrier of the campaign its number in this data directory.
    fn number_carriers(&mut self, approved: &Approved) -> Result<Vec<CarrierIndex>, Error> {
        approved.options.routes.iter().map(|route| self.carrier_index(&route.carrier)).collect()
    }

    /// A carrier's number in this data directory; a new one gets the next.
    pub(crate) fn carrier_index(&mut self, name: &str) -> Result<CarrierIndex, Error> {
        if let Some(known) = self.ledger.carrier(name) {
            return Ok(known);
        }
        let next = self.ledger.next_carrier().ok_or(Error::TooManyCarriers)?;
        self.record(|events| events.carrier(next, name))?;
        Ok(next)
    }

    /// What was approved for a campaign.
    ///
    /// # Errors
    /// When its files can't be read, or are not what was approved.
    pub fn approved(&self, id: CampaignId) -> Result<Approved, Error> {
        check_not_archived(&self.ledger, id)?;
        seal::check(&self.dir, &self.ledger, id, &[APPROVED, PLAN])?;
        let path = self.dir.campaign(id).join(APPROVED);
        let failed = |source| Error::Io { path: path.clone(), action: "can't read the approved campaign", source };
        let text = fs::read(&path).map_err(failed)?;
        serde_json::from_slice(&text).map_err(|error| failed(error.into()))
    }

    /// Prepares a campaign to run, for the first time or again: settles what a crash left in
    /// doubt, starts simulated carriers, says what changed.
    ///
    /// # Errors
    /// When files can't be used, or the ledger does not add up.
    pub fn prepare(mut self, id: CampaignId, carriers_file: Option<&Path>) -> Result<Prepared, Error> {
        let approved = self.approved(id)?;
        let carriers = Carriers::load(carriers_file.unwrap_or(&approved.carriers_file))?;
        preflight::check_routes(&approved.options, &carriers)?;
        preflight::check_tlvs(&approved, &carriers)?;
        let plan = Plan::open(&self.dir.campaign(id))?;
        let list = &plan.frozen().options.list;
        // What came from stdin can't be looked at again.
        if !volley_ingest::is_stdin(list)
            && volley_ingest::source_hash_of(list).ok().as_ref() != Some(&plan.frozen().source_hash)
        {
            self.notes.push(format!(
                "{} changed since the campaign was approved: what was approved is sent",
                plan.frozen().options.list.display()
            ));
        }
        for route in &approved.options.routes {
            let options = carriers.get(&route.carrier)?;
            for warning in options.tls.warning().into_iter().chain(lane_format::warning(options)) {
                self.notes.push(format!("carrier {}: {warning}", route.carrier));
            }
        }
        let numbers = self.number_carriers(&approved)?;
        for (route, number) in approved.options.routes.iter().zip(&numbers) {
            let ids = account::id_rules(carriers.get(&route.carrier)?);
            self.read_ids_by(&route.carrier, *number, &ids)?;
        }
        self.settle_doubt(id, approved.options.delivery.in_doubt)?;
        if let Some(paused) = self.paused(id) {
            let name = &approved.options.name;
            self.notes.push(format!(
                "{name} stays paused by {paused}: nothing is sent until `volley resume {name}` is said while this runs"
            ));
        }
        let snapshot = SharedSnapshot::new(Mutex::new(snapshot_of(&self.ledger)));
        let board = Arc::new(Board::new(self.dir.root().to_owned(), snapshot));
        Ok(Prepared { engine: self, id, approved, carriers, plan, numbers, board, door: orders::door() })
    }
}

/// A campaign about to run.
pub struct Prepared {
    engine: Engine,
    id: CampaignId,
    approved: Approved,
    carriers: Carriers,
    plan: Plan,
    numbers: Vec<CarrierIndex>,
    board: Arc<Board>,
    door: (OrderDoor, mpsc::Receiver<OrderRequest>),
}

impl Prepared {
    /// What a person should know before it goes on.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.engine.notes
    }

    /// What can be watched while it runs.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// A way to give orders while it runs.
    #[must_use]
    pub fn orders(&self) -> OrderDoor {
        self.door.0.clone()
    }

    /// The campaign's number.
    #[must_use]
    pub const fn id(&self) -> CampaignId {
        self.id
    }

    /// The numbers before it goes on.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        self.engine.ledger.summary(self.id)
    }

    /// Runs to the end, or until `shutdown`.
    ///
    /// # Errors
    /// When the journal or the store fails, or the sums don't add up.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<Outcome, Error> {
        let (replies, suppressed) = self.reply_desk()?;
        let simulator = self.start_simulator()?;
        let (mut source, tries) = self.row_source()?;
        let budget = self.budget()?;
        let identifier = Identifier::new(self.engine.dir.clone(), suppressed.key());
        let Self { engine, id, approved, carriers, plan, numbers, board, door } = self;
        let (order_door, requests) = door;
        let orders = orders_of(&engine, &approved, id, plan.n_valid(), requests);
        let guards = Guards::new(&approved.options.guards, plan.n_valid(), orders.standing(), budget);
        source.set_fence(guards.fence());
        let Engine { dir, _lock, journal, ledger, ground, notes: _ } = engine;
        let clock: Arc<dyn Clock> = Arc::clone(&ground.clock);
        let began = ledger.times(id).map_or_else(|| clock.wall(), |(planned_at, _)| planned_at);
        let (last_durable, view) = (journal.last(), journal.view());
        let (journal_out, journal_events) = mpsc::channel(JOURNAL_EVENTS);
        let writer = Log::start(journal, &ground.tasks, journal_out)?;
        let home = Home { store: dir.store(), journal: view.clone(), room: writer.room() };
        let ledger = LedgerTask::start(ledger, home, id, Arc::clone(&board.snapshot), identifier, &ground.tasks);
        let doors = Doors::new(id, ledger.door(), view, Arc::clone(&clock), order_door);
        let server = serve(&ground.tasks, &dir, &board, doors);
        let (events_out, carrier_events) = mpsc::channel(CARRIER_EVENTS);
        let hungry = Arc::new(Notify::new());
        let simulated = |route| simulator.as_ref().and_then(|simulator| simulator.addr_of(route));
        let start = Start {
            approved: &approved,
            carriers: &carriers,
            events: &events_out,
            hungry: &hungry,
            ground: &ground,
            orders: &orders,
            pause: guards.pause(),
        };
        let (lanes, formats) = start.lanes(&numbers, plan.columns(), simulated)?;
        drop(events_out);
        let roles = RoleColumns::new(&approved.options.audience, plan.columns());
        let timing = timing_of(&approved, &carriers, &roles, &plan, began);
        let mut runner = Runner {
            campaign: id,
            clock: Arc::clone(&clock),
            in_doubt: approved.options.delivery.in_doubt,
            receipt_deadline: approved.options.delivery.receipt_deadline.0,
            doubt_grace: approved.options.delivery.doubt_grace.0,
            validity: approved.options.message.validity.map(|validity| validity.0),
            state: LoopState::new(lanes.len(), tries, clock.now()),
            lanes,
            shares: shares_of(&approved),
            source,
            timing,
            renderer: Renderer::new(id, plan, preflight::message_format(&approved.options, &carriers)?, formats)
                .with_validity_column(roles.validity()),
            journal: writer,
            journal_events,
            carrier_events,
            ledger,
            hungry,
            replies,
            suppressed,
            courtesies: Courtesies::new(&approved.options.replies),
            guards,
            orders,
            board: Arc::clone(&board),
            last_durable,
        };
        runner.keep_time();
        runner.state.events().control(id, clock.wall(), Control::Started, "");
        let result = runner.run(shutdown).await;
        stop_serving(server, &dir);
        finish(&dir, &ground, id, result?, simulator).await
    }

    /// The in-process simulator for routes of kind simulated; the n-th account is the n-th such
    /// route.
    fn start_simulator(&self) -> Result<Option<RunningSimulator>, Error> {
        let mut accounts = Vec::new();
        let mut of_route = Vec::new();
        for route in &self.approved.options.routes {
            let options = self.carriers.get(&route.carrier)?;
            let is_simulated = options.kind == CarrierKind::Simulated;
            of_route.push(is_simulated.then_some(accounts.len()));
            if is_simulated {
                let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
                let options = options.simulator.clone().unwrap_or_default();
                accounts.push(Account { name: route.carrier.clone(), listen, options });
            }
        }
        if accounts.is_empty() {
            return Ok(None);
        }
        let spool = self.engine.dir.campaign_spool(self.id);
        let simulator = Simulator::start(accounts, Setup { log: None, spool: Some(spool) })?;
        Ok(Some(RunningSimulator { simulator, of_route }))
    }

    /// Where replies are taken, and who gets nothing; what a crash kept out of the journal is put
    /// there.
    fn reply_desk(&mut self) -> Result<(ReplyDesk, Suppressed), Error> {
        let dir = &self.engine.dir;
        let own = preflight::keywords_file(&self.approved.options, &self.approved.campaign_file);
        let keywords = match own.or_else(|| Some(dir.keywords()).filter(|path| path.exists())) {
            Some(path) => options::load_keywords(&path)?,
            None => options::built_in_keywords(),
        };
        let mut accounts = Vec::new();
        for route in &self.approved.options.routes {
            accounts.push((route.carrier.clone(), self.carriers.get(&route.carrier)?.default_alphabet.0));
        }
        let mut suppressed = self.engine.suppressed(&self.approved.options.audience.suppress)?;
        let country = self.approved.options.audience.default_country.clone();
        let setup = DeskSetup { keywords, country, accounts, last_reply: self.engine.ledger.suppressed().last_reply() };
        let at = self.engine.ground.clock.wall();
        let (desk, missed) = ReplyDesk::open(dir.root(), setup, at)?;
        let entry =
            |Effect { reply, number, change }| suppressed.change(number, change, SuppressCause::Reply, at, reply);
        let missed: Vec<_> = missed.into_iter().map(entry).collect();
        self.engine.record(|events| missed.iter().for_each(|entry| events.suppress(entry)))?;
        Ok((desk, suppressed))
    }

    /// What the campaign may still cost, if that has an end.
    fn budget(&self) -> Result<Option<Budget>, Error> {
        let Some(mut budget) = preflight::budget(&self.approved)? else { return Ok(None) };
        let mut chunk = PlanChunk::default();
        let mut in_chunk = None;
        self.engine.ledger.taken(self.id, |row, carrier, n| {
            if in_chunk != Some(row.chunk()) {
                self.plan.read_chunk(row.chunk(), &mut chunk)?;
                in_chunk = Some(row.chunk());
            }
            let country = chunk.row(row.offset()).and_then(|row| Country::of_row(&row));
            let lane = self.numbers.iter().position(|number| *number == carrier).unwrap_or(usize::MAX);
            budget.spent_before(budget.cost(lane, country, n));
            Ok::<(), Error>(())
        })?;
        Ok(Some(budget))
    }

    /// The rows to send, and what is known of those that were refused for now.
    fn row_source(&mut self) -> Result<(RowSource, Tries), Error> {
        let ledger = &mut self.engine.ledger;
        let waiting: Vec<RowToSend> = ledger.touched_rows_to_send(self.id)?;
        let begun = (0..ledger.n_chunks(self.id)).filter(|chunk| !ledger.is_untouched(self.id, *chunk)).collect();
        let since = self.engine.ground.clock.wall();
        let mut tries = Tries::default();
        for tried in waiting.iter().filter(|waiting| waiting.attempts > 0) {
            tries.insert(tried.row, tried.only, Tried { attempts: tried.attempts, since });
        }
        let mut source = RowSource::new(self.plan.n_valid(), waiting, begun);
        if ledger.standing(self.id).is_some_and(|standing| standing.cancelled.is_some()) {
            source.close();
        }
        Ok((source, tries))
    }
}

fn shares_of(approved: &Approved) -> Lanes {
    let weights: Vec<_> = approved.options.routes.iter().map(|route| route.weight).collect();
    Lanes::new(&weights)
}

/// What was ordered so far, and where more comes in.
fn orders_of(
    engine: &Engine,
    approved: &Approved,
    id: CampaignId,
    n_valid: u32,
    requests: mpsc::Receiver<OrderRequest>,
) -> Orders {
    let standing = engine.ledger.standing(id).cloned().unwrap_or_default();
    let schedule = &approved.options.schedule;
    let now = engine.ground.clock.now();
    let rate = Tunable::new("campaign rate".to_owned(), schedule.rate, standing.rate, schedule.burst, now);
    Orders::new(requests, approved.options.name.clone(), standing, rate, n_valid)
}

/// Answers other processes; a simulation has none.
fn serve(tasks: &Tasks, dir: &DataDir, board: &Arc<Board>, doors: Doors) -> Option<JoinHandle<()>> {
    match tasks {
        Tasks::Threads => Some(TaskTracker::new().spawn(control::serve(dir.clone(), Arc::clone(board), Some(doors)))),
        Tasks::Inline(_) => None,
    }
}

struct RunningSimulator {
    simulator: Simulator,
    of_route: Vec<Option<usize>>,
}

impl RunningSimulator {
    fn addr_of(&self, route: usize) -> Option<std::net::SocketAddr> {
        self.simulator.addr((*self.of_route.get(route)?)?)
    }
}

/// Nobody is answered from here on.
fn stop_serving(server: Option<JoinHandle<()>>, dir: &DataDir) {
    if let Some(server) = server {
        server.abort();
    }
    let _ = fs::remove_file(dir.control_socket());
}

/// What the run does by the clock.
fn timing_of(
    approved: &Approved,
    carriers: &Carriers,
    roles: &RoleColumns,
    plan: &Plan,
    began: volley_core::UnixMicros,
) -> Timing {
    let rates = approved.options.routes.iter().map(|route| Some(carriers.get(&route.carrier).ok()?.rate?.as_per_sec()));
    Timing::new(TimingSetup {
        schedule: &approved.options.schedule,
        hours: RowHours::new(&approved.options, &approved.rules, roles),
        began,
        segments_per_row: plan.frozen().n_segments as f64 / f64::from(plan.n_valid().max(1)),
        carriers_per_sec: rates.sum(),
    })
}

/// Closes journal and ledger, and checks the sums a last time.
async fn finish(
    dir: &DataDir,
    ground: &Ground,
    id: CampaignId,
    (ended, ledger, journal, no_carrier): (Ended, LedgerTask, Log, Option<String>),
    simulator: Option<RunningSimulator>,
) -> Result<Outcome, Error> {
    journal.close().await;
    let mut ledger = ledger.stop().await?;
    let seen = simulator.map(|running| running.simulator.stop());
    let summary = ledger.summary(id).filter(Summary::adds_up).ok_or_else(|| Error::DoesNotReconcile {
        what: "the states don't add up to the rows of the list".to_owned(),
        root: dir.root().to_owned(),
    })?;
    match compact_if_long(dir, ground, &mut ledger, MAX_BYTES) {
        Err(error @ Error::DoesNotReconcile { .. }) => return Err(error),
        // The campaign is as done as without it; the next run tries again.
        Err(error) => tracing::warn!(%error, "the journal was not compacted"),
        Ok(_) => {}
    }
    Ok(Outcome { ended, summary, seen, no_carrier, folder: dir.campaign(id) })
}

/// Appends one record and folds it, while nothing else writes.
pub(crate) fn record(
    journal: &mut Journal,
    ledger: &mut Ledger,
    write: impl FnOnce(&mut EventWriter),
) -> Result<(), Error> {
    let mut events = EventWriter::default();
    write(&mut events);
    if events.is_empty() {
        return Ok(());
    }
    let record = events.take(Vec::new());
    let sequence = journal.append(record.clone())?;
    ledger.fold(sequence.0, &record)?;
    Ok(())
}

pub(crate) fn by_carrier(segments: &[DoubtfulSegment]) -> Vec<(CarrierIndex, Vec<MessageToken>)> {
    let mut grouped: std::collections::BTreeMap<CarrierIndex, Vec<MessageToken>> = std::collections::BTreeMap::new();
    for segment in segments {
        grouped.entry(segment.carrier).or_default().push(segment.token);
    }
    grouped.into_iter().collect()
}
