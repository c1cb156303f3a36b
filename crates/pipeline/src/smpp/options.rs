//! What is to be known of an SMPP carrier (HANDBOOK A.9, the part that concerns the connection).

use std::time::Duration;

use volley_smpp::{
    pdu::{Bind, CommandId},
    receipt::{IdRules, ReceiptRules},
};

use super::{Dialler, StatusClasses, TlsOptions};
use crate::{BindKind, Error, Secret};

/// The longest response timeout: times in the window are kept in 32 bits.
const RESPONSE_TIMEOUT_MAX: Duration = Duration::from_secs(3_600);

/// An SMPP account: how to reach it, and how to behave there.
#[derive(Debug, Clone)]
pub struct SmppOptions {
    /// `host:port` of each SMSC of the account; each gets `binds_per_host` binds.
    pub hosts: Vec<String>,
    /// Which kind of binds. Default: transceivers.
    pub bind_as: BindAs,
    /// Whether and how connections are encrypted. Default: not.
    pub tls: Option<TlsOptions>,
    /// Account name, at most 15 octets (SMPP 3.4, 5.2.1).
    pub system_id: String,
    /// Its password, at most 64 octets: carriers issue longer ones than the standard's 8.
    pub password: Secret,
    /// At most 12 octets (SMPP 3.4, 5.2.3). Default: empty.
    pub system_type: String,
    /// Default: 0x34.
    pub interface_version: u8,
    /// Type of number of `address_range`. Default: 0.
    pub addr_ton: u8,
    /// Numbering plan of `address_range`. Default: 0.
    pub addr_npi: u8,
    /// Which numbers are ours, at most 40 octets (SMPP 3.4, 5.2.7). Default: empty.
    pub address_range: String,
    /// Binds for each host, at least 1. Default: 1.
    pub binds_per_host: u16,
    /// Unanswered submits allowed on each bind, at least 1. Default: 10 (HANDBOOK A.4).
    pub window: u16,
    /// Finds the window between 1 and `window` that keeps the carrier busy from the measured
    /// answer time, instead of always using all of it. Default: false.
    pub adaptive_window: bool,
    /// How ids in answers and receipts are written (HANDBOOK C.5). Default: as is.
    pub ids: IdRules,
    /// How receipts are read (HANDBOOK C.4). Default: tolerantly.
    pub receipts: ReceiptRules,
    /// What its refusals mean, where that differs from HANDBOOK A.7. Default: nowhere.
    pub statuses: StatusClasses,
    /// How long to wait for what.
    pub timers: Timers,
    /// How long to wait before connecting again.
    pub backoff: BackoffOptions,
    /// Seed of all jitter, so that runs can be repeated. Default: 0.
    pub seed: u64,
    /// How its binds connect. Default: over TCP.
    pub dialler: Dialler,
}

/// Which kind of binds an account has.
#[derive(Debug, Clone, Default)]
pub enum BindAs {
    /// One session for both directions.
    #[default]
    Transceiver,
    /// Pairs of a transmitter and a receiver.
    Pair {
        /// The receiver's own account, where it differs.
        receiver: Option<ReceiverAccount>,
    },
}

/// A receiver's own way in.
#[derive(Debug, Clone)]
pub struct ReceiverAccount {
    /// `host:port` for each of the account's hosts; empty: the same hosts.
    pub hosts: Vec<String>,
    /// Account name.
    pub system_id: String,
    /// Its password.
    pub password: Secret,
}

/// How long to wait for what (HANDBOOK A.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// For a connection. Default: 10 s.
    pub connect: Duration,
    /// For the answer to the bind. Default: 30 s.
    pub bind: Duration,
    /// Without a response from the SMSC, until enquire_link is sent. Default: 30 s.
    pub enquire_interval: Duration,
    /// For its answer, before the connection counts as dead. Default: 30 s.
    pub enquire_timeout: Duration,
    /// Without any PDU, before the connection counts as dead. Default: 300 s.
    pub inactivity: Duration,
    /// For the answer to a submit, before its fate counts as unknown; at most an hour.
    /// Default: 60 s.
    pub response: Duration,
    /// For the rest of a PDU that began to arrive. Default: 10 s.
    pub partial_pdu: Duration,
    /// For the window to empty when draining. Default: 30 s.
    pub drain: Duration,
    /// For open answers and acknowledgements before we answer the SMSC's own unbind, or close
    /// after a missing answer. Default: 5 s.
    pub grace: Duration,
    /// For the answer to our unbind. Default: 10 s.
    pub unbind: Duration,
    /// No submits on a session after a throttled answer. Default: 1 s (HANDBOOK A.5).
    pub throttle_pause: Duration,
    /// How long submits wait for a bind while none is up, before they are given back.
    /// Default: 1 s.
    pub unbound_return: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            bind: Duration::from_secs(30),
            enquire_interval: Duration::from_secs(30),
            enquire_timeout: Duration::from_secs(30),
            inactivity: Duration::from_secs(300),
            response: Duration::from_secs(60),
            partial_pdu: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            unbind: Duration::from_secs(10),
            throttle_pause: Duration::from_secs(1),
            unbound_return: Duration::from_secs(1),
        }
    }
}

