//! The scheduler's limits as the pipeline asks for them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;
use volley_pipeline::{Admitted, Pacer};
use volley_scheduler::Stack;

/// A carrier's limits: the campaign's, its own, and its binds'.
pub(crate) struct LanePacer {
    /// For each bind.
    stacks: Vec<Stack>,
    /// What a session takes makes room for more.
    hungry: Arc<Notify>,
    binding: Mutex<Option<Arc<str>>>,
}

impl LanePacer {
    pub(crate) const fn new(stacks: Vec<Stack>, hungry: Arc<Notify>) -> Self {
        Self { stacks, hungry, binding: Mutex::new(None) }
    }

    /// The limit that held something back last, in words; `None` when none does.
    pub(crate) fn binding(&self) -> Option<Arc<str>> {
        self.binding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pacer for LanePacer {
    fn admit(&self, bind: u16, now: Instant, want: u32) -> Admitted {
        let Some(stack) = self.stacks.get(usize::from(bind)) else { return Admitted { granted: 0, retry_at: None } };
        let admitted = stack.admit(now, want);
        let (limit, retry_at) = admitted.wait.map_or((None, None), |wait| (Some(wait.limit), Some(wait.until)));
        *self.binding.lock().unwrap_or_else(PoisonError::into_inner) = limit;
        if admitted.granted > 0 {
            self.hungry.notify_one();
        }
        Admitted { granted: admitted.granted, retry_at }
    }
}
