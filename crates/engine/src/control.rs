//! Answers `status`, `carrier watch`, `doubt list`, `audit` and `explain` for other processes while this one
//! owns the data, and takes orders: one question on a line, one answer, both JSON.

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

use volley_core::{CampaignId, Clock};
use volley_journal::View;
use volley_reconciler::Summary;

use crate::{
    DataDir,
    board::Board,
    doubt::{ListedDoubts, rows_of},
    explain::{Explained, Wanted, explain_running},
    ledger_task::{Doubts, LedgerDoor, LedgerGone},
    orders::{AuditLine, Instructed, Instruction, OrderDoor, Refusal},
};

/// A longer question is none.
const QUESTION_MAX: u64 = 4_096;
/// How long the numbers are waited for, and a list of rows.
const STATUS_WITHIN: Duration = Duration::from_secs(2);
const DOUBTS_WITHIN: Duration = Duration::from_secs(10);
/// How long an order may take: a disk that stalls, or a long list that is cancelled.
const ORDER_WITHIN: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Question {
    /// The numbers of all campaigns.
    Status,
    /// The rows in doubt of the campaign with this name or number.
    Doubts(String),
    /// What was ordered of the campaign with this name or number, or of all.
    Audit(Option<String>),
    /// What is known of a recipient.
    Explain(Wanted),
    /// To be done now.
    Order(Instruction),
}

/// The ways into the loop that runs a campaign.
pub(crate) struct Doors {
    pub(crate) campaign: CampaignId,
    pub(crate) ledger: LedgerDoor,
    pub(crate) journal: View,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) orders: OrderDoor,
}

impl Doors {
    pub(crate) const fn new(
        campaign: CampaignId,
        ledger: LedgerDoor,
        journal: View,
        clock: Arc<dyn Clock>,
        orders: OrderDoor,
    ) -> Self {
        Self { campaign, ledger, journal, clock, orders }
    }
}

/// Serves until dropped. A socket that can't be made costs other processes their look, nothing
/// else. Without
/// ways into the loop it tells the numbers alone.
pub(crate) async fn serve(dir: DataDir, board: Arc<Board>, doors: Option<Doors>) {
    let path = dir.control_socket();
    let _ = std::fs::remove_file(&path);
    let Ok(listener) = UnixListener::bind(&path) else {
        tracing::warn!("no control socket: `volley status` can't look while this runs");
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        // Whoever asked may be gone.
        let _ = time::timeout(ORDER_WITHIN, converse(stream, &dir, &board, doors.as_ref())).await;
    }
}

async fn converse(
    mut stream: AsyncUnixStream,
    dir: &DataDir,
    board: &Board,
    doors: Option<&Doors>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    AsyncBufReader::new(reader.take(QUESTION_MAX)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line)? {
        Question::Status => board.status(),
        Question::Order(instruction) => order(doors, instruction).await,
        Question::Explain(wanted) => explain(dir, board, doors, wanted).await,
        Question::Audit(name) => match audit(doors, name).await {
            Ok(lines) => json!(lines),
            Err(_) => return Ok(()),
        },
        Question::Doubts(name) => match doubts(doors, name).await {
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

async fn doubts(doors: Option<&Doors>, name: String) -> Result<Option<Doubts>, LedgerGone> {
    doors.ok_or(LedgerGone)?.ledger.doubts(name).await
}

async fn audit(doors: Option<&Doors>, name: Option<String>) -> Result<Option<Vec<AuditLine>>, LedgerGone> {
    doors.ok_or(LedgerGone)?.ledger.audit(name).await
}

async fn explain(dir: &DataDir, board: &Board, doors: Option<&Doors>, wanted: Wanted) -> Value {
    let Some(doors) = doors else { return json!({ "refused": "no campaign runs" }) };
    let now = doors.clock.wall();
    let holds = board.holds();
    match explain_running(dir, &doors.ledger, doors.journal.clone(), (wanted, holds), now).await {
        Ok(explained) => json!({ "explained": explained }),
        Err(why) => json!({ "refused": why }),
    }
}

/// What the process that owns the data directory knows of a recipient: `None` when nobody answers;
/// no words when there is no such campaign.
pub(crate) fn ask_explain(path: &Path, wanted: &Wanted) -> Option<Result<Explained, String>> {
    let mut answer: Value = ask_for(path, &Question::Explain(wanted.clone()), ORDER_WITHIN)?;
    if let Some(why) = answer.get("refused").and_then(Value::as_str) {
        return Some(Err(why.to_owned()));
    }
    serde_json::from_value(answer.get_mut("explained")?.take()).ok().map(Ok)
}

async fn order(doors: Option<&Doors>, instruction: Instruction) -> Value {
    let Some(doors) = doors else { return json!({ "refused": Refusal::RunsAnother("listen".to_owned()) }) };
    match doors.orders.give(instruction).await {
        Ok(summary) => json!({ "id": doors.campaign.0, "numbers": summary }),
        Err(refusal) => json!({ "refused": refusal }),
    }
}

/// Gives an order to the process that owns the data directory: `None` when nobody answers.
pub(crate) fn give_order(path: &Path, instruction: &Instruction) -> Option<Result<Instructed, Refusal>> {
    let answer: Value = ask_for(path, &Question::Order(instruction.clone()), ORDER_WITHIN)?;
    if let Some(refusal) = answer.get("refused") {
        return serde_json::from_value(refusal.clone()).ok().map(Err);
    }
    let summary = Summary::from_json(answer.get("numbers")?)?;
    let id = u32::try_from(answer.get("id")?.as_u64()?).ok()?;
    Some(Ok(Instructed { id, summary, is_running: true }))
}

/// The audit log of the process that owns the data directory: `None` when nobody answers,
/// `Some(None)` when it knows no such campaign.
pub(crate) fn ask_audit(path: &Path, campaign: Option<&str>) -> Option<Option<Vec<AuditLine>>> {
    ask_for(path, &Question::Audit(campaign.map(str::to_owned)), DOUBTS_WITHIN)
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
