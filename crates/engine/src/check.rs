//! What a person wants to know before anything is sent: who gets what, in how many parts, at what
//! price, by when, and whether it may go out at all.

mod cost;
mod funnel;
mod groups;
mod guards;
mod json;
mod plan;
mod survey;
mod tally;
mod texts;
mod verdict;

use volley_ingest::Frozen;

use self::{cost::Pricing, plan::Demand};
pub use self::{
    cost::{Bounds, CostChange, CostForecast, CostLine},
    funnel::Funnel,
    guards::GuardFinding,
    plan::{Ceiling, Hour, Late, SendingPlan},
    tally::{Load, MostParts},
    texts::{Forcing, SmartLevel, Texts},
    verdict::Decision,
};
pub(crate) use self::{
    groups::{Groups, Times},
    survey::Survey,
    tally::Tally,
};
use crate::{
    options::{BindType, CarrierOptions, Carriers, FileError},
    preflight::Approved,
};

/// A campaign looked at beforehand.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Where the rows of the list end up.
    pub funnel: Funnel,
    /// The row with the most parts, if any is ready.
    pub most: Option<MostParts>,
    /// Alphabets, and what smart encoding would change.
    pub texts: Texts,
    /// What it will cost.
    pub cost: CostForecast,
    /// When it goes out.
    pub plan: SendingPlan,
    /// What the guards say.
    pub guards: Vec<GuardFinding>,
    /// What it comes to.
    pub decision: Decision,
    /// Why, in words.
    pub reasons: Vec<String>,
}

impl Check {
    pub(crate) fn new(
        approved: &Approved,
        carriers: &Carriers,
        frozen: &Frozen,
        tally: &Tally,
        groups: &Groups<'_>,
    ) -> Result<Self, FileError> {
        let options = &approved.options;
        let pricing = Pricing::new(&options.routes, &approved.contracts);
        let demands = demands(groups, tally);
        let plan = SendingPlan::new(ceilings(approved, carriers)?, &demands, options.schedule.pace(), groups.times());
        let funnel = Funnel::new(frozen, tally);
        let cost = CostForecast::new(&tally.by_country, &pricing);
        let guards = guards::findings(&options.guards, frozen, &funnel, &cost);
        let decision = Decision::of(&funnel, &plan, &guards);
        let reasons = verdict::reasons(&funnel, &plan, &guards);
        let texts = Texts::new(tally, options.message.smart_encoding.level(), &pricing);
        Ok(Self { funnel, most: tally.most, texts, cost, plan, guards, decision, reasons })
    }

    /// Whether a guard stops it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.guards.iter().any(|guard| guard.stops)
    }
}

/// What the routes' carriers can take.
fn ceilings(approved: &Approved, carriers: &Carriers) -> Result<Vec<Ceiling>, FileError> {
    let of = |route: &crate::options::RouteOptions| {
        let options = carriers.get(&route.carrier)?;
        let rate = plan::per_sec(options.rate, options.bind_rate, n_senders(options));
        Ok(Ceiling { carrier: route.carrier.clone(), weight: route.weight.get(), rate })
    };
    approved.options.routes.iter().map(of).collect()
}

/// Binds that send: of a pair only the transmitter.
fn n_senders(options: &CarrierOptions) -> u32 {
    match options.bind_type {
        BindType::Transceiver => options.n_binds(),
        BindType::Pair => options.n_binds() / 2,
    }
}

/// Messages by the hours at which they may go out.
fn demands(groups: &Groups<'_>, tally: &Tally) -> Vec<Demand> {
    let loads = groups.take().into_iter().zip(0..).map(|(group, index)| (group, tally.by_group.get(&index)));
    let mut demands: Vec<_> = loads
        .filter_map(|(group, load)| Some(Demand { label: group.label, load: *load?, calendar: group.calendar }))
        .collect();
    demands.sort_by(|a, b| a.label.cmp(&b.label));
    demands
}
