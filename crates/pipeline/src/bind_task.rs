//! One bind: connects, binds, drives the session, and begins again until told to stop.
//!
//! The one task of a socket reads whatever has come, decodes in place, and writes once per turn.

use std::{io, sync::Arc, time::Instant};

use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{sleep_until, timeout},
};
use volley_smpp::pdu::{BindResp, CommandStatus, MAX_PDU_LEN, Pdu, split_frame, tag};

use crate::{
    LostCause,
    backoff::Backoff,
    carrier::{BindPhase, BindShared, Shared},
    event::{CarrierEvent, EventKind},
    session::{Batches, End, Session, put_bind},
};

/// Octets read in one turn at most: answers of the turn are passed on before more is read.
const READ_TURN: usize = 256 << 10;
/// Submits are written while less than this waits for the socket.
const WRITE_HIGH_WATER: usize = 256 << 10;

pub(crate) struct BindTask {
    pub(crate) shared: Arc<Shared>,
    pub(crate) bind: Arc<BindShared>,
    pub(crate) host: String,
    pub(crate) events: mpsc::Sender<CarrierEvent>,
}

/// What the response to the bind told.
struct Bound {
    system_id: String,
    interface_version: Option<u8>,
    /// Octets that came behind the response.
    early: Vec<u8>,
}

/// Why a session could not begin.
enum Refusal {
    Status(CommandStatus),
    Failed(String),
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl BindTask {
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::new(self.shared.options.timers, u64::from(self.bind.index) * 7_919 + 13);
        let mut generation = 0;
        while !self.shared.is_draining() {
            generation += 1;
            self.bind.set_phase(BindPhase::Connecting, "");
            let (kind, wait) = match self.connect().await {
                Ok((stream, bound)) => {
                    let bound_at = now();
                    let error = self.session(stream, bound, generation).await;
                    let wait = backoff.after_failure(Some(bound_at), now());
                    (EventKind::ConnectFailed { error, retry_in: wait }, wait)
                }
                Err(Refusal::Status(status)) => {
                    let wait = backoff.after_refusal(status, now());
                    (EventKind::BindRefused { status, retry_in: wait }, wait)
                }
                Err(Refusal::Failed(error)) => {
                    let wait = backoff.after_failure(None, now());
                    (EventKind::ConnectFailed { error, retry_in: wait }, wait)
                }
            };
            if self.shared.is_draining() {
                break;
            }
            let why = match &kind {
                EventKind::BindRefused { status, .. } => format!("bind refused: {status}"),
                EventKind::ConnectFailed { error, .. } => error.clone(),
                EventKind::Bound { .. }
                | EventKind::Answers(_)
                | EventKind::Receipts(_)
                | EventKind::Replies(_)
                | EventKind::Lost { .. }
                | EventKind::Returned { .. }
                | EventKind::Stopped => String::new(),
            };
            tracing::warn!(carrier = %self.shared.name, bind = self.bind.index, error = %why, "bind lost, reconnecting");
            self.bind.set_phase(BindPhase::Waiting, &why);
            self.report(kind).await;
            let until = tokio::time::Instant::now() + wait;
            while !self.shared.is_draining() {
                tokio::select! {
                    () = sleep_until(until) => break,
                    () = self.bind.wake.notified() => {}
                }
            }
        }
        self.bind.set_phase(BindPhase::Stopped, "");
    }

    async fn report(&self, kind: EventKind) {
        let event = CarrierEvent { carrier: self.shared.index, bind: self.bind.index, kind };
        // A receiver that is gone means that the engine is gone: nothing is left to tell.
        let _ = self.events.send(event).await;
    }

    /// Connects and binds.
    async fn connect(&self) -> Result<(TcpStream, Bound), Refusal> {
        let timers = &self.shared.options.timers;
        let failed = |what: &'static str| move |error: io::Error| Refusal::Failed(format!("{what}: {error}"));
        let connected = timeout(timers.connect, TcpStream::connect(self.host.as_str())).await;
        let stream = connected
            .map_err(|_| Refusal::Failed(format!("{}: no connection within {:?}", self.host, timers.connect)))?
            .map_err(|error| Refusal::Failed(format!("{}: {error}", self.host)))?;
        stream.set_nodelay(true).map_err(failed("can't set TCP_NODELAY"))?;
        self.bind.set_phase(BindPhase::Binding, "");
        let mut request = Vec::new();
        put_bind(&self.shared.options, &mut request).map_err(|error| Refusal::Failed(error.to_string()))?;
        let answered = timeout(timers.bind, exchange(&stream, &request)).await;
        let (status, bound) = answered
            .map_err(|_| Refusal::Failed(format!("the bind was not answered within {:?}", timers.bind)))?
            .map_err(failed("the connection ended during the bind"))?;
        // Already bound counts as bound (HANDBOOK A.2).
        if status == CommandStatus::ROK || status == CommandStatus::RALYBND {
            Ok((stream, bound))
        } else {
            Err(Refusal::Status(status))
        }
    }

