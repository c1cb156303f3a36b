//! The safe part of the onboarding check of a carrier (HANDBOOK A.10): binds, keep-alives, a
//! message for each alphabet, and how the carrier writes its ids. Belongs to no campaign and
//! leaves nothing in the journal.

mod ids;
mod messages;
mod send;
mod session;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};
use volley_core::Msisdn;
use volley_simulator::{Account, Setup, Simulator};

pub use self::send::{SendTest, TestMessage};
use self::session::Session;
use crate::{
    Error, account,
    options::{CarrierKind, CarrierOptions, Carriers, check_sender},
};

/// Enquire periods for which a bind is left idle.
const IDLE_PERIODS: u32 = 3;

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct CarrierTest {
    /// Digits of the phone that gets the messages; without it none are sent.
    pub to: Option<String>,
    /// Their sender.
    pub sender: String,
    /// How long binds are left idle; enquire_link is sent three times in it.
    pub idle: Duration,
    /// How long to wait for answers and receipts.
    pub patience: Duration,
    /// Values of the columns that the carrier's own fields come from.
    pub fields: BTreeMap<String, String>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should.
    Ok,
    /// Not as it should.
    Failed,
    /// Not tried, or nothing to be seen.
    Skipped,
}

/// One step with what was seen.
#[derive(Debug, Clone, Serialize)]
pub struct TestStep {
    /// Which.
    pub step: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen, or why not.
    pub detail: String,
}

/// Everything that was seen.
#[derive(Debug)]
pub struct CarrierVerdict {
    /// The steps.
    pub steps: Vec<TestStep>,
    /// Whether any bind came up.
    pub was_bound: bool,
    /// The whole as JSON.
    pub json: Value,
}

/// Tells each step as it is done, and keeps it.
pub(crate) struct Steps<'a> {
    done: Vec<TestStep>,
    say: &'a mut dyn FnMut(&TestStep),
}

impl Steps<'_> {
    pub(crate) fn add(&mut self, step: impl Into<String>, verdict: Verdict, detail: impl Into<String>) {
        let step = TestStep { step: step.into(), verdict, detail: detail.into() };
        (self.say)(&step);
        self.done.push(step);
    }
}

impl CarrierTest {
    /// Tries the carrier `name`; `say` hears of each step when it is done. A simulated carrier is
    /// played by the simulator.
    ///
    /// # Errors
    /// When the profile, a secret or the number can't be used; what the carrier does is no error.
    pub async fn run(
        &self,
        carriers: &Carriers,
        name: &str,
        say: &mut dyn FnMut(&TestStep),
    ) -> Result<CarrierVerdict, Error> {
        let options = carriers.get(name)?;
        check_sender(&self.sender).map_err(|what| carriers.wrong(name, what))?;
        let to = self.recipient(carriers, name)?;
        let simulator = (options.kind == CarrierKind::Simulated).then(|| simulate(name, options)).transpose()?;
        let address = simulator.as_ref().and_then(|simulator| simulator.addr(0));
        let mut smpp = account::smpp_options(name, options, carriers, address)?;
        // One of each kind for each host tells all; the others might be in use.
        smpp.binds_per_host = 1;
        smpp.timers.enquire_interval = self.idle / IDLE_PERIODS;
        smpp.timers.drain = smpp.timers.drain.min(Duration::from_secs(2));
        let mut session = Session::start(name, smpp.clone())?;
        let mut steps = Steps { done: Vec::new(), say };
        session.bind(&smpp.timers, &mut steps).await;
        let was_bound = session.any_bound();
        let mut ids = Value::Null;
        if was_bound {
            session.idle(self.idle, &mut steps).await;
            ids = messages::exchange(self, to, (name, carriers, options), &mut session, &mut steps).await?;
        } else {
            for step in ["keep-alives", "messages", "message ids"] {
                steps.add(step, Verdict::Skipped, "no bind came up");
            }
        }
        let binds = session.binds_json();
        session.end().await;
        drop(simulator);
        let json = json!({
            "carrier": name,
            "passed": steps.done.iter().all(|step| step.verdict != Verdict::Failed),
            "steps": steps.done,
            "binds": binds,
            "ids": ids,
        });
        Ok(CarrierVerdict { steps: steps.done, was_bound, json })
    }

    fn recipient(&self, carriers: &Carriers, name: &str) -> Result<Option<Msisdn>, Error> {
        let Some(to) = &self.to else { return Ok(None) };
        let number = Msisdn::from_digits(to.trim_start_matches('+').as_bytes());
        let what = || format!("`{to}` is no international number: write it as +4915112345678");
        Ok(Some(number.ok_or_else(|| carriers.wrong(name, what()))?))
    }
}

impl CarrierVerdict {
    /// Whether no step failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.verdict != Verdict::Failed)
    }
}

fn simulate(name: &str, options: &CarrierOptions) -> Result<Simulator, Error> {
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let account = Account { name: name.to_owned(), listen, options: options.simulator.clone().unwrap_or_default() };
    Ok(Simulator::start(vec![account], Setup { log: None, spool: None })?)
}
