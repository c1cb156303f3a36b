//! A network of streams with delays, cuts and short writes, and what goes over it as both sides
//! see it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use volley_pipeline::{Dial, Dialling, Stream};
use volley_smpp::pdu::{CommandId, CommandStatus, MAX_PDU_LEN, Pdu, split_frame};

use crate::simulation::{
    fault::Fault,
    model::{Violation, broken},
    smsc::{self, Action},
    world::{Sim, World},
};

/// What a caller may be late without losing its turn (`volley_scheduler::Limit`).
const LATENESS_US: u64 = 4_000;

/// A connection's number.
pub(crate) type ConnId = usize;

/// All connections, and what is on its way.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) conns: Vec<Conn>,
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    waiting: Vec<Option<Due>>,
    n_ever: u64,
}

/// What happens at a time to come.
pub(crate) enum Due {
    /// Octets of ours reach the carrier.
    AtSmsc(ConnId, Vec<u8>),
    /// Octets of the carrier's reach us.
    AtEngine(ConnId, Vec<u8>),
    /// The carrier's end of the connection closes.
    Close(ConnId),
    /// Our end was closed.
    Gone(ConnId),
    /// The carrier does something.
    Smsc(usize, Action),
}

/// One connection.
pub(crate) struct Conn {
    pub(crate) smsc: usize,
    pub(crate) is_bound: bool,
    /// The carrier answers nothing any more.
    pub(crate) is_silent: bool,
    /// Closed at the carrier's end, and at ours.
    pub(crate) closed_there: bool,
    closed_here: bool,
    /// Whole submits that are written and not answered, as we see it.
    open: HashMap<u32, (u32, u8)>,
    /// Octets that we wrote and that are no whole PDU yet.
    written: Vec<u8>,
    /// The same as the carrier reads them.
    pub(crate) read_there: Vec<u8>,
    /// Octets for us.
    inbox: Vec<u8>,
    /// Read by us, and no whole PDU yet.
    read_here: Vec<u8>,
    waker: Option<Waker>,
    last_to_smsc_us: u64,
    last_to_engine_us: u64,
    pub(crate) next_sequence: u32,
    /// Receipts and replies that wait for their acknowledgement.
    pub(crate) unacknowledged: HashMap<u32, smsc::Owed>,
    /// Answers held back until another overtakes them.
    pub(crate) held: Vec<u8>,
}

impl Network {
    pub(crate) fn open(&mut self, smsc: usize) -> ConnId {
        self.conns.push(Conn {
            smsc,
            is_bound: false,
            is_silent: false,
            closed_there: false,
            closed_here: false,
            open: HashMap::new(),
            written: Vec::new(),
            read_there: Vec::new(),
            inbox: Vec::new(),
            read_here: Vec::new(),
            waker: None,
            last_to_smsc_us: 0,
            last_to_engine_us: 0,
            next_sequence: 1,
            unacknowledged: HashMap::new(),
            held: Vec::new(),
        });
        self.conns.len() - 1
    }

    pub(crate) fn put(&mut self, at_us: u64, due: Due) {
        self.waiting.push(Some(due));
        self.n_ever += 1;
        self.due.push(Reverse((at_us, self.n_ever, self.waiting.len() - 1)));
    }

    fn take_due(&mut self, now_us: u64) -> Option<Due> {
        let Reverse((at, _, _)) = self.due.peek()?;
        if *at > now_us {
            return None;
        }
        let Reverse((_, _, place)) = self.due.pop()?;
        self.waiting.get_mut(place)?.take()
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, _, _))| *at)
    }
}

impl World {
    /// Sends octets of the carrier's to us.
    pub(crate) fn send_to_engine(&mut self, conn: ConnId, octets: Vec<u8>, delay_us: u64) {
        let Some(it) = self.network.conns.get_mut(conn).filter(|it| !it.closed_there) else { return };
        let at = (self.now_us + delay_us).max(it.last_to_engine_us);
        it.last_to_engine_us = at;
        self.network.put(at, Due::AtEngine(conn, octets));
    }

    /// The carrier closes; what it sent before still arrives.
    pub(crate) fn close_conn(&mut self, conn: ConnId) {
        let Some(it) = self.network.conns.get_mut(conn).filter(|it| !it.closed_there) else { return };
        (it.closed_there, it.is_bound) = (true, false);
        let at = it.last_to_engine_us.max(self.now_us);
        let (owed, smsc) = (std::mem::take(&mut it.unacknowledged), it.smsc);
        self.network.put(at, Due::Close(conn));
        self.owe_again(smsc, owed);
    }
}

