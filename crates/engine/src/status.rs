//! `status` and `list`: the numbers of all campaigns, from the store or from the process that runs.

use serde_json::{Map, Value, json};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::Ledger;

use crate::{
    DataDir, Error,
    board::LaneBoard,
    carrier_status::carrier_json,
    control,
    ledger_task::{Snapshot, snapshot_of},
};

/// The numbers of all campaigns: `{"campaigns": [{"id", "campaign", …}], "receipts": {…},
/// "carriers": [{"carrier", "alarm", "binds": […], …}], "journal": {"disk_full",
/// "commit_p99_us", …}, "run": {"holds"}}`. While a process runs on the data
/// directory, it is asked; else journal and store tell, there are no carriers, and `journal` and `run` are null.
///
/// # Errors
/// When nothing was ever run there, or journal and store can't be read.
pub fn status(dir: &DataDir) -> Result<Value, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    match dir.lock() {
        Ok(_lock) => {
            let (journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
            let opened = Ledger::open(&dir.store(), &journal)?;
            Ok(status_json(&snapshot_of(&opened.ledger), &[], Value::Null, (Value::Null, None)))
        }
        Err(in_use @ Error::InUse { .. }) => control::ask(&dir.control_socket()).ok_or(in_use),
        Err(other) => Err(other),
    }
}

/// [`status`] of the process that runs on the data directory; `None` when none runs, or it does
/// not answer.
#[must_use]
pub fn running(dir: &DataDir) -> Option<Value> {
    control::ask(&dir.control_socket())
}

/// The carriers of the process that runs on the data directory, as in [`status`]; `None` when
/// none runs, or it does not answer.
#[must_use]
pub fn running_carriers(dir: &DataDir) -> Option<Value> {
    control::ask(&dir.control_socket())?.get_mut("carriers").map(Value::take)
}

/// `schedule`: of the campaign that runs.
pub(crate) fn status_json(
    snapshot: &Snapshot,
    lanes: &[LaneBoard],
    journal: Value,
    (run, schedule): (Value, Option<(u32, Value)>),
) -> Value {
    let carriers: Vec<Value> = lanes.iter().map(carrier_json).collect();
    let campaigns: Vec<Value> = snapshot
        .campaigns
        .iter()
        .map(|(id, summary)| {
            let mut value = json!(summary);
            if let Some(map) = value.as_object_mut() {
                map.shift_insert(0, "id".to_owned(), json!(id));
                if let Some((_, schedule)) = schedule.as_ref().filter(|(running, _)| running == id) {
                    put_schedule(map, schedule);
                }
            }
            value
        })
        .collect();
    json!({ "campaigns": campaigns, "receipts": snapshot.receipts, "carriers": carriers, "journal": journal, "run": run })
}

/// What waits for its hours is deferred, not merely pending; the ledger, which keeps no time, can't
/// know it.
fn put_schedule(campaign: &mut Map<String, Value>, schedule: &Value) {
    let waiting = schedule.get("waiting").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rows = |waiting: &Value| waiting.get("rows").and_then(Value::as_u64).unwrap_or(0);
    let mut n_waiting: u64 = waiting.iter().map(rows).sum();
    if let Some(states) = campaign.get_mut("states").and_then(Value::as_object_mut) {
        let of = |states: &Map<String, Value>, state| states.get(state).and_then(Value::as_u64).unwrap_or(0);
        let (pending, deferred) = (of(states, "pending"), of(states, "deferred"));
        n_waiting = n_waiting.min(pending);
        states.insert("pending".to_owned(), json!(pending - n_waiting));
        states.insert("deferred".to_owned(), json!(deferred + n_waiting));
    }
    if let Some(reasons) = campaign.get_mut("reasons").and_then(Value::as_object_mut) {
        for waiting in waiting {
            if let Some(reason) = waiting.get("reason").and_then(Value::as_str) {
                reasons.insert(reason.to_owned(), json!(rows(waiting)));
            }
        }
    }
    campaign.insert("schedule".to_owned(), schedule.clone());
}
