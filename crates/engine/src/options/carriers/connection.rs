//! How a carrier is reached: binds, and how long to wait for what (HANDBOOK A.2, A.3).

use std::time::Duration;

use serde::Deserialize;
use volley_pipeline::{BackoffOptions, Timers};

use super::SecretSource;
use crate::options::HumanDuration;

/// Which binds a carrier gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindType {
    /// One session for both directions.
    #[default]
    Transceiver,
    /// A transmitter and a receiver, each with a connection of its own.
    Pair,
}

impl BindType {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transceiver => "transceiver",
            Self::Pair => "pair",
        }
    }
}

/// `receiver`: where the receivers of pairs bind, and as whom, when that differs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReceiverOptions {
    /// `host:port` beside each of the carrier's hosts; the same ones when not given.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Account name. Default: the carrier's.
    #[serde(default)]
    pub system_id: Option<String>,
    /// Where its password comes from. Default: the carrier's.
    #[serde(default)]
    pub password: Option<SecretSource>,
}

/// Which version of SMPP we say that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum InterfaceVersion {
    /// 0x33: no TLVs, please.
    #[serde(rename = "3.3")]
    V33,
    /// 0x34.
    #[default]
    #[serde(rename = "3.4")]
    V34,
    /// 0x50, for carriers that ask for it.
    #[serde(rename = "5.0")]
    V50,
}

impl InterfaceVersion {
    /// As it stands in a bind.
    #[must_use]
    pub const fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }
}

/// `timers`: how long to wait for what. What is not given has the default of HANDBOOK A.3.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TimerOptions {
    /// For a connection, its TLS included. Default 10s.
    pub connect: Option<HumanDuration>,
    /// For the answer to the bind. Default 30s.
    pub bind: Option<HumanDuration>,
    /// Without a response from the SMSC, until enquire_link is sent. Default 30s.
    pub enquire_interval: Option<HumanDuration>,
    /// For its answer; then the connection counts as dead. Default 30s.
    pub enquire_timeout: Option<HumanDuration>,
    /// Without any PDU; then the connection counts as dead. Default 300s.
    pub inactivity: Option<HumanDuration>,
    /// For the answer to a submit; then its fate counts as unknown. At most 1h, default 60s.
    pub response: Option<HumanDuration>,
    /// For the rest of a PDU that began to arrive. Default 10s.
    pub partial_pdu: Option<HumanDuration>,
    /// For the answer to our unbind. Default 10s.
    pub unbind: Option<HumanDuration>,
    /// For the windows to empty when a run stops. Default 30s.
    pub drain: Option<HumanDuration>,
    /// For open answers before the SMSC's own unbind is answered. Default 5s.
    pub grace: Option<HumanDuration>,
    /// No submits after the first throttled answer. Default 1s.
    pub throttle_pause: Option<HumanDuration>,
}

/// `reconnect`: how long to wait before binding again, each with a jitter of 20 %.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReconnectOptions {
    /// After the first failure; doubled with each. Default 1s.
    pub first: Option<HumanDuration>,
    /// At most. Default 60s.
    pub max: Option<HumanDuration>,
    /// A bind that lasted so long makes the next failure the first again. Default 60s.
    pub stable: Option<HumanDuration>,
    /// After "too many binds" or the like. Default 45s.
    pub refused: Option<HumanDuration>,
    /// After refused credentials: some carriers lock the account otherwise. Default 5m.
    pub credentials: Option<HumanDuration>,
}

fn or(given: Option<HumanDuration>, default: Duration) -> Duration {
    given.map_or(default, |duration| duration.0)
}

impl TimerOptions {
    /// Each timer by its key, as it was given.
    pub(crate) fn given(&self) -> [(&'static str, Option<HumanDuration>); 11] {
        [
            ("connect", self.connect),
            ("bind", self.bind),
            ("enquire-interval", self.enquire_interval),
            ("enquire-timeout", self.enquire_timeout),
            ("inactivity", self.inactivity),
            ("response", self.response),
            ("partial-pdu", self.partial_pdu),
            ("unbind", self.unbind),
            ("drain", self.drain),
            ("grace", self.grace),
            ("throttle-pause", self.throttle_pause),
        ]
    }

    /// With the defaults.
    #[must_use]
    pub fn timers(&self) -> Timers {
        let default = Timers::default();
        Timers {
            connect: or(self.connect, default.connect),
            bind: or(self.bind, default.bind),
            enquire_interval: or(self.enquire_interval, default.enquire_interval),
            enquire_timeout: or(self.enquire_timeout, default.enquire_timeout),
            inactivity: or(self.inactivity, default.inactivity),
            response: or(self.response, default.response),
            partial_pdu: or(self.partial_pdu, default.partial_pdu),
            unbind: or(self.unbind, default.unbind),
            drain: or(self.drain, default.drain),
            grace: or(self.grace, default.grace),
            throttle_pause: or(self.throttle_pause, default.throttle_pause),
            unbound_return: default.unbound_return,
        }
    }
}

impl ReconnectOptions {
    /// Each wait by its key, as it was given.
    pub(crate) fn given(&self) -> [(&'static str, Option<HumanDuration>); 5] {
        [
            ("first", self.first),
            ("max", self.max),
            ("stable", self.stable),
            ("refused", self.refused),
            ("credentials", self.credentials),
        ]
    }

    /// With the defaults.
    #[must_use]
    pub fn backoff(&self) -> BackoffOptions {
        let default = BackoffOptions::default();
        BackoffOptions {
            first: or(self.first, default.first),
            max: or(self.max, default.max),
            stable: or(self.stable, default.stable),
            refused: or(self.refused, default.refused),
            credentials: or(self.credentials, default.credentials),
        }
    }
}
