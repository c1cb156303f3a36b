//! `volley pause`, `pace`, `cancel` and `audit`, and the part of `resume` that lifts a pause.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use volley_engine::{
    CampaignStatus, DataDir, Error, Instructed, Instruction, MessageState, Summary, Verb, audit, instruct, untouched,
};

use super::run::confirm;
use crate::{
    args::{AuditArgs, CancelArgs, OrderArgs, PaceArgs, PauseArgs},
    failure::{Code, Failure},
    output::{grouped, n_at, print, text_at},
};

/// How long what is in flight is waited for before the counts are printed.
const DRAIN: Duration = Duration::from_millis(900);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn pause(data: &DataDir, args: &PauseArgs) -> Result<Code, Failure> {
    let instruction = instruction(&args.campaign, Verb::Pause, args.carrier.as_ref(), &args.order);
    give(data, &instruction, &args.order)
}

pub(crate) fn pace(data: &DataDir, args: &PaceArgs) -> Result<Code, Failure> {
    let instruction = instruction(&args.campaign, Verb::Pace(args.rate.0), args.carrier.as_ref(), &args.order);
    give(data, &instruction, &args.order)
}

pub(crate) fn cancel(data: &DataDir, args: &CancelArgs) -> Result<Code, Failure> {
    if !args.yes {
        let n_rows = rows_waiting(data, &args.campaign)?;
        let question = format!("{} rows of {} will never be sent: cancel?", grouped(n_rows), args.campaign);
        if !confirm(&question)? {
            say!("nothing was cancelled");
            return Ok(Code::Interrupted);
        }
    }
    let instruction = instruction(&args.campaign, Verb::Cancel, None, &args.order);
    give(data, &instruction, &args.order)
}

/// Lifts a pause in the process that runs the campaign.
pub(crate) fn lift(
    data: &DataDir,
    campaign: &str,
    carrier: Option<&String>,
    order: &OrderArgs,
) -> Result<Code, Failure> {
    give(data, &instruction(campaign, Verb::Resume, carrier, order), order)
}

pub(crate) fn show_audit(data: &DataDir, args: &AuditArgs) -> Result<Code, Failure> {
    let lines = audit(data, args.campaign.as_deref())?;
    if args.json {
        print(&format!("{:#}\n", json!(lines)))?;
        return Ok(Code::Clean);
    }
    print(&format!("{:<24}  {:<20} {:<24} {:<24} why\n", "when", "campaign", "order", "who"))?;
    for line in lines {
        let carrier = line.carrier.map(|carrier| format!(" {carrier}")).unwrap_or_default();
        let rate = match (line.rate, line.order.as_str()) {
            (Some(rate), _) => format!(" {rate}"),
            (None, "pace") => " default".to_owned(),
            (None, _) => String::new(),
        };
        let order = format!("{}{carrier}{rate}", line.order);
        print(&format!("{:<24}  {:<20} {order:<24} {:<24} {}\n", line.at, line.campaign, line.by, line.why))?;
    }
    Ok(Code::Clean)
}

fn instruction(campaign: &str, verb: Verb, carrier: Option<&String>, order: &OrderArgs) -> Instruction {
    let by = format!("{}@{}", order.by, host());
    Instruction { campaign: campaign.to_owned(), verb, carrier: carrier.cloned(), by, why: order.reason.clone() }
}

/// The machine's name.
pub(crate) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

fn rows_waiting(data: &DataDir, campaign: &str) -> Result<u64, Failure> {
    let status = volley_engine::status(data)?;
    let all = status.get("campaigns").and_then(Value::as_array).into_iter().flatten().rev();
    let is_it = |it: &&Value| text_at(it, "/campaign") == campaign || campaign.parse() == Ok(n_at(it, "/id"));
    let found = all.clone().find(is_it).and_then(Summary::from_json);
    let no_campaign = || Error::NoCampaign { name: campaign.to_owned(), root: data.root().to_owned() };
    Ok(untouched(&found.ok_or_else(no_campaign)?))
}

