//! Moves octets between a session and its connection: reads whatever has come, lets the session
//! decide, writes once per turn, and hands events up.

mod close;
mod output;

use std::{collections::VecDeque, future::poll_fn, ops::Range, pin::Pin, task::Poll, time::Duration, time::Instant};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc::error::TrySendError,
    time::Sleep,
};
use volley_smpp::pdu::{CommandId, CommandStatus, MAX_PDU_LEN, encode_header_only, split_frame};

use self::output::Output;
use super::{
    Shared,
    delivery::{Deliveries, Origin},
    session::{Close, Counters, Input, Session, SessionOptions},
    shared::BindShared,
};
use crate::{AnswerBatch, CarrierEvent, EventKind, Limit, Peer, ReceiptHandle, event::Delivery, queue::Cursor};

/// Octets read in one turn at most: some thousand PDUs. A PDU always fits behind what is left of
/// the turn before.
const INPUT_OCTETS: usize = 256 << 10;
/// While so many octets wait to be written, nothing is read: an SMSC that doesn't read gets no
/// more answers prepared than this.
const BACKLOG_MAX: usize = 1 << 20;
/// For a pacer that grants nothing and doesn't say until when.
const PACER_RETRY: Duration = Duration::from_millis(100);

/// How a session ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) close: Close,
    /// How long it was bound, if it ever was.
    pub(crate) bound_for: Option<Duration>,
    pub(crate) counters: Counters,
}

impl Ended {
    pub(crate) fn before_bind(close: Close) -> Self {
        Self { close, bound_for: None, counters: Counters::default() }
    }
}

/// Runs one session on a connection, until it is over and everything that it held was handed on.
pub(crate) async fn run<R, W>(
    shared: &Shared,
    bind: u16,
    generation: u32,
    totals: Counters,
    reader: R,
    writer: W,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Some(me) = shared.bind(bind) else { return Ended::before_bind(Close::Dropped) };
    let mut wire = Wire::new(shared, me, Origin { bind, generation }, totals, reader, writer);
    loop {
        if let Err(close) = wire.turn().await {
            return wire.close(close).await;
        }
    }
}

struct Wire<'a, R, W> {
    shared: &'a Shared,
    me: &'a BindShared,
    origin: Origin,
    reader: R,
    writer: W,
    session: Session,
    input: Vec<u8>,
    /// Octets of `input` that were dealt with.
    n_consumed: usize,
    /// Where deliveries lie in `input`: they are read after the answers.
    deliveries_at: Vec<Range<usize>>,
    out: Output,
    /// Something was written that the connection may not have taken yet.
    unflushed: bool,
    /// Parts of a message whose first part is written here.
    staged: Cursor,
    answers: AnswerBatch,
    deliveries: Deliveries,
    /// Events for which there was no room. While there are any, nothing is read.
    pending: VecDeque<EventKind>,
    acknowledgements: Vec<ReceiptHandle>,
    retry_at: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
    now: Instant,
    bound_at: Option<Instant>,
    is_up: bool,
    limit: Limit,
    totals: Counters,
    n_unreadable: u64,
    n_unknown_states: u64,
}