/// How long to wait before connecting again (HANDBOOK A.2, A.3). All with a jitter of 20 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffOptions {
    /// After the first failure; doubled with each. Default: 1 s.
    pub first: Duration,
    /// At most. Default: 60 s.
    pub max: Duration,
    /// A bind that lasted so long makes the next failure the first again. Default: 60 s.
    pub stable: Duration,
    /// After a refusal that says "too many binds" or the like. Default: 45 s.
    pub refused: Duration,
    /// After refused credentials: some carriers lock the account otherwise. Default: 300 s.
    pub credentials: Duration,
}

impl Default for BackoffOptions {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(60),
            stable: Duration::from_secs(60),
            refused: Duration::from_secs(45),
            credentials: Duration::from_secs(300),
        }
    }
}

impl BindKind {
    pub(crate) const fn command(self) -> CommandId {
        match self {
            Self::Transceiver => CommandId::BindTransceiver,
            Self::Transmitter => CommandId::BindTransmitter,
            Self::Receiver => CommandId::BindReceiver,
        }
    }

    /// Whether submits may be written on it.
    pub(crate) const fn submits(self) -> bool {
        match self {
            Self::Transceiver | Self::Transmitter => true,
            Self::Receiver => false,
        }
    }
}

/// Whose credentials a bind uses: a refusal concerns these alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Main,
    /// A receiver's own.
    Receiver,
}

/// One bind, ready to be dialled.
#[derive(Debug, Clone)]
pub(crate) struct BindPlan {
    pub(crate) host: String,
    pub(crate) kind: BindKind,
    pub(crate) account: Account,
    /// The bind request, encoded with sequence number 0. It holds the password.
    pub(crate) request: Secret,
}

impl Default for SmppOptions {
    /// The handbook's suggestions; hosts and account are missing still.
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            bind_as: BindAs::Transceiver,
            tls: None,
            system_id: String::new(),
            password: Secret::default(),
            system_type: String::new(),
            interface_version: 0x34,
            addr_ton: 0,
            addr_npi: 0,
            address_range: String::new(),
            binds_per_host: 1,
            window: 10,
            adaptive_window: false,
            ids: IdRules::default(),
            receipts: ReceiptRules::default(),
            statuses: StatusClasses::default(),
            timers: Timers::default(),
            backoff: BackoffOptions::default(),
            seed: 0,
            dialler: Dialler::Tcp,
        }
    }
}

impl SmppOptions {
    /// Options with the handbook's suggestions for all that is not given here.
    #[must_use]
    pub fn new(hosts: Vec<String>, system_id: impl Into<String>, password: Secret) -> Self {
        Self { hosts, system_id: system_id.into(), password, ..Self::default() }
    }

    /// Every bind of the account: of each host its binds.
    pub(crate) fn plan(&self, carrier: &str) -> Result<Vec<BindPlan>, Error> {
        self.check(carrier)?;
        let mut plans = Vec::new();
        for (n, host) in self.hosts.iter().enumerate() {
            for _ in 0..self.binds_per_host {
                self.plan_one(carrier, n, host, &mut plans)?;
            }
        }
        Ok(plans)
    }

    fn check(&self, carrier: &str) -> Result<(), Error> {
        if self.hosts.is_empty() {
            return Err(Error::NoHost { carrier: carrier.to_owned() });
        }
        let out_of_range = |option, given: String, possible| {
            Err(Error::OutOfRange { carrier: carrier.to_owned(), option, given, possible })
        };
        if self.window == 0 {
            return out_of_range("window", "0".to_owned(), "1 or more");
        }
        if self.binds_per_host == 0 {
            return out_of_range("binds per host", "0".to_owned(), "1 or more");
        }
        if self.timers.response > RESPONSE_TIMEOUT_MAX {
            return out_of_range("response timeout", format!("{:?}", self.timers.response), "at most an hour");
        }
        Ok(())
    }

    fn plan_one(&self, carrier: &str, n_host: usize, host: &str, plans: &mut Vec<BindPlan>) -> Result<(), Error> {
        let (own_id, own_password) = (self.system_id.as_str(), &self.password);
        let mut push = |host: &str, kind, account, system_id, password| {
            let request = self.request(kind, system_id, password);
            let request = request.map_err(|source| Error::Bind { carrier: carrier.to_owned(), source })?;
            plans.push(BindPlan { host: host.to_owned(), kind, account, request });
            Ok(())
        };
        let receiver = match &self.bind_as {
            BindAs::Transceiver => return push(host, BindKind::Transceiver, Account::Main, own_id, own_password),
            BindAs::Pair { receiver } => receiver,
        };
        push(host, BindKind::Transmitter, Account::Main, own_id, own_password)?;
        match receiver {
            None => push(host, BindKind::Receiver, Account::Main, own_id, own_password),
            Some(account) => {
                let host = account.hosts.get(n_host).map_or(host, String::as_str);
                push(host, BindKind::Receiver, Account::Receiver, &account.system_id, &account.password)
            }
        }
    }

    fn request(
        &self,
        kind: BindKind,
        system_id: &str,
        password: &Secret,
    ) -> Result<Secret, volley_smpp::pdu::EncodeError> {
        let bind = Bind {
            system_id: system_id.as_bytes(),
            password: password.expose(),
            system_type: self.system_type.as_bytes(),
            interface_version: self.interface_version,
            addr_ton: self.addr_ton,
            addr_npi: self.addr_npi,
            address_range: self.address_range.as_bytes(),
        };
        let mut request = Vec::with_capacity(256);
        bind.encode(kind.command(), 0, &mut request)?;
        Ok(Secret::new(request))
    }
}