impl Sim {
    /// Does everything that is due; gives when something is due next.
    pub(crate) fn fire(&self) -> Option<u64> {
        let mut world = self.world();
        while !world.is_dead {
            let now_us = world.now_us;
            let Some(due) = world.network.take_due(now_us) else { break };
            match due {
                Due::AtSmsc(conn, octets) => self.at_smsc(&mut world, conn, &octets),
                Due::AtEngine(conn, octets) => {
                    if let Some(it) = world.network.conns.get_mut(conn) {
                        it.inbox.extend(octets);
                        it.waker.take().into_iter().for_each(Waker::wake);
                    }
                }
                Due::Close(conn) => {
                    if let Some(it) = world.network.conns.get_mut(conn) {
                        it.closed_here = true;
                        it.waker.take().into_iter().for_each(Waker::wake);
                    }
                }
                Due::Gone(conn) => world.close_conn(conn),
                Due::Smsc(smsc, action) => self.act(&mut world, smsc, action),
            }
        }
        world.network.next_due()
    }

    /// Lets the network and the carriers run until the process is gone.
    pub(crate) async fn run_world(self: Arc<Self>) {
        loop {
            let next = self.fire();
            let wait = next.map(|at| Duration::from_micros(at.saturating_sub(self.world().now_us).max(1)));
            tokio::select! {
                biased;
                () = self.poke.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(3_600))) => {}
            }
        }
    }

    /// After the process is gone: what it had written arrives, or does not; then every connection
    /// is closed.
    pub(crate) fn lose_connections(&self) {
        let mut world = self.world();
        let mut left = Vec::new();
        for place in 0..world.network.waiting.len() {
            match world.network.waiting.get_mut(place).and_then(Option::take) {
                Some(Due::AtSmsc(conn, octets)) => {
                    // The kernel sends what it holds, or the connection is reset.
                    if world.dice.chance(600) {
                        self.at_smsc(&mut world, conn, &octets);
                    }
                }
                Some(Due::Smsc(smsc, action)) if !action.is_of_connection() => left.push((place, smsc, action)),
                Some(Due::AtEngine(..) | Due::Close(_) | Due::Gone(_) | Due::Smsc(..)) | None => {}
            }
        }
        for (place, smsc, action) in left {
            if let Some(slot) = world.network.waiting.get_mut(place) {
                *slot = Some(Due::Smsc(smsc, action));
            }
        }
        for conn in 0..world.network.conns.len() {
            world.close_conn(conn);
        }
    }

    /// What we wrote: counted and checked PDU by PDU.
    fn on_written(&self, world: &mut World, conn: ConnId, octets: &[u8]) {
        let Some(it) = world.network.conns.get_mut(conn) else { return };
        it.written.extend_from_slice(octets);
        loop {
            let Some(it) = world.network.conns.get_mut(conn) else { return };
            let Ok(Some(raw)) = split_frame(&it.written, MAX_PDU_LEN) else { return };
            let (n, sequence) = (raw.n_octets(), raw.header.sequence_number);
            let submit = match raw.decode() {
                Ok(Pdu::SubmitSm(message)) => Some(smsc::address_of(&message)),
                _ => None,
            };
            let is_taken = raw.header.command_status == CommandStatus::ROK;
            let is_acknowledgement =
                is_taken && matches!(raw.header.command_id, CommandId::DeliverSmResp | CommandId::DataSmResp);
            it.written.drain(..n);
            if let Some((recipient, segment)) = submit {
                self.on_submit_pdu(world, conn, sequence, &recipient, segment);
            } else if is_acknowledgement {
                self.on_acknowledgement_written(world, conn, sequence);
            }
        }
    }

    fn on_submit_pdu(&self, world: &mut World, conn: ConnId, sequence: u32, recipient: &str, segment: u8) {
        let Some(row) = world.row_of(recipient) else { return };
        let now_us = world.now_us;
        let Some(it) = world.network.conns.get_mut(conn) else { return };
        let smsc = it.smsc;
        let replaced = it.open.insert(sequence, (row, segment));
        let n_open = it.open.len();
        if let Some(of) = world.smscs.get_mut(smsc) {
            of.written_at_us.push(now_us);
        }
        let window = world.scenario.carriers.get(smsc).map_or(0, |plan| plan.window as usize);
        let checked = match (replaced, n_open > window) {
            (Some(_), _) => Err(broken("I13", row, format!("sequence number {sequence} used while it is open"))),
            (None, true) => Err(broken("I13", row, format!("{n_open} open submits, the window is {window}"))),
            (None, false) => Ok(()),
        };
        self.judge(world, checked);
        self.on_submit_written(world, row, segment);
    }

    /// W2, I8: what we acknowledge is durable.
    fn on_acknowledgement_written(&self, world: &mut World, conn: ConnId, sequence: u32) {
        let Some(it) = world.network.conns.get_mut(conn) else { return };
        let smsc = it.smsc;
        let Some(owed) = it.unacknowledged.get(&sequence).cloned() else { return };
        let row = world.row_of(&owed.recipient);
        world.note("acknowledged", row, [owed.number, 0]);
        let checked = world.check_acknowledged(smsc, &owed);
        self.judge(world, checked);
        self.on_acknowledged(world);
    }

    /// What we read: which submits are answered, as far as we know.
    fn on_read(&self, world: &mut World, conn: ConnId, octets: &[u8]) {
        let Some(it) = world.network.conns.get_mut(conn) else { return };
        it.read_here.extend_from_slice(octets);
        while let Ok(Some(raw)) = split_frame(&it.read_here, MAX_PDU_LEN) {
            let (n, sequence, id) = (raw.n_octets(), raw.header.sequence_number, raw.header.command_id);
            if matches!(id, CommandId::SubmitSmResp | CommandId::GenericNack) {
                it.open.remove(&sequence);
            }
            it.read_here.drain(..n);
        }
    }
}

