//! One task per bind: waits for its turn, connects, runs the session, connects again.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use volley_smpp::pdu::CommandStatus;

use super::{
    Dialler, Shared, Stream,
    backoff::{Backoff, Jitter, Refusal, refusal},
    gate::Admission,
    session::{Close, Counters},
    wire::{self, Ended},
};
use crate::{BindPhase, EventKind, Limit};

enum Connection {
    Plain(TcpStream),
    Simulated(Box<dyn Stream>),
    Encrypted(Box<TlsStream<TcpStream>>),
}

pub(crate) struct BindTask {
    shared: Arc<Shared>,
    bind: u16,
    backoff: Backoff,
    /// Sessions so far: an acknowledgement belongs to one of them.
    generation: u32,
    totals: Counters,
}

impl BindTask {
    pub(crate) fn new(shared: Arc<Shared>, bind: u16, jitter: Jitter) -> Self {
        let backoff = Backoff::new(shared.options.backoff, jitter);
        Self { shared, bind, backoff, generation: 0, totals: Counters::default() }
    }

    /// Runs until the carrier is drained or dropped.
    pub(crate) async fn run(mut self) {
        while self.may_bind().await {
            let Some(ended) = self.attempt().await else { break };
            let wait = self.after(&ended).await;
            if self.shared.drain.is_cancelled() {
                break;
            }
            let drained = self.shared.drain.cancelled();
            if tokio::time::timeout(wait, drained).await.is_ok() {
                break;
            }
        }
        self.set_phase(BindPhase::Stopped);
        self.shared.ended();
    }

    fn set_phase(&self, phase: BindPhase) {
        let Some(bind) = self.shared.bind(self.bind) else { return };
        bind.set_phase(phase, self.shared.clock.as_ref());
    }

    /// Waits for the account's gate; `false` when the carrier is being drained.
    async fn may_bind(&self) -> bool {
        loop {
            let changed = self.shared.gate_changed.notified();
            tokio::pin!(changed);
            // From here on no change goes unnoticed.
            changed.as_mut().enable();
            let Some(me) = self.shared.bind(self.bind) else { return false };
            let admission = self.shared.gate(me).ask(self.bind, self.shared.clock.now());
            let until = match admission {
                Admission::Go => return !self.shared.drain.is_cancelled(),
                Admission::Wait(until) => until,
            };
            tokio::select! {
                biased;
                () = self.shared.drain.cancelled() => return false,
                () = changed => {}
                () = tokio::time::sleep_until(until.into()) => {}
            }
        }
    }