    /// Drives one session to its end; gives the reason in words.
    async fn session(&self, stream: TcpStream, bound: Bound, generation: u32) -> String {
        let options = &self.shared.options;
        let session = Session::new(
            self.bind.index,
            generation,
            options.id_mode,
            options.timers,
            usize::from(options.window),
            now(),
        );
        self.bind.set_phase(BindPhase::Bound, "");
        self.shared.one_more_bound();
        self.report(EventKind::Bound { system_id: bound.system_id, interface_version: bound.interface_version }).await;
        let mut live = Live { task: self, session, stream, input: bound.early, output: Vec::new(), n_written: 0 };
        let end = live.turns().await;
        self.shared.one_less_bound();
        // The last words, such as a generic_nack; the connection may be gone already.
        live.flush().ok();
        let tokens = live.session.take_window();
        let (cause, why) = match end {
            Ended::Session(End::NoAnswer) => (LostCause::NoAnswer, End::NoAnswer.to_string()),
            Ended::Session(end) => (LostCause::ConnectionLost, end.to_string()),
            Ended::Io(error) => (LostCause::ConnectionLost, format!("the connection ended: {error}")),
        };
        if !tokens.is_empty() {
            self.report(EventKind::Lost { tokens, cause }).await;
        }
        why
    }
}

/// Writes the bind request and reads its response.
async fn exchange(stream: &TcpStream, request: &[u8]) -> io::Result<(CommandStatus, Bound)> {
    let mut rest = request;
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(n) => rest = rest.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    let mut input = Vec::new();
    loop {
        while let Some(raw) = split_frame(&input, MAX_PDU_LEN).map_err(io::Error::other)? {
            let n_octets = raw.n_octets();
            let status = raw.header.command_status;
            let response = match raw.decode() {
                Ok(Pdu::BindResp(response)) => Some(response),
                Ok(Pdu::GenericNack) => Some(BindResp::default()),
                _ => None,
            };
            let bound = response.map(|response| Bound {
                system_id: String::from_utf8_lossy(response.system_id).into_owned(),
                interface_version: response
                    .tlvs
                    .find(tag::SC_INTERFACE_VERSION)
                    .and_then(|value| value.first().copied()),
                early: Vec::new(),
            });
            input.drain(..n_octets);
            if let Some(bound) = bound {
                return Ok((status, Bound { early: input, ..bound }));
            }
        }
        stream.readable().await?;
        match stream.try_read_buf(&mut input) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

enum Ended {
    Session(End),
    Io(io::Error),
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        Self::Session(end)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A session with its socket.
struct Live<'a> {
    task: &'a BindTask,
    session: Session,
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Octets at the front of `output` that are written.
    n_written: usize,
}

impl Live<'_> {
    async fn turns(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.turn().await {
                return ended;
            }
        }
    }

    async fn turn(&mut self) -> Result<(), Ended> {
        let now = now();
        if self.task.shared.is_draining() {
            self.session.drain(now);
        }
        self.read_input(now).await?;
        self.put_acknowledgements();
        let retry_at = self.put_submits(now);
        self.session.tick(now, &mut self.output)?;
        self.flush()?;
        self.task.bind.set_counters(self.session.n_pending());
        let tick = tokio::time::Instant::now() + self.task.shared.tick();
        let paused = self.session.paused_until(now);
        let wake =
            [retry_at, paused].into_iter().flatten().map(tokio::time::Instant::from_std).fold(tick, |a, b| a.min(b));
        let has_output = self.n_written < self.output.len();
        tokio::select! {
            ready = self.stream.readable() => ready?,
            ready = self.stream.writable(), if has_output => ready?,
            () = self.task.bind.wake.notified() => return Ok(()),
            () = sleep_until(wake) => return Ok(()),
        }
        self.fill_input()?;
        Ok(())
    }

    /// Reads what has come, up to a turn's worth.
    fn fill_input(&mut self) -> Result<(), Ended> {
        while self.input.len() < READ_TURN {
            self.input.reserve(READ_TURN / 4);
            match self.stream.try_read_buf(&mut self.input) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                // Less than there was room for: the socket is empty, no need to ask once more.
                Ok(_) if self.input.len() < self.input.capacity() => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Decodes what was read, and passes answers on before receipts: they free the window.
    async fn read_input(&mut self, now: Instant) -> Result<(), Ended> {
        if self.input.is_empty() {
            return Ok(());
        }
        let mut batches = Batches::default();
        let read = self.session.read(&self.input, now, &mut batches, &mut self.output);
        let Batches { answers, receipts, replies } = batches;
        if !answers.is_empty() {
            self.task.bind.add_answered(answers.len() as u64);
            self.task.report(EventKind::Answers(answers)).await;
        }
        if !receipts.is_empty() {
            self.task.report(EventKind::Receipts(receipts)).await;
        }
        if !replies.items.is_empty() {
            self.task.report(EventKind::Replies(replies)).await;
        }
        let n_read = read?;
        self.input.drain(..n_read);
        Ok(())
    }

    fn put_acknowledgements(&mut self) {
        for handle in self.task.bind.take_acknowledgements() {
            self.session.acknowledge(handle, &mut self.output);
        }
    }

    /// Writes as much as window, pace and socket allow; gives when to ask for the pace again.
    fn put_submits(&mut self, now: Instant) -> Option<Instant> {
        let queue = &self.task.shared.queue;
        let room = self.session.room(now).min(queue.n_queued() as usize);
        if room == 0 || self.output.len() - self.n_written > WRITE_HIGH_WATER {
            return None;
        }
        let admitted = self.task.shared.pacer.admit(now, room as u32);
        let (session, output) = (&mut self.session, &mut self.output);
        let n_popped = queue.pop(admitted.granted, |token, pdu| session.submit(token, pdu, now, output));
        self.task.bind.add_submitted(u64::from(n_popped));
        admitted.retry_at
    }

    /// Writes what the socket takes.
    fn flush(&mut self) -> Result<(), Ended> {
        while let Some(rest) = self.output.get(self.n_written..).filter(|rest| !rest.is_empty()) {
            match self.stream.try_write(rest) {
                Ok(n) => self.n_written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.output.clear();
        self.n_written = 0;
        Ok(())
    }
}