/// The way to the simulated carriers.
pub(crate) struct SimNet(pub(crate) Arc<Sim>);

impl Dial for SimNet {
    fn dial(&self, host: &str) -> Dialling {
        let sim = Arc::clone(&self.0);
        let smsc = host.split(':').next().and_then(|name| name.strip_prefix('c')).and_then(|n| n.parse().ok());
        let smsc: usize = smsc.unwrap_or_default();
        Box::pin(async move {
            let wait_us = sim.world().dice.between(100, 20_000);
            tokio::time::sleep(Duration::from_micros(wait_us)).await;
            let mut world = sim.world();
            let share = world.shares(smsc).connect_refused;
            if world.dice.chance(share) {
                world.strike(Fault::ConnectRefused);
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let conn = world.network.open(smsc);
            drop(world);
            Ok(Box::new(SimStream { sim, conn }) as Box<dyn Stream>)
        })
    }
}

struct SimStream {
    sim: Arc<Sim>,
    conn: ConnId,
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut world = self.sim.world();
        if world.is_dead {
            return Poll::Pending;
        }
        let Some(it) = world.network.conns.get_mut(self.conn) else { return Poll::Ready(Ok(())) };
        if it.inbox.is_empty() {
            if it.closed_here {
                return Poll::Ready(Ok(()));
            }
            it.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let n = it.inbox.len().min(buffer.remaining());
        let octets: Vec<u8> = it.inbox.drain(..n).collect();
        buffer.put_slice(&octets);
        self.sim.on_read(&mut world, self.conn, &octets);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut world = self.sim.world();
        if world.is_dead {
            return Poll::Pending;
        }
        let Some(it) = world.network.conns.get(self.conn) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        if it.closed_here {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let smsc = it.smsc;
        let (share, latency_us) = (world.shares(smsc).short_write, world.latency_us(smsc));
        let n = if octets.len() > 1 && world.dice.chance(share) {
            world.strike(Fault::ShortWrite);
            world.dice.between(1, octets.len() as u64 - 1) as usize
        } else {
            octets.len()
        };
        let octets = octets.get(..n).unwrap_or_default();
        // On its way before it is looked at: a crash right after still leaves it with the kernel.
        let delay = world.dice.between(0, latency_us);
        let now_us = world.now_us;
        if let Some(it) = world.network.conns.get_mut(self.conn) {
            let at = (now_us + delay).max(it.last_to_smsc_us);
            it.last_to_smsc_us = at;
            world.network.put(at, Due::AtSmsc(self.conn, octets.to_vec()));
        }
        self.sim.on_written(&mut world, self.conn, octets);
        self.sim.poke.notify_one();
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        // The process under test closed it, unless it is dead: then the judge does.
        let mut world = self.sim.world();
        let at = world.network.conns.get(self.conn).map_or(0, |it| it.last_to_smsc_us).max(world.now_us);
        if !world.is_dead {
            world.network.put(at, Due::Gone(self.conn));
            self.sim.poke.notify_one();
        }
    }
}

impl World {
    /// I12: in no time of a second or more are more submits written than rate and burst allow.
    pub(crate) fn check_rates(&self) -> Result<(), Violation> {
        let of_all: Vec<u64> = {
            let mut all: Vec<u64> = self.smscs.iter().flat_map(|smsc| smsc.written_at_us.iter().copied()).collect();
            all.sort_unstable();
            all
        };
        // A person may have ordered another: the fastest of all is what can be said.
        let fastest = |rate: u32, of_first: bool| match rate {
            0 => 0,
            rate => rate.max(self.scenario.fastest_ordered(of_first)),
        };
        check_rate("campaign", &of_all, fastest(self.scenario.campaign_rate, false))?;
        let all = self.smscs.iter().zip(&self.scenario.carriers).zip(0..);
        all.map(|((smsc, plan), n)| (smsc, if n == 0 { fastest(plan.rate, true) } else { plan.rate }))
            .try_for_each(|(smsc, rate)| check_rate("carrier", &smsc.written_at_us, rate))
    }
}

fn check_rate(of: &str, at_us: &[u64], rate: u32) -> Result<(), Violation> {
    if rate == 0 {
        return Ok(());
    }
    for (i, first) in at_us.iter().enumerate() {
        for (n, last) in (1_u64..).zip(at_us.get(i..).unwrap_or_default()) {
            let us = (last - first).max(1_000_000) + LATENESS_US;
            let allowed = u64::from(rate) * us / 1_000_000 + 1;
            if n > allowed {
                let what = format!("{of}: {n} submits within {us} us at {rate}/s, from {first} us on");
                return Err(Violation { invariant: "I12", what, row: None });
            }
        }
    }
    Ok(())
}
