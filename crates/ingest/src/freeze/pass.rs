//! One pass over a list: a thread reads blocks, others judge them, and the caller settles them in
//! the order of the list.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use crate::{
    Error, ListOptions, RowCheck,
    blocks::Blocks,
    judge::{Batch, Judge, Scratch},
};

const MAX_THREADS: usize = 16;
/// Blocks under way beyond one for each judging thread.
const SPARE_BLOCKS: usize = 4;

/// A block under way, or why there are no more, with the number that it would have.
type Judged = (u64, Result<Batch, Error>);

/// Shows all blocks, judged, in the order of the list. Gives back their source when all went well.
pub(super) fn run<C: RowCheck>(
    blocks: Blocks,
    judge: &Judge<'_, C>,
    options: &ListOptions,
    settle: &mut dyn FnMut(&Batch) -> Result<(), Error>,
) -> Result<Blocks, Error> {
    let n_threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    let n_batches = n_threads + SPARE_BLOCKS;
    thread::scope(|scope| {
        let (give_back, free) = sync_channel(n_batches);
        let (to_judge, waiting) = sync_channel(n_batches);
        let (judged, done) = sync_channel::<Judged>(n_batches + 1);
        (0..n_batches).for_each(|_| drop(give_back.send(Batch::default())));
        let failed = judged.clone();
        let reader = scope.spawn(move || read(blocks, options, &free, &to_judge, &failed));
        let waiting = std::sync::Arc::new(Mutex::new(waiting));
        for _ in 0..n_threads {
            let (waiting, judged) = (std::sync::Arc::clone(&waiting), judged.clone());
            scope.spawn(move || judge_all(judge, &waiting, &judged));
        }
        drop((waiting, judged));
        let mut early = BTreeMap::new();
        for next in 0.. {
            let batch = loop {
                match early.remove(&next) {
                    Some(batch) => break Some(batch),
                    None => match done.recv() {
                        Ok((number, batch)) => drop(early.insert(number, batch)),
                        Err(_) => break None,
                    },
                }
            };
            let Some(batch) = batch else { break };
            let batch = batch?;
            if let Some(line) = batch.endless {
                return Err(Error::EndlessRow { path: options.list.clone(), line });
            }
            settle(&batch)?;
            drop(give_back.send(batch));
        }
        match reader.join() {
            Ok(blocks) => Ok(blocks),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Reads blocks as long as somebody takes them.
fn read(
    mut blocks: Blocks,
    options: &ListOptions,
    free: &Receiver<Batch>,
    to_judge: &SyncSender<Batch>,
    failed: &SyncSender<Judged>,
) -> Blocks {
    let mut number = 0;
    while let Ok(mut batch) = free.recv() {
        match blocks.next(options, &mut batch.block) {
            Ok(true) => {
                number = batch.block.number + 1;
                if to_judge.send(batch).is_err() {
                    break;
                }
            }
            Ok(false) => break,
            Err(error) => {
                let _ = failed.send((number, Err(error)));
                break;
            }
        }
    }
    blocks
}

fn judge_all<C: RowCheck>(judge: &Judge<'_, C>, waiting: &Mutex<Receiver<Batch>>, judged: &SyncSender<Judged>) {
    let mut scratch = Scratch::default();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut batch) = next else { return };
        judge.judge(&mut batch, &mut scratch);
        if judged.send((batch.block.number, Ok(batch))).is_err() {
            return;
        }
    }
}
