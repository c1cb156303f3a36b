//! What `status` and `carrier watch` show of a carrier that runs.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use volley_core::UnixMicros;
use volley_pipeline::{BindKind, BindPhase, BindStatus, CarrierStatus, Limit};

use crate::board::LaneBoard;

/// Over how long the rate of a bind is measured, at least.
const MEASURE: Duration = Duration::from_secs(1);

/// Submits per second of each bind, lately.
#[derive(Debug)]
pub(crate) struct BindRates {
    from: Instant,
    n_submitted: Vec<u64>,
    per_s: Vec<f64>,
}

impl BindRates {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { from: now, n_submitted: Vec::new(), per_s: Vec::new() }
    }

    /// The rates at `now`; a second's measurement stands until the next is complete.
    pub(crate) fn measure(&mut self, now: Instant, status: &CarrierStatus) -> Vec<f64> {
        let elapsed = now.saturating_duration_since(self.from);
        if elapsed >= MEASURE {
            let n_before = self.n_submitted.iter().copied().chain(std::iter::repeat(0));
            let n_since =
                status.binds.iter().zip(n_before).map(|(bind, before)| bind.n_submitted.saturating_sub(before));
            self.per_s = n_since.map(|n| n as f64 / elapsed.as_secs_f64()).collect();
            self.n_submitted = status.binds.iter().map(|bind| bind.n_submitted).collect();
            self.from = now;
        }
        self.per_s.clone()
    }
}

/// One carrier as JSON.
pub(crate) fn carrier_json(lane: &LaneBoard) -> Value {
    let rates = lane.rates.iter().copied().chain(std::iter::repeat(0.0));
    let binds: Vec<_> = lane.status.binds.iter().zip(rates).zip(0..).map(bind_json).collect();
    json!({
        "carrier": lane.name,
        "reach": lane.reach,
        "alarm": lane.alarm(),
        "paused": lane.paused,
        "proposal": lane.proposal,
        "outstanding": lane.outstanding,
        "in_doubt_bound": lane.bound,
        "queued": lane.status.n_queued,
        "waits_for": lane.waits_for,
        "learned_ceiling_per_s": lane.status.learned_ceiling_per_sec.map(rounded),
        "draining": lane.status.draining,
        "binds": binds,
    })
}

fn bind_json(((bind, rate), n): ((&BindStatus, f64), u16)) -> Value {
    json!({
        "bind": n,
        "host": bind.host,
        "kind": kind_name(bind.kind),
        "system_id": bind.peer.as_ref().map(|peer| peer.system_id.as_str()),
        "interface_version": bind.peer.as_ref().and_then(|peer| peer.interface_version).map(|v| format!("{v:#04x}")),
        "phase": phase_name(bind.phase),
        "phase_since": time(bind.phase_since),
        "window": bind.window,
        "in_flight": bind.n_in_flight,
        "rate_per_s": rounded(rate),
        "answer_p50_us": bind.answer_time_p50_us,
        "answer_p99_us": bind.answer_time_p99_us,
        "limit": limit_name(bind.limit),
        "limit_since": time(bind.limit_since),
        "submitted": bind.n_submitted,
        "answered": bind.n_answered,
        "throttled": bind.n_throttled,
        "unknown_answers": bind.n_unknown_answers,
        "deliveries": bind.n_deliveries,
        "unknown_states": bind.n_unknown_states,
        "unreadable": bind.n_unreadable,
        "unknown_requests": bind.n_unknown_requests,
        "enquiries": {
            "sent": bind.n_enquiries_sent,
            "answered": bind.n_enquiries_answered,
            "received": bind.n_enquiries_received,
        },
        "times_bound": bind.n_bound,
        "last_error": bind.last_error,
        "alarm": bind.alarm,
    })
}

fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

fn time(at: UnixMicros) -> Option<String> {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok())?;
    Some(format!("{at:.3}"))
}

pub(crate) const fn kind_name(kind: BindKind) -> &'static str {
    match kind {
        BindKind::Transceiver => "transceiver",
        BindKind::Transmitter => "transmitter",
        BindKind::Receiver => "receiver",
    }
}

const fn phase_name(phase: BindPhase) -> &'static str {
    match phase {
        BindPhase::Connecting => "connecting",
        BindPhase::Binding => "binding",
        BindPhase::Bound => "bound",
        BindPhase::Draining => "draining",
        BindPhase::Unbinding => "unbinding",
        BindPhase::Waiting => "waiting",
        BindPhase::Refused => "refused",
        BindPhase::Stopped => "stopped",
    }
}

const fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Idle => "idle",
        Limit::Window => "window",
        Limit::Rate => "rate",
        Limit::Throttle => "throttle",
        Limit::Connection => "connection",
        Limit::Suspended => "suspended",
        Limit::NotBound => "not bound",
    }
}
