//! Ctrl-C: once drains, twice stops at once (which is safe too, and leaves rows in doubt).

use tokio::signal::unix::{SignalKind, signal};
use volley_engine::CancellationToken;

use crate::failure::Code;

/// Cancels `shutdown` at the first SIGINT or SIGTERM and ends the process at the second.
pub(crate) async fn watch(shutdown: CancellationToken) {
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    let mut first = true;
    loop {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        if !first {
            say!("stopped at once: `volley resume` goes on and says what is in doubt");
            std::process::exit(Code::Interrupted as i32);
        }
        first = false;
        say!("draining: waiting for answers to what was written; once more stops at once");
        shutdown.cancel();
    }
}
