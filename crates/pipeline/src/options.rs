//! How to reach a carrier, and the timers of a session.

use std::{fmt, time::Duration};

use volley_smpp::receipt::IdMode;

/// A password: never shown.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    #[must_use]
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) const fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One carrier account over SMPP 3.4.
#[derive(Debug, Clone)]
pub struct SmppOptions {
    /// `host:port` of each SMSC.
    pub hosts: Vec<String>,
    /// Binds on each host.
    pub binds_per_host: u16,
    /// Account name.
    pub system_id: String,
    /// Its password.
    pub password: Secret,
    /// Usually empty.
    pub system_type: String,
    /// Unanswered submits allowed on each bind.
    pub window: u16,
    /// How ids are written in answers and receipts.
    pub id_mode: IdMode,
    /// Timers of each session.
    pub timers: Timers,
}

/// Timers of a session (HANDBOOK A.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Until TCP is connected.
    pub connect: Duration,
    /// Until the bind is answered.
    pub bind: Duration,
    /// Idle time after which enquire_link is sent.
    pub enquire_interval: Duration,
    /// Until enquire_link is answered; then the session is closed.
    pub enquire_timeout: Duration,
    /// Until a submit is answered; then its fate is unknown and the session is closed.
    pub response: Duration,
    /// Until the windows are drained when stopping.
    pub drain: Duration,
    /// Until unbind is answered.
    pub unbind: Duration,
    /// First wait before connecting again.
    pub reconnect_min: Duration,
    /// Longest wait before connecting again.
    pub reconnect_max: Duration,
    /// Wait after the carrier refused our credentials: some lock accounts after repeated failures.
    pub refused: Duration,
    /// Pause after the carrier told us to slow down.
    pub throttle_pause: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            bind: Duration::from_secs(30),
            enquire_interval: Duration::from_secs(30),
            enquire_timeout: Duration::from_secs(30),
            response: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            unbind: Duration::from_secs(10),
            reconnect_min: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(60),
            refused: Duration::from_secs(300),
            throttle_pause: Duration::from_secs(1),
        }
    }
}
