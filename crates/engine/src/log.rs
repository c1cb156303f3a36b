//! The journal as the loop writes it: through its thread or, in a simulation, through a task.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::task::TaskTracker;
use volley_journal::{Closed, Event, InlineWriter, Journal, Room, Writer};

use crate::{
    Error,
    ground::{Tasks, Waits},
};

/// Records that may wait for the task; the loop has at most two on their way.
const QUEUE_RECORDS: usize = 64;
/// How often the task looks whether a full disk has room again.
const TEND: Duration = Duration::from_millis(200);

/// Takes records; what becomes of them comes back as events.
pub(crate) enum Log {
    Thread(Writer),
    Task { queue: mpsc::Sender<Vec<u8>>, room: Room, task: JoinHandle<()> },
}

impl Log {
    /// Begins to write; what becomes of each record goes to `events`.
    pub(crate) fn start(journal: Journal, tasks: &Tasks, events: mpsc::Sender<Event>) -> Result<Self, Error> {
        Ok(match tasks {
            Tasks::Threads => Self::Thread(journal.start(move |event| drop(events.blocking_send(event)))?),
            Tasks::Inline(waits) => {
                let (queue, incoming) = mpsc::channel(QUEUE_RECORDS);
                let writer = journal.start_inline()?;
                let room = writer.room();
                let task = TaskTracker::new().spawn(write(writer, incoming, events, Arc::clone(waits)));
                Self::Task { queue, room, task }
            }
        })
    }

    /// Queues a record. `Err` when the writer has stopped, which its last event explains.
    pub(crate) fn append(&self, payload: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Thread(writer) => writer.append(payload),
            Self::Task { queue, .. } => queue.try_send(payload).map_err(|_| Closed),
        }
    }

    /// Whether the disk is full: nothing should be begun.
    pub(crate) fn is_tight(&self) -> bool {
        match self {
            Self::Thread(writer) => writer.is_tight(),
            Self::Task { room, .. } => room.is_tight(),
        }
    }

    /// The same, to be asked elsewhere.
    pub(crate) fn room(&self) -> Room {
        match self {
            Self::Thread(writer) => writer.room(),
            Self::Task { room, .. } => room.clone(),
        }
    }

    /// Writes what is queued, and ends.
    pub(crate) async fn close(self) {
        match self {
            Self::Thread(writer) => writer.close(),
            Self::Task { queue, room: _, task } => {
                drop(queue);
                if let Err(panic) = task.await {
                    std::panic::resume_unwind(panic.into_panic());
                }
            }
        }
    }
}

async fn write(
    mut writer: InlineWriter,
    mut incoming: mpsc::Receiver<Vec<u8>>,
    events: mpsc::Sender<Event>,
    waits: Arc<dyn Waits>,
) {
    loop {
        let record = tokio::select! {
            biased;
            record = incoming.recv() => record,
            () = tokio::time::sleep(TEND), if writer.is_tight() => {
                writer.tend();
                continue;
            }
        };
        let Some(record) = record else { break };
        let mut next = Some(record);
        while let Some(record) = next {
            if writer.append(record).is_err() {
                return;
            }
            next = incoming.try_recv().ok();
        }
        if commit_all(&mut writer, &events, waits.as_ref()).await.is_err() {
            return;
        }
    }
    writer.close();
}

async fn commit_all(writer: &mut InlineWriter, events: &mpsc::Sender<Event>, waits: &dyn Waits) -> Result<(), Closed> {
    while writer.n_queued() > 0 {
        tokio::time::sleep(waits.commit()).await;
        let mut done = Vec::new();
        writer.commit(|event| done.push(event));
        let failed = done.iter().any(|event| matches!(event, Event::Failed(_)));
        for event in done {
            // Nobody listens any more when the loop has ended.
            let _ = events.send(event).await;
        }
        if failed {
            return Err(Closed);
        }
        writer.tend();
    }
    Ok(())
}