impl<'a, R, W> Wire<'a, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    fn new(shared: &'a Shared, me: &'a BindShared, origin: Origin, totals: Counters, reader: R, writer: W) -> Self {
        let options = SessionOptions {
            kind: me.plan.kind,
            window: u32::from(shared.options.window),
            adaptive: shared.options.adaptive_window,
            timers: shared.options.timers,
            ids: shared.options.ids.clone(),
            statuses: shared.options.statuses.clone(),
        };
        let now = shared.clock.now();
        let mut out = Output::default();
        let session = Session::begin(options, &me.plan.request, now, out.buffer());
        Self {
            shared,
            me,
            origin,
            reader,
            writer,
            session,
            input: Vec::with_capacity(INPUT_OCTETS),
            n_consumed: 0,
            deliveries_at: Vec::new(),
            out,
            unflushed: false,
            staged: Cursor::default(),
            answers: AnswerBatch::default(),
            deliveries: Deliveries::default(),
            pending: VecDeque::new(),
            acknowledgements: Vec::new(),
            retry_at: None,
            sleep: Box::pin(tokio::time::sleep_until(now.into())),
            now,
            bound_at: None,
            is_up: false,
            limit: Limit::NotBound,
            totals,
            n_unreadable: 0,
            n_unknown_states: 0,
        }
    }

    /// Waits until there is something to do, and does all of it. What was read is handed on
    /// completely even when the session turns out to be over.
    async fn turn(&mut self) -> Result<(), Close> {
        let waited = self.wait().await;
        let mut over = waited.and_then(|()| self.take_input());
        self.take_acknowledgements();
        over = over.and_then(|()| self.check_orders());
        over = over.and_then(|()| self.session.on_time(self.now, self.out.buffer()));
        self.follow_phase();
        if over.is_ok() {
            self.fill();
        }
        over = over.and(self.write().await);
        self.read_deliveries();
        over = over.and(self.hand_up());
        self.publish();
        over
    }

    /// Waits for the connection, an order, or a timer.
    async fn wait(&mut self) -> Result<(), Close> {
        let is_blocked = !self.pending.is_empty();
        let must_write = self.out.n_waiting() > 0 || self.unflushed;
        let may_read = !is_blocked && self.out.n_waiting() < BACKLOG_MAX;
        self.arm_timer();
        tokio::select! {
            biased;
            permit = self.shared.events.reserve(), if is_blocked => match permit {
                Ok(permit) => {
                    if let Some(kind) = self.pending.pop_front() {
                        permit.send(CarrierEvent { carrier: self.shared.index, bind: self.origin.bind, kind });
                    }
                }
                Err(_) => return Err(Close::Dropped),
            },
            written = write_or_flush(&mut self.writer, self.out.waiting()), if must_write => match written? {
                Some(n_octets) => {
                    self.out.sent(n_octets)?;
                    self.unflushed = true;
                }
                None => self.unflushed = false,
            },
            n_read = self.reader.read_buf(&mut self.input), if may_read => if n_read? == 0 {
                return Err(Close::PeerClosed);
            },
            () = self.me.bell.notified() => {}
            () = &mut self.sleep => {}
        }
        let before = std::mem::replace(&mut self.now, self.shared.clock.now());
        if is_blocked {
            self.session.was_not_reading(before, self.now);
        }
        Ok(())
    }

    /// A timer that rings too early costs a turn now and then; setting it anew in each turn
    /// would cost more.
    fn arm_timer(&mut self) {
        let wake = self.session.next_wake(self.now);
        let wake = tokio::time::Instant::from_std(self.retry_at.map_or(wake, |at| wake.min(at)));
        if self.sleep.is_elapsed() || wake < self.sleep.deadline() {
            self.sleep.as_mut().reset(wake);
        }
    }

    /// Goes through all whole PDUs that have come.
    fn take_input(&mut self) -> Result<(), Close> {
        self.session.begin_turn(self.now);
        let mut n_pdus = 0;
        let result = loop {
            let rest = self.input.get(self.n_consumed..).unwrap_or_default();
            let pdu = match split_frame(rest, MAX_PDU_LEN) {
                Ok(Some(pdu)) => pdu,
                Ok(None) => break Ok(()),
                Err(error) => {
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0, self.out.buffer());
                    break Err(Close::Frame(error));
                }
            };
            let start = self.n_consumed;
            self.n_consumed += pdu.n_octets();
            n_pdus += 1;
            match self.session.on_pdu(&pdu, self.now, &mut self.answers, self.out.buffer()) {
                Ok(Input::Done) => {}
                Ok(Input::Delivery) => self.deliveries_at.push(start..self.n_consumed),
                Ok(Input::Bound { system_id, interface_version }) => self.on_bound(system_id, interface_version),
                Err(close) => break Err(close),
            }
        };
        self.session.on_input(self.now, n_pdus, self.n_consumed < self.input.len());
        if let Some(turn) = self.session.take_turn() {
            self.shared.throttle().on_answers(self.now, turn);
        }
        result
    }

    fn on_bound(&mut self, system_id: String, interface_version: Option<u8>) {
        self.bound_at = Some(self.now);
        self.shared.gate(self.me).bound();
        self.shared.gate_changed.notify_waiters();
        self.me.with_status(|status| {
            status.n_bound += 1;
            status.alarm = None;
            status.peer = Some(Peer { system_id: system_id.clone(), interface_version });
        });
        let (carrier, bind) = (self.shared.name.as_str(), self.origin.bind);
        tracing::info!(carrier, bind, "bound");
        self.pending.push_back(EventKind::Bound { system_id, interface_version });
    }

    /// Answers the deliveries that are durable now.
    fn take_acknowledgements(&mut self) {
        self.me.swap_acknowledgements(&mut self.acknowledgements);
        let mut n_acknowledged = 0;
        for handle in self.acknowledgements.drain(..) {
            if handle.generation != self.origin.generation {
                continue;
            }
            let command = match handle.request {
                Delivery::DeliverSm => CommandId::DeliverSmResp,
                Delivery::DataSm => CommandId::DataSmResp,
            };
            output::acknowledge(command, handle.sequence_number, self.out.buffer());
            n_acknowledged += 1;
        }
        self.session.acknowledged(n_acknowledged);
    }

    /// Looks whether the owner wants us to end.
    fn check_orders(&mut self) -> Result<(), Close> {
        if self.shared.dropped.is_cancelled() {
            return Err(Close::Dropped);
        }
        if self.shared.drain.is_cancelled() {
            self.session.drain(self.now)?;
        }
        Ok(())
    }

    /// Tells the others when this session begins or ceases to take submits.
    fn follow_phase(&mut self) {
        let is_up = self.session.is_up();
        if is_up == self.is_up {
            return;
        }
        self.is_up = is_up;
        if is_up {
            self.shared.went_up();
        } else {
            self.give_back_staged();
            self.shared.went_down();
        }
    }

    /// Takes as many submits as window and pace allow.
    fn fill(&mut self) {
        self.retry_at = None;
        let room = self.session.room() as usize;
        if self.shared.is_suspended() {
            self.limit = if self.is_up { Limit::Suspended } else { Limit::NotBound };
            self.give_back_staged();
            return;
        }
        if room == 0 {
            self.limit = if self.is_up { Limit::Window } else { Limit::NotBound };
            self.session.note_full();
            return;
        }
        if self.out.is_stuck() || self.unflushed {
            self.limit = Limit::Connection;
            return;
        }
        let room = room.saturating_sub(self.put_questions());
        let n_staged = self.staged.n_items().min(room);
        let n_reserved = self.shared.queue.reserve(room - n_staged);
        let want = (n_staged + n_reserved) as u32;
        if want == 0 {
            self.limit = Limit::Idle;
            return;
        }
        let (granted, limit) = self.ask_for(want);
        self.take_submits(granted as usize, n_reserved);
        self.limit = limit.unwrap_or(if want as usize == room { Limit::Window } else { Limit::Idle });
        if self.limit == Limit::Window {
            self.session.note_full();
        }
    }

    /// Writes questions as far as window and pace allow: there are few, and they go first. Gives
    /// how many.
    fn put_questions(&mut self) -> usize {
        let mut n_written = 0;
        while self.session.room_for_questions() > 0
            && let Some(question) = self.shared.questions.take()
        {
            if self.ask_for(1).0 == 0 {
                self.shared.questions.give_back(question);
                break;
            }
            self.session.query(question, self.now, self.out.buffer());
            n_written += 1;
        }
        n_written
    }

    /// Asks what the carrier was found to take, and then the pacer; says what limits, if not all
    /// was granted.
    fn ask_for(&mut self, want: u32) -> (u32, Option<Limit>) {
        let (taken, retry_at) = self.shared.throttle().take(self.now, want);
        if taken == 0 {
            self.retry_at = retry_at;
            return (0, Some(Limit::Throttle));
        }
        let admitted = self.shared.pacer.admit(self.origin.bind, self.now, taken);
        let granted = admitted.granted.min(taken);
        if granted < taken {
            self.shared.throttle().give_back(taken - granted);
            self.retry_at = Some(admitted.retry_at.unwrap_or(self.now + PACER_RETRY));
            return (granted, Some(Limit::Rate));
        }
        self.retry_at = retry_at;
        (granted, retry_at.map(|_| Limit::Throttle))
    }

    fn take_submits(&mut self, granted: usize, n_reserved: usize) {
        let mark = self.session.write_mark(self.now);
        let (session, out) = (&mut self.session, self.out.buffer());
        let mut written = |pdu: &mut [u8], token| session.submit(pdu, token, mark);
        let n_from_stage = self.staged.take(granted, out, &mut written);
        self.shared.queue.note_written(n_from_stage as u32);
        self.staged.reuse();
        // Only when nothing is staged any more can something be left to take from the queue.
        self.shared.queue.take_reserved(n_reserved, granted - n_from_stage, out, &mut self.staged, written);
    }

    /// Writes and flushes what the turn has put together, as far as the connection takes it now.
    async fn write(&mut self) -> Result<(), Close> {
        if self.out.n_waiting() == 0 {
            return Ok(());
        }
        let (writer, waiting) = (&mut self.writer, self.out.waiting());
        let written = poll_fn(|context| {
            let Poll::Ready(written) = Pin::new(&mut *writer).poll_write(context, waiting) else {
                return Poll::Ready(None);
            };
            // TLS keeps what it encrypted until the connection takes it.
            let flushed = Pin::new(&mut *writer).poll_flush(context);
            Poll::Ready(Some((written, flushed)))
        });
        let Some((written, flushed)) = written.await else { return Ok(()) };
        self.out.sent(written?)?;
        self.unflushed = match flushed {
            Poll::Ready(flushed) => {
                flushed?;
                false
            }
            Poll::Pending => true,
        };
        Ok(())
    }

    /// Reads the deliveries of this turn, now that its answers are dealt with.
    fn read_deliveries(&mut self) {
        let options = &self.shared.options;
        for at in self.deliveries_at.drain(..) {
            let octets = self.input.get(at).unwrap_or_default();
            if let Ok(Some(pdu)) = split_frame(octets, MAX_PDU_LEN) {
                self.deliveries.read(&pdu, self.origin, &options.ids, &options.receipts);
            }
        }
        self.input.drain(..self.n_consumed);
        self.n_consumed = 0;
    }

    /// Hands up what the turn brought, as far as there is room: answers before receipts.
    fn hand_up(&mut self) -> Result<(), Close> {
        if !self.answers.is_empty() {
            self.pending.push_back(EventKind::Answers(std::mem::take(&mut self.answers)));
        }
        let Deliveries { receipts, replies, n_unreadable, n_unknown_states } = std::mem::take(&mut self.deliveries);
        self.n_unreadable += n_unreadable;
        self.n_unknown_states += n_unknown_states;
        if !receipts.is_empty() {
            self.pending.push_back(EventKind::Receipts(receipts));
        }
        if !replies.is_empty() {
            self.pending.push_back(EventKind::Replies(replies));
        }
        self.take_told();
        while !self.pending.is_empty() {
            match self.shared.events.try_reserve() {
                Ok(permit) => {
                    if let Some(kind) = self.pending.pop_front() {
                        permit.send(CarrierEvent { carrier: self.shared.index, bind: self.origin.bind, kind });
                    }
                }
                Err(TrySendError::Full(())) => break,
                Err(TrySendError::Closed(())) => return Err(Close::Dropped),
            }
        }
        Ok(())
    }

    fn take_told(&mut self) {
        let told = self.session.take_told();
        if !told.is_empty() {
            self.pending.push_back(EventKind::Told(told));
        }
    }

    fn publish(&mut self) {
        let counters = self.totals.plus(self.session.counters);
        let (phase, limit) = (self.session.phase(), self.limit);
        let (n_open, window) = (self.session.n_open(), self.session.window_limit());
        let clock = self.shared.clock.as_ref();
        let answer_times = self.session.answer_times.publish(self.now);
        let (n_unreadable, n_unknown_states) =
            (std::mem::take(&mut self.n_unreadable), std::mem::take(&mut self.n_unknown_states));
        self.me.with_status(|status| {
            if status.phase != phase {
                (status.phase, status.phase_since) = (phase, clock.wall());
            }
            if status.limit != limit {
                (status.limit, status.limit_since) = (limit, clock.wall());
            }
            if let Some((p50, p99)) = answer_times {
                (status.answer_time_p50_us, status.answer_time_p99_us) = (p50, p99);
            }
            (status.n_in_flight, status.window) = (n_open, window);
            status.n_submitted = counters.n_submitted;
            status.n_answered = counters.n_answered;
            status.n_throttled = counters.n_throttled;
            status.n_unknown_answers = counters.n_unknown_answers;
            status.n_deliveries = counters.n_deliveries;
            status.n_unknown_requests = counters.n_unknown_requests;
            status.n_enquiries_sent = counters.n_enquiries_sent;
            status.n_enquiries_answered = counters.n_enquiries_answered;
            status.n_enquiries_received = counters.n_enquiries_received;
            status.n_unreadable += n_unreadable;
            status.n_unknown_states += n_unknown_states;
        });
    }
}

/// Writes some of `waiting`, and says how much; flushes when nothing waits.
async fn write_or_flush(writer: &mut (impl AsyncWrite + Unpin), waiting: &[u8]) -> std::io::Result<Option<usize>> {
    if waiting.is_empty() {
        writer.flush().await?;
        return Ok(None);
    }
    writer.write(waiting).await.map(Some)
}
