//! Starts a campaign's carriers: each route becomes a lane.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::{Notify, mpsc};
use volley_core::CarrierIndex;
use volley_pipeline::{Carrier, CarrierEvent};
use volley_smpp::address::TonNpi;

use crate::{
    Error, Ground,
    account::{self, Tunable},
    asker::Asker,
    carrier_status::BindRates,
    guards::LaneWatch,
    lane::LaneLimits,
    options::{CarrierOptions, Carriers, PauseOptions},
    pace::LanePacer,
    preflight::Approved,
    render::{LaneFormat, lane_format},
    retry::{self, StatusTable},
    run::{Lane, Orders, Reach, ReceiptReading, Refusals},
};

/// What all lanes are started with.
pub(crate) struct Start<'a> {
    pub(crate) approved: &'a Approved,
    pub(crate) carriers: &'a Carriers,
    pub(crate) events: &'a mpsc::Sender<CarrierEvent>,
    pub(crate) hungry: &'a Arc<Notify>,
    pub(crate) ground: &'a Ground,
    /// What was ordered of the campaign.
    pub(crate) orders: &'a Orders,
    /// What pauses a carrier.
    pub(crate) pause: &'a Arc<PauseOptions>,
}

impl Start<'_> {
    /// A lane for each route, with the format of its submits. `numbers`: of the routes' carriers;
    /// `columns`: what the list keeps; `simulated`: where the simulator plays a route.
    pub(crate) fn lanes(
        &self,
        numbers: &[CarrierIndex],
        columns: &[String],
        simulated: impl Fn(usize) -> Option<SocketAddr>,
    ) -> Result<(Vec<Lane>, Vec<LaneFormat>), Error> {
        let mut lanes = Vec::new();
        let mut formats = Vec::new();
        for ((route, number), n) in self.approved.options.routes.iter().zip(numbers).zip(0..) {
            let options = self.carriers.get(&route.carrier)?;
            let message = &self.approved.options.message;
            let validity = message.validity.map(|validity| validity.0);
            let format = LaneFormat::new(options, &message.sender, validity, columns);
            let format = format.map_err(|what| lane_format::wrong(self.carriers, &route.carrier, &what))?;
            let source = (format.source, message.sender.as_str());
            formats.push(format);
            lanes.push(self.lane(&route.carrier, options, *number, simulated(n), source)?);
        }
        Ok((lanes, formats))
    }

    fn lane(
        &self,
        name: &str,
        options: &CarrierOptions,
        number: CarrierIndex,
        simulated: Option<SocketAddr>,
        source: (TonNpi, &str),
    ) -> Result<Lane, Error> {
        let now = self.ground.clock.now();
        let ordered = self.orders.standing().carrier_rates.get(&number.0).copied();
        let rate = Tunable::new(format!("carrier {name}"), options.rate, ordered, options.burst, now);
        let stacks = account::stacks_of(name, options, &[self.orders.rate(), &rate], now);
        let pacer = Arc::new(LanePacer::new(stacks, Arc::clone(self.hungry)));
        let mut smpp = account::smpp_options(name, options, self.carriers, simulated)?;
        smpp.dialler = self.ground.dialler.clone();
        let answers_within = smpp.timers.response;
        let statuses = smpp.statuses.clone();
        let deadline = self.approved.options.delivery.receipt_deadline.0;
        let accepted_is_delivered = options.receipts.accepted_is_delivered;
        let asker =
            options.query.map(|query| Asker::new(&query, deadline, statuses, accepted_is_delivered, source, now));
        let (events, clock) = (self.events.clone(), Arc::clone(&self.ground.clock));
        let carrier = Carrier::start(number, name, smpp, Arc::clone(&pacer) as _, events, clock)?;
        let classes = retry::classes(options);
        let watch = LaneWatch::new(self.pause, classes);
        let max_segments = self.approved.options.message.max_segments.get();
        Ok(Lane {
            name: name.to_owned(),
            limits: LaneLimits::new(number, options.total_window(), max_segments, ordered.or(options.rate)),
            carrier,
            pacer,
            reach: Reach::Trying { last_error: String::new() },
            rates: BindRates::new(now),
            refusals: Refusals::new(StatusTable::new(options), options.pause_after, now),
            rate,
            watch,
            paused: None,
            stopped: false,
            reading: ReceiptReading {
                ids: account::id_rules(options),
                zone: options.receipts.time_zone.clone(),
                skew: options.receipts.clock_skew.0.0,
                answers_within,
                settled_until: self.ground.clock.wall(),
                proposal: None,
            },
            asker,
        })
    }
}
