//! The simulator's thread: listeners, sessions, and what is due later.

use std::{
    cell::RefCell,
    net::{SocketAddr, TcpListener as StdListener},
    path::PathBuf,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, task::LocalSet, time::sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{Error, Seen, SimulatorOptions, alarm::Alarm, log::SubmitLog, session, spool::Spool, world::World};

/// How often the numbers are made visible and files are flushed.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// One account of a simulated carrier.
#[derive(Debug, Clone)]
pub struct Account {
    /// For the log and the numbers.
    pub name: String,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How it behaves.
    pub options: SimulatorOptions,
}

/// What all accounts share.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// A line for each submit goes here.
    pub log: Option<PathBuf>,
    /// What must not be forgotten when the process dies goes here.
    pub spool: Option<PathBuf>,
}

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    addresses: Vec<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
}

impl Simulator {
    /// Starts listening for all accounts.
    ///
    /// # Errors
    /// When an address can't be listened on, or a file can't be opened.
    pub fn start(accounts: Vec<Account>, setup: Setup) -> Result<Self, Error> {
        let mut listeners = Vec::new();
        for account in &accounts {
            let failed = |source| Error::Listen { address: account.listen, source };
            let listener = StdListener::bind(account.listen).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            listeners.push(listener);
        }
        let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let log = setup.log.as_deref().map(SubmitLog::create).transpose()?;
        let spool = setup.spool.as_deref().map(Spool::open).transpose()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = CancellationToken::new();
        let (shared, stopped) = (Arc::clone(&seen), stop.clone());
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Without a runtime nothing answers, which whoever connects will notice.
            let Ok(runtime) = runtime else { return };
            let world = World::new(accounts, log, spool, now());
            let local = LocalSet::new();
            runtime.block_on(local.run_until(serve(world, listeners, shared, stopped)));
        };
        let spawned = thread::Builder::new().name("simulator".to_owned()).spawn(run);
        let thread = spawned.map_err(|source| Error::Io {
            path: PathBuf::from("simulator"),
            action: "can't start the thread",
            source,
        })?;
        Ok(Self { addresses, seen, stop, thread: Some(thread) })
    }

    /// Where account `index` listens.
    #[must_use]
    pub fn addr(&self, index: usize) -> Option<SocketAddr> {
        self.addresses.get(index).copied()
    }

    /// What was seen, as of a tenth of a second ago at most.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes everything and gives what was seen.
    #[must_use]
    pub fn stop(mut self) -> Seen {
        self.end();
        self.seen()
    }

    fn end(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn serve(world: World, listeners: Vec<StdListener>, seen: Arc<Mutex<Seen>>, stop: CancellationToken) {
    let world = Rc::new(RefCell::new(world));
    // Every task ends with the LocalSet, which ends with this function.
    for (account, listener) in listeners.into_iter().enumerate() {
        let Ok(listener) = TcpListener::from_std(listener) else { continue };
        let world = Rc::clone(&world);
        tokio::task::spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::task::spawn_local(session::run(Rc::clone(&world), account, stream))),
                    // Out of descriptors: a moment later there may be one again.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
    }
    let timers = Arc::clone(&world.borrow().timers_changed);
    let alarm = Alarm::start(Arc::clone(&timers));
    let mut publish_at = tokio::time::Instant::now();
    while !stop.is_cancelled() {
        let next = world.borrow_mut().fire(now());
        if tokio::time::Instant::now() >= publish_at {
            world.borrow_mut().publish(&seen);
            publish_at = tokio::time::Instant::now() + PUBLISH_EVERY;
        }
        let mut wake = publish_at;
        match &alarm {
            Some(alarm) => alarm.set(next),
            None => wake = next.map_or(wake, |next| wake.min(next.into())),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = timers.notified() => {}
            () = sleep_until(wake) => {}
        }
    }
    world.borrow_mut().publish(&seen);
}
