//! From a carrier of the carriers file to what pipeline and scheduler want to know of it.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use volley_core::Rate;
use volley_pipeline::{BindAs, SmppOptions, Timers};
use volley_scheduler::{Limit, Stack};
use volley_smpp::receipt::IdRules;

use crate::{
    Error,
    options::{BindType, CarrierOptions, Carriers},
    retry,
};

/// Longest name that a bind takes (SMPP 3.4, 5.2.1).
const SYSTEM_ID_MAX: usize = 15;

/// The pipeline's options. `simulated`: where the simulator plays this carrier.
pub(crate) fn smpp_options(
    name: &str,
    options: &CarrierOptions,
    carriers: &Carriers,
    simulated: Option<SocketAddr>,
) -> Result<SmppOptions, Error> {
    let hosts = simulated.map_or_else(|| options.hosts.clone(), |address| vec![address.to_string()]);
    // A carrier's name does for a simulated one; a real one's system_id is written down.
    let system_id: String = if options.system_id.is_empty() {
        name.chars().take(SYSTEM_ID_MAX).collect()
    } else {
        options.system_id.clone()
    };
    Ok(SmppOptions {
        bind_as: match options.bind_type {
            BindType::Transceiver => BindAs::Transceiver,
            BindType::Pair => BindAs::Pair { receiver: carriers.receiver(name, options, &system_id)? },
        },
        tls: options.tls.options(carriers.folder()),
        system_type: options.system_type.clone(),
        interface_version: options.interface_version.octet(),
        addr_ton: options.bind_ton,
        addr_npi: options.bind_npi,
        address_range: options.address_range.clone(),
        binds_per_host: options.binds.get(),
        window: options.window.get(),
        adaptive_window: options.adaptive_window,
        ids: id_rules(options),
        receipts: options.receipts.rules(),
        statuses: retry::classes(options),
        timers: timers(options),
        backoff: options.reconnect.backoff(),
        ..SmppOptions::new(hosts, system_id, carriers.password(name, options)?)
    })
}

/// How ids are folded.
pub(crate) fn id_rules(options: &CarrierOptions) -> IdRules {
    IdRules { mode: options.id_mode.0, strip: options.id_strip.as_ref().map(|strip| strip.0.clone()) }
}

fn timers(options: &CarrierOptions) -> Timers {
    let timers = options.timers.timers();
    Timers {
        response: options.response_timeout.map_or(timers.response, |timeout| timeout.0),
        enquire_interval: options.enquire_interval.map_or(timers.enquire_interval, |interval| interval.0),
        ..timers
    }
}

/// A rate that people can change while it is kept.
#[derive(Clone)]
pub(crate) struct Tunable {
    limit: Arc<Mutex<Limit>>,
    /// What it is a rate of: "campaign rate", "carrier north".
    what: String,
    /// As the files say.
    own: Option<Rate>,
    burst: NonZeroU32,
}

impl Tunable {
    /// `ordered` goes before `own`.
    pub(crate) fn new(
        what: String,
        own: Option<Rate>,
        ordered: Option<Rate>,
        burst: Option<NonZeroU32>,
        now: Instant,
    ) -> Self {
        let burst = burst.unwrap_or(NonZeroU32::MIN);
        let limit = match ordered.or(own) {
            Some(rate) => Limit::new(format!("{what} {rate}"), rate, burst, now),
            None => Limit::open(now),
        };
        Self { limit: Arc::new(Mutex::new(limit)), what, own, burst }
    }

    /// Another rate from `now` on, or, with `None`, the files' own.
    pub(crate) fn tune(&self, ordered: Option<Rate>, now: Instant) {
        let rate = ordered.or(self.own);
        let name = rate.map(|rate| format!("{} {rate}", self.what)).unwrap_or_default();
        self.limit.lock().unwrap_or_else(PoisonError::into_inner).change(name, rate, self.burst, now);
    }

    /// A rate that changes as time goes on, in segments per second above 0.
    pub(crate) fn set_pace(&self, per_sec: f64, what: &str) {
        let name = format!("{} {per_sec:.3}/s ({what})", self.what);
        self.limit.lock().unwrap_or_else(PoisonError::into_inner).set_rate(name, per_sec, self.burst);
    }

    /// As the files say.
    pub(crate) const fn own(&self) -> Option<Rate> {
        self.own
    }
}

/// The limits of each bind: the campaign's, the account's, and the bind's own.
pub(crate) fn stacks_of(name: &str, options: &CarrierOptions, shared: &[&Tunable], now: Instant) -> Vec<Stack> {
    let burst = options.burst.unwrap_or(NonZeroU32::MIN);
    let limit = |words: String, rate| Arc::new(Mutex::new(Limit::new(words, rate, burst, now)));
    let stacks = (0..options.n_binds()).map(|bind| {
        let of_bind = options.bind_rate.map(|rate| limit(format!("carrier {name} bind {bind} {rate}"), rate));
        // Shared limits come first in every stack.
        Stack::new(shared.iter().map(|tunable| Arc::clone(&tunable.limit)).chain(of_bind).collect())
    });
    stacks.collect()
}

#[cfg(test)]
mod tests;
