//! What a person may see of a carrier at any time.

use std::net::SocketAddr;

use volley_core::UnixMicros;

/// A carrier account and its binds.
#[derive(Debug, Clone)]
pub struct CarrierStatus {
    /// Each bind, in the order of their numbers.
    pub binds: Vec<BindStatus>,
    /// Submits that wait to be written.
    pub n_queued: u32,
    /// Whether it is being drained.
    pub draining: bool,
    /// Whether its owner suspended it.
    pub suspended: bool,
    /// Segments per second that the carrier was found to take, while we keep below the rate
    /// that was configured because of it.
    pub learned_ceiling_per_sec: Option<f64>,
}

impl CarrierStatus {
    /// What a person should look at, if anything: the first bind's alarm.
    #[must_use]
    pub fn alarm(&self) -> Option<&str> {
        self.binds.iter().find_map(|bind| bind.alarm.as_deref())
    }
}

impl CarrierStatus {
    /// Whether a bind is up that submits.
    #[must_use]
    pub fn can_submit(&self) -> bool {
        self.binds.iter().any(|bind| bind.kind.submits() && bind.phase == BindPhase::Bound)
    }
}

/// One bind.
#[derive(Debug, Clone)]
pub struct BindStatus {
    /// `host:port`.
    pub host: String,
    /// What it may do.
    pub kind: BindKind,
    /// Who answered the last bind that came up.
    pub peer: Option<Peer>,
    /// Our side of its last connection: carriers let in known addresses only.
    pub source_address: Option<SocketAddr>,
    /// What it is doing.
    pub phase: BindPhase,
    /// Since when.
    pub phase_since: UnixMicros,
    /// What keeps it from writing more.
    pub limit: Limit,
    /// Since when.
    pub limit_since: UnixMicros,
    /// Unanswered submits.
    pub n_in_flight: u32,
    /// Unanswered submits allowed at present.
    pub window: u32,
    /// Submits written, since the start.
    pub n_submitted: u64,
    /// Submits answered, since the start.
    pub n_answered: u64,
    /// Of those, throttled.
    pub n_throttled: u64,
    /// Answers to sequence numbers that were not open: unknown, repeated.
    pub n_unknown_answers: u64,
    /// deliver_sm and data_sm received, since the start.
    pub n_deliveries: u64,
    /// Of those, receipts with a state that nobody knows.
    pub n_unknown_states: u64,
    /// Of those, the ones that could not be read.
    pub n_unreadable: u64,
    /// Requests that we don't know, refused with generic_nack.
    pub n_unknown_requests: u64,
    /// enquire_link that we sent, since the start.
    pub n_enquiries_sent: u64,
    /// Answers to them.
    pub n_enquiries_answered: u64,
    /// enquire_link that the SMSC sent, all of them answered.
    pub n_enquiries_received: u64,
    /// Times that the bind came up.
    pub n_bound: u64,
    /// Median time from write to answer over about the last ten seconds.
    pub answer_time_p50_us: Option<u32>,
    /// The time that one answer of a hundred exceeds.
    pub answer_time_p99_us: Option<u32>,
    /// Why the last session or attempt ended.
    pub last_error: Option<String>,
    /// Credentials or the number of binds were refused: it is tried again seldom, and a person
    /// should look. Until the bind comes up.
    pub alarm: Option<String>,
}

/// What an SMSC says of itself when it accepts a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub system_id: String,
    /// sc_interface_version, where it tells.
    pub interface_version: Option<u8>,
}

/// What one session of a bind may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindKind {
    /// Submits out, receipts in.
    Transceiver,
    /// Submits out.
    Transmitter,
    /// Receipts in.
    Receiver,
}

/// What a bind is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindPhase {
    /// Connecting, or waiting for its turn to.
    Connecting,
    /// Connected; the SMSC has not answered the bind yet.
    Binding,
    /// Up.
    Bound,
    /// No new submits: its window empties.
    Draining,
    /// We asked to unbind.
    Unbinding,
    /// Waits before it connects again.
    Waiting,
    /// Waits long: credentials or the number of binds were refused. A person should look.
    Refused,
    /// Ended for good.
    Stopped,
}

/// What keeps a bind from writing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Nothing waits to be written.
    Idle,
    /// All slots of the window wait for answers.
    Window,
    /// The rate.
    Rate,
    /// The carrier throttled us.
    Throttle,
    /// The connection doesn't take more at the moment.
    Connection,
    /// The owner suspended the carrier.
    Suspended,
    /// It is not bound.
    NotBound,
}

impl BindStatus {
    pub(crate) fn new(host: &str, kind: BindKind, window: u32, now: UnixMicros) -> Self {
        Self {
            host: host.to_owned(),
            kind,
            peer: None,
            source_address: None,
            phase: BindPhase::Connecting,
            phase_since: now,
            limit: Limit::NotBound,
            limit_since: now,
            n_in_flight: 0,
            window,
            n_submitted: 0,
            n_answered: 0,
            n_throttled: 0,
            n_unknown_answers: 0,
            n_deliveries: 0,
            n_unknown_states: 0,
            n_unreadable: 0,
            n_unknown_requests: 0,
            n_enquiries_sent: 0,
            n_enquiries_answered: 0,
            n_enquiries_received: 0,
            n_bound: 0,
            answer_time_p50_us: None,
            answer_time_p99_us: None,
            last_error: None,
            alarm: None,
        }
    }
}
