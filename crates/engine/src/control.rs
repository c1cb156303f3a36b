//! Answers `status`, `carrier watch` and `doubt list` for other processes while this one owns the
//! data: one question on a line, one answer, both JSON.

use std::{
    io::{BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader as AsyncBufReader},
    net::{UnixListener, UnixStream as AsyncUnixStream},
    task, time,
};

use crate::{
    DataDir,
    board::Board,
    doubt::{ListedDoubts, rows_of},
    ledger_task::{Doubts, LedgerDoor, LedgerGone},
    status::status_json,
};

/// A longer question is none.
const QUESTION_MAX: u64 = 4_096;
/// Who does not take the answer for so long is left alone, for the sake of the next.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the numbers are waited for, and a list of rows.
const STATUS_WITHIN: Duration = Duration::from_secs(2);
const DOUBTS_WITHIN: Duration = PATIENCE;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Question {
    /// The numbers of all campaigns.
    Status,
    /// The rows in doubt of the campaign with this name or number.
    Doubts(String),
}

/// Serves until dropped. A socket that can't be made costs other processes their look, nothing
/// else. Without a way to the ledger, rows in doubt are not told.
pub(crate) async fn serve(dir: DataDir, board: Arc<Board>, ledger: Option<LedgerDoor>) {
    let path = dir.control_socket();
    let _ = std::fs::remove_file(&path);
    let Ok(listener) = UnixListener::bind(&path) else {
        tracing::warn!("no control socket: `volley status` can't look while this runs");
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        // Whoever asked may be gone.
        let _ = time::timeout(PATIENCE, converse(stream, &dir, &board, ledger.as_ref())).await;
    }
}

async fn converse(
    mut stream: AsyncUnixStream,
    dir: &DataDir,
    board: &Board,
    ledger: Option<&LedgerDoor>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    AsyncBufReader::new(reader.take(QUESTION_MAX)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line)? {
        Question::Status => status_json(&board.snapshot(), &board.lanes(), board.journal()),
        Question::Doubts(name) => match doubts(ledger, name).await {
            Ok(Some(doubts)) => {
                let folder = dir.campaign(doubts.campaign);
                let rows = task::spawn_blocking(move || rows_of(&folder, doubts.doubts)).await?;
                let campaign = doubts.name;
                json!(ListedDoubts { campaign, rows: rows.map_err(std::io::Error::other)? })
            }
            Ok(None) => Value::Null,
            Err(_) => return Ok(()),
        },
    };
    writer.write_all(answer.to_string().as_bytes()).await
}

async fn doubts(ledger: Option<&LedgerDoor>, name: String) -> Result<Option<Doubts>, LedgerGone> {
    ledger.ok_or(LedgerGone)?.doubts(name).await
}

/// The numbers from the process that owns the data directory; `None` when nobody answers.
pub(crate) fn ask(path: &Path) -> Option<Value> {
    ask_for(path, &Question::Status, STATUS_WITHIN)
}

/// The rows in doubt from the process that owns the data directory: `None` when nobody answers,
/// `Some(None)` when it knows no such campaign.
pub(crate) fn ask_doubts(path: &Path, name_or_number: &str) -> Option<Option<ListedDoubts>> {
    ask_for(path, &Question::Doubts(name_or_number.to_owned()), DOUBTS_WITHIN)
}

fn ask_for<T: DeserializeOwned>(path: &Path, question: &Question, within: Duration) -> Option<T> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(within)).ok()?;
    let question = serde_json::to_string(question).ok()?;
    stream.write_all(format!("{question}\n").as_bytes()).ok()?;
    let mut text = String::new();
    BufReader::new(stream).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
