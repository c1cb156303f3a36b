//! `volley watch`: the view of a run in another terminal.

use std::{
    io::{self, IsTerminal as _},
    thread,
    time::Duration,
};

use serde_json::Value;
use volley_engine::{DataDir, Summary};

use crate::{
    args::WatchArgs,
    failure::{Code, Failure},
    output::{print, summary_table},
    progress,
    screen::Speed,
    terminal,
};

/// How often to look, on a terminal and elsewhere.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(5);
/// How long a process that came to an end may take to close its store.
const CLOSING: Duration = Duration::from_secs(30);

pub(crate) fn watch(data: &DataDir, args: &WatchArgs) -> Result<Code, Failure> {
    let can_draw = terminal::can_draw() && io::stdout().is_terminal() && !args.json_lines;
    let every = args.every.unwrap_or(if can_draw { ON_TERMINAL } else { ELSEWHERE });
    let (mut speed, mut since) = (Speed::default(), Duration::ZERO);
    let mut watched: Option<Summary> = None;
    while let Some(status) = volley_engine::running(data) {
        let Some(summary) = campaign(&status, args.campaign.as_deref())? else { break };
        speed.see(since, summary.segments.submitted);
        if can_draw {
            progress::draw(&status, &summary, &speed);
        } else if args.json_lines {
            print(&format!("{}\n", progress::event("progress", &status, &summary.campaign)))?;
        } else {
            print(&format!("{}\n", progress::plain_line(&status, &summary, &speed)))?;
        }
        watched = Some(summary);
        thread::sleep(every);
        since += every;
    }
    terminal::draw(&[]);
    let Some(last) = watched else {
        let message = format!("no campaign runs on {}", data.root().display());
        return Err(Failure::Usage { message, hint: Some("`volley status` shows the numbers of all".to_owned()) });
    };
    ended(data, &last, args)
}

/// The campaign that was asked for, or the one that runs.
fn campaign(status: &Value, name: Option<&str>) -> Result<Option<Summary>, Failure> {
    let campaigns = status.pointer("/campaigns").and_then(Value::as_array);
    let mut campaigns = campaigns.into_iter().flatten().rev();
    let id = name.and_then(|name| name.parse::<u64>().ok());
    let is_meant = |campaign: &&Value| match name {
        Some(name) => {
            campaign.get("campaign").and_then(Value::as_str) == Some(name)
                || (id.is_some() && campaign.get("id").and_then(Value::as_u64) == id)
        }
        None => matches!(campaign.get("status").and_then(Value::as_str), Some("running" | "paused")),
    };
    let found = campaigns.find(is_meant).and_then(Summary::from_json);
    match (found, name) {
        (Some(summary), _) if matches!(summary.status.name(), "running" | "paused") => Ok(Some(summary)),
        (_, None) => Ok(None),
        (_, Some(name)) => Err(Failure::Usage {
            message: format!("campaign `{name}` does not run"),
            hint: Some("`volley list` shows all; `volley report NAME` what became of one".to_owned()),
        }),
    }
}

/// The campaign that was watched came to an end: its last numbers, from the store.
fn ended(data: &DataDir, last: &Summary, args: &WatchArgs) -> Result<Code, Failure> {
    let campaigns = last_status(data);
    let campaigns = campaigns.pointer("/campaigns").and_then(Value::as_array).into_iter().flatten();
    let summary = campaigns.rev().filter_map(Summary::from_json).find(|summary| summary.campaign == last.campaign);
    let summary = summary.as_ref().unwrap_or(last);
    match args.json_lines {
        true => print(&format!("{}\n", progress::ended_event(summary)))?,
        false => print(&summary_table(summary))?,
    }
    Ok(Code::Clean)
}

/// The numbers once the process that ran has let go of the store; null when it takes too long.
fn last_status(data: &DataDir) -> Value {
    let looks = CLOSING.as_millis() / ON_TERMINAL.as_millis();
    for _ in 0..looks {
        match volley_engine::status(data) {
            Err(volley_engine::Error::InUse { .. }) => thread::sleep(ON_TERMINAL),
            other => return other.unwrap_or_default(),
        }
    }
    Value::Null
}
