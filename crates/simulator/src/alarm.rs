//! Wakes the simulator's runtime on time. The runtime's own timers are a millisecond or two late,
//! which would add to every answer time; a thread that waits for a point in time is 0.1 ms late.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use tokio::sync::Notify;

use crate::server::now;

/// The thread, which ends when this is dropped.
pub(crate) struct Alarm {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    rings: Arc<Notify>,
}

#[derive(Default)]
struct State {
    at: Option<Instant>,
    is_over: bool,
}

impl Alarm {
    /// `None` when no thread can be started: whoever waits is woken by timers alone then.
    pub(crate) fn start(rings: Arc<Notify>) -> Option<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), rings });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("simulator-alarm".to_owned()).spawn(move || theirs.run()).ok()?;
        Some(Self { shared, thread: Some(thread) })
    }

    /// Rings then, and at no other time.
    pub(crate) fn set(&self, at: Option<Instant>) {
        let mut state = self.shared.lock();
        if state.at != at {
            state.at = at;
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let now = now();
            state = match state.at {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at <= now => {
                    state.at = None;
                    self.rings.notify_one();
                    state
                }
                Some(at) => self.changed.wait_timeout(state, at - now).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}
