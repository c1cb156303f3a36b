//! Chunks on all cores, their results in the order of the list.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use crate::Error;

/// Results that each thread may be ahead: it bounds the memory, whatever the length of the list.
const MADE_AHEAD: usize = 2;
/// More threads than that wait for the disk or for whoever writes.
const MAX_THREADS: usize = 8;

/// Gives every chunk to `make`, which may keep what it likes in its scratch, and each result to
/// `take`.
///
/// # Errors
/// The first error of either.
pub(crate) fn in_order<T: Send, S: Default>(
    n_chunks: u32,
    make: impl Fn(u32, &mut S) -> Result<T, Error> + Sync,
    mut take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(n_chunks as usize);
    let make = &make;
    thread::scope(|scope| {
        let start = |first: u32| {
            let (out, queue) = sync_channel(MADE_AHEAD);
            scope.spawn(move || {
                let mut scratch = S::default();
                for chunk in (first..n_chunks).step_by(n_threads) {
                    // Whoever takes them has left after an error.
                    if out.send(make(chunk, &mut scratch)).is_err() {
                        break;
                    }
                }
            });
            queue
        };
        let queues: Vec<Receiver<Result<T, Error>>> = (0..n_threads as u32).map(start).collect();
        for (_, queue) in (0..n_chunks).zip(queues.iter().cycle()) {
            // A thread that panicked ends the scope with its panic.
            let Ok(made) = queue.recv() else { break };
            take(made?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        for n_chunks in [0, 1, 2, 17, 100] {
            let mut taken = Vec::new();
            let make = |chunk: u32, n_made: &mut u32| {
                *n_made += 1;
                Ok(chunk)
            };
            in_order(n_chunks, make, |chunk| {
                taken.push(chunk);
                Ok(())
            })
            .unwrap();
            assert_eq!(taken, (0..n_chunks).collect::<Vec<_>>());
        }
        let fails = |chunk: u32, (): &mut ()| match chunk {
            0..5 => Ok(chunk),
            _ => Err(Error::TooManyCarriers),
        };
        let mut n_taken = 0;
        let result = in_order(1_000, fails, |_| {
            n_taken += 1;
            Ok(())
        });
        assert!(matches!(result, Err(Error::TooManyCarriers)) && n_taken == 5);
        let refuses = in_order(1_000, |chunk, (): &mut ()| Ok(chunk), |_| Err(Error::TooManyCarriers));
        assert!(refuses.is_err());
    }
}
