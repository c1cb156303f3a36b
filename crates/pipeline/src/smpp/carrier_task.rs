//! The carrier's own task: gives back what can't be written, and says when everything stopped.

use std::{sync::Arc, time::Instant};

use super::Shared;
use crate::EventKind;

/// Runs until the handle is dropped: also after the stop, for what is submitted then.
pub(crate) async fn run(shared: Arc<Shared>) {
    // Since when submits wait while no bind could take them.
    let mut stuck_since: Option<Instant> = None;
    while !shared.dropped.is_cancelled() {
        let draining = shared.drain.is_cancelled();
        let stuck = shared.n_up() == 0 && !shared.queue.is_empty();
        let now = shared.clock.now();
        stuck_since = stuck.then(|| stuck_since.unwrap_or(now));
        let give_back_at = stuck_since.map(|since| since + shared.options.timers.unbound_return);
        if draining || shared.is_suspended() || give_back_at.is_some_and(|at| at <= now) {
            give_back(&shared).await;
            stuck_since = None;
        }
        if draining && shared.n_alive() == 0 && !shared.stopped.is_cancelled() {
            give_back(&shared).await;
            shared.send(shared.own_number(), EventKind::Stopped).await;
            shared.stopped.cancel();
        }
        let wake = give_back_at.filter(|at| *at > now);
        tokio::select! {
            biased;
            () = shared.dropped.cancelled() => {}
            () = shared.drain.cancelled(), if !draining => {}
            () = shared.bell.notified() => {}
            () = sleep_until(wake), if wake.is_some() => {}
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake.into()).await;
    }
}

async fn give_back(shared: &Shared) {
    let tokens = shared.queue.take_all();
    if !tokens.is_empty() {
        tracing::info!(carrier = shared.name, n_submits = tokens.len(), "unwritten submits given back");
        shared.send(shared.own_number(), EventKind::Returned { tokens }).await;
    }
}
