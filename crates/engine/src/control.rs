//! Answers `status` for other processes while this one owns the data.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::UnixListener};

use crate::{DataDir, board::Board, status::status_json};

/// Serves until dropped. A socket that can't be made costs other processes their look, nothing
/// else.
pub(crate) async fn serve(dir: DataDir, board: Arc<Board>) {
    let path = dir.control_socket();
    let _ = std::fs::remove_file(&path);
    let Ok(listener) = UnixListener::bind(&path) else {
        tracing::warn!("no control socket: `volley status` can't look while this runs");
        return;
    };
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = status_json(&board.snapshot(), &board.lanes(), board.journal());
        // Whoever asked may be gone.
        let _ = stream.write_all(answer.to_string().as_bytes()).await;
    }
}

/// Asks the process that owns the data directory; `None` when nobody answers.
pub(crate) fn ask(path: &Path) -> Option<Value> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.flush().ok()?;
    let mut text = String::new();
    let mut reader = BufReader::new(stream);
    reader.fill_buf().ok()?;
    reader.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