fn give(data: &DataDir, instruction: &Instruction, order: &OrderArgs) -> Result<Code, Failure> {
    let given = instruct(data, instruction)?;
    let after = drained(data, instruction, &given);
    if order.json {
        print(&format!("{:#}\n", to_json(instruction, &given, &after)))?;
    } else {
        print(&in_words(instruction, &given, &after))?;
    }
    Ok(Code::Clean)
}

/// The numbers when nothing is in flight any more, or after a moment.
fn drained(data: &DataDir, instruction: &Instruction, given: &Instructed) -> Summary {
    let mut after = given.summary.clone();
    let waits =
        given.is_running && instruction.carrier.is_none() && matches!(instruction.verb, Verb::Pause | Verb::Cancel);
    let until = now() + DRAIN;
    while waits && in_flight(&after) > 0 && now() < until {
        thread::sleep(LOOK);
        let status = volley_engine::status(data).ok();
        let all = status.as_ref().and_then(|status| status.get("campaigns")).and_then(Value::as_array);
        let ours = all.into_iter().flatten().find(|it| n_at(it, "/id") == u64::from(given.id));
        after = ours.and_then(Summary::from_json).unwrap_or(after);
    }
    after
}

#[expect(clippy::disallowed_methods, reason = "how long a person waits for the answer")]
fn now() -> Instant {
    Instant::now()
}

const fn in_flight(summary: &Summary) -> u64 {
    summary.states.get(MessageState::InFlight)
}

const fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Pause => "pause",
        Verb::Resume => "resume",
        Verb::Pace(_) => "pace",
        Verb::Cancel => "cancel",
    }
}

/// `in_flight` when the order took effect, `drained` of them since.
fn to_json(instruction: &Instruction, given: &Instructed, after: &Summary) -> Value {
    let n = |state| after.states.get(state);
    json!({
        "campaign": after.campaign,
        "id": given.id,
        "order": verb(instruction.verb),
        "carrier": instruction.carrier,
        "rate": match instruction.verb {
            Verb::Pace(rate) => rate,
            Verb::Pause | Verb::Resume | Verb::Cancel => None,
        },
        "by": instruction.by,
        "why": instruction.why,
        "running": given.is_running,
        "status": after.status,
        "untouched": untouched(after),
        "in_flight": in_flight(&given.summary),
        "drained": in_flight(&given.summary).saturating_sub(in_flight(after)),
        "cancelled": n(MessageState::Cancelled),
        "in_doubt": n(MessageState::InDoubt),
        "rows": after.rows,
        "states": json!(after).get("states"),
    })
}

fn in_words(instruction: &Instruction, given: &Instructed, after: &Summary) -> String {
    let name = &after.campaign;
    let whose =
        instruction.carrier.as_ref().map_or_else(|| name.clone(), |carrier| format!("{name}: carrier {carrier}"));
    let did = match instruction.verb {
        Verb::Pause => "is paused".to_owned(),
        Verb::Resume => "goes on".to_owned(),
        Verb::Pace(Some(rate)) => format!("is held to {rate}"),
        Verb::Pace(None) => "goes at the pace of its files".to_owned(),
        Verb::Cancel => "is cancelled".to_owned(),
    };
    let (was, left) = (in_flight(&given.summary), in_flight(after));
    let n = |state| grouped(after.states.get(state));
    let mut out = format!("{whose} {did}\n  {} untouched", grouped(untouched(after)));
    out.push_str(&format!(
        " · {} were in flight: {} drained, {} still are",
        grouped(was),
        grouped(was.saturating_sub(left)),
        grouped(left)
    ));
    if after.states.get(MessageState::Cancelled) > 0 {
        out.push_str(&format!(" · {} cancelled", n(MessageState::Cancelled)));
    }
    if after.states.get(MessageState::InDoubt) > 0 {
        out.push_str(&format!(" · {} in doubt", n(MessageState::InDoubt)));
    }
    out.push('\n');
    if !given.is_running {
        out.push_str(match (instruction.verb, after.status) {
            (Verb::Cancel, CampaignStatus::Finished) => "  nothing of it is left to come back\n",
            (Verb::Cancel, _) => "  no process runs it: `volley resume` takes what is still to come back\n",
            _ => "  no process runs it: it holds from the next `volley resume` on\n",
        });
    }
    out
}