    /// One connection from beginning to end; `None` when the carrier was drained meanwhile.
    async fn attempt(&mut self) -> Option<Ended> {
        self.set_phase(BindPhase::Connecting);
        let host = self.shared.bind(self.bind)?.plan.host.clone();
        let shared = Arc::clone(&self.shared);
        let connecting = tokio::time::timeout(shared.options.timers.connect, self.connect(&host));
        let connected = tokio::select! {
            biased;
            () = shared.drain.cancelled() => return None,
            connected = connecting => connected,
        };
        let connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(close)) => return Some(Ended::before_bind(close)),
            Err(_) => return Some(Ended::before_bind(Close::Connect(std::io::ErrorKind::TimedOut.into()))),
        };
        self.generation += 1;
        let (bind, generation, totals) = (self.bind, self.generation, self.totals);
        let ended = match connection {
            Connection::Plain(stream) => {
                let (reader, writer) = stream.into_split();
                wire::run(&shared, bind, generation, totals, reader, writer).await
            }
            Connection::Simulated(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                wire::run(&shared, bind, generation, totals, reader, writer).await
            }
            Connection::Encrypted(stream) => {
                let (reader, writer) = tokio::io::split(*stream);
                wire::run(&shared, bind, generation, totals, reader, writer).await
            }
        };
        self.totals = self.totals.plus(ended.counters);
        Some(ended)
    }

    /// TCP, and TLS where the account has it: a failure of one never leads to less.
    async fn connect(&self, host: &str) -> Result<Connection, Close> {
        if let Dialler::Simulated(network) = &self.shared.options.dialler {
            return network.dial(host).await.map(Connection::Simulated).map_err(Close::Connect);
        }
        let stream = TcpStream::connect(host).await.map_err(Close::Connect)?;
        // We gather our writes ourselves.
        stream.set_nodelay(true).map_err(Close::Connect)?;
        let source = stream.local_addr().ok();
        if let Some(bind) = self.shared.bind(self.bind) {
            bind.with_status(|status| status.source_address = source);
        }
        match &self.shared.tls {
            None => Ok(Connection::Plain(stream)),
            Some(tls) => {
                let stream = tls.connect(host, stream).await.map_err(Close::Tls)?;
                Ok(Connection::Encrypted(Box::new(stream)))
            }
        }
    }

    /// Says what happened, and how long to wait before the next attempt.
    async fn after(&mut self, ended: &Ended) -> Duration {
        let now = self.shared.clock.now();
        let (carrier, bind) = (self.shared.name.as_str(), self.bind);
        self.note(ended);
        let Some(me) = self.shared.bind(bind) else { return Duration::ZERO };
        if self.shared.drain.is_cancelled() {
            return Duration::ZERO;
        }
        let (phase, wait, event) = match (&ended.close, ended.bound_for) {
            (Close::BindRefused(status), _) => {
                let wait = self.shared.gate(me).refused(*status, now);
                let phase = match refusal(*status) {
                    Refusal::Credentials | Refusal::Limit => BindPhase::Refused,
                    Refusal::Other => BindPhase::Waiting,
                };
                if let Some(alarm) = alarm(*status, wait) {
                    me.with_status(|status| status.alarm = Some(alarm));
                }
                tracing::warn!(carrier, bind, command_status = %status, retry_in = ?wait, "bind refused");
                (phase, wait, EventKind::BindRefused { status: *status, retry_in: wait })
            }
            (close, None) => {
                self.shared.gate(me).failed(bind);
                let wait = self.backoff.after_failure(Duration::ZERO);
                tracing::warn!(carrier, bind, error = %close, retry_in = ?wait, "no bind");
                let event = EventKind::ConnectFailed { step: close.step(), error: close.to_string(), retry_in: wait };
                (BindPhase::Waiting, wait, event)
            }
            (close, Some(bound_for)) => {
                self.shared.gate(me).was_stable(bound_for);
                let wait = self.backoff.after_failure(bound_for);
                tracing::warn!(carrier, bind, error = %close, retry_in = ?wait, "bind lost, reconnecting");
                (BindPhase::Waiting, wait, EventKind::BindLost { error: close.to_string(), retry_in: wait })
            }
        };
        self.shared.gate_changed.notify_waiters();
        self.set_phase(phase);
        self.shared.send(bind, event).await;
        wait
    }

    fn note(&self, ended: &Ended) {
        let close = &ended.close;
        let Some(bind) = self.shared.bind(self.bind) else { return };
        let now = self.shared.clock.wall();
        bind.with_status(|status| {
            status.n_in_flight = 0;
            // Carriers let in known addresses only: ours belongs to every refusal.
            let from = match status.source_address.filter(|_| ended.bound_for.is_none()) {
                Some(address) => format!(" (we come from {address})"),
                None => String::new(),
            };
            (status.limit, status.limit_since) = (Limit::NotBound, now);
            if !matches!(close, Close::Drained | Close::Dropped) {
                status.last_error = Some(format!("{close}{from}"));
            }
        });
    }
}

/// What a person should know of a refusal that does not pass by itself.
fn alarm(status: CommandStatus, wait: Duration) -> Option<String> {
    let what = match refusal(status) {
        Refusal::Credentials => "check system-id, password and system-type",
        Refusal::Limit => "the account has too many binds already, or is not provisioned",
        Refusal::Other => return None,
    };
    Some(format!("the SMSC refuses the bind with {status}: {what}; asked again after {} s", wait.as_secs()))
}
