//! `volley status` and `volley list`: from the store alone, or from the process that runs.

use serde_json::Value;
use volley_engine::{DataDir, saved_plans};

use super::plan::{plan_json, plans_table};
use crate::{
    args::{ListArgs, StatusArgs},
    carriers::live_table,
    failure::{Code, Failure},
    output::{grouped, n_at, print, text_at},
};

pub(crate) fn status(data: &DataDir, args: &StatusArgs) -> Result<Code, Failure> {
    let mut value = volley_engine::status(data)?;
    let campaigns = campaigns_of(&mut value);
    let carriers = value.get("carriers").cloned().unwrap_or_default();
    let wanted = args.campaign.as_deref();
    let chosen: Vec<Value> = match wanted {
        None => campaigns,
        Some(wanted) => {
            let is_it = |campaign: &Value| {
                text_at(campaign, "/campaign") == wanted || wanted.parse() == Ok(n_at(campaign, "/id"))
            };
            let found = campaigns.into_iter().rev().find(is_it).ok_or_else(|| {
                Failure::from(volley_engine::Error::NoCampaign {
                    name: wanted.to_owned(),
                    root: data.root().to_owned(),
                })
            })?;
            vec![found]
        }
    };
    if args.json {
        let shown = match (wanted, chosen.as_slice()) {
            (Some(_), [campaign]) => with_run(campaign.clone(), &value),
            _ => {
                if let Some(map) = value.as_object_mut() {
                    map.insert("campaigns".to_owned(), Value::Array(chosen));
                }
                value
            }
        };
        print(&format!("{shown:#}\n"))?;
    } else {
        for campaign in &chosen {
            print(&table(campaign))?;
        }
        if chosen.iter().any(runs) {
            print(&live_table(&carriers))?;
        }
    }
    Ok(Code::Clean)
}

fn runs(campaign: &Value) -> bool {
    matches!(text_at(campaign, "/status"), "running" | "paused")
}

/// The campaign that runs, with the carriers and the journal that it runs on.
fn with_run(mut campaign: Value, status: &Value) -> Value {
    let part = |name: &str| status.get(name).cloned().unwrap_or_default();
    let carriers = part("carriers");
    let runs = runs(&campaign) && carriers.as_array().is_some_and(|all| !all.is_empty());
    if let Some(map) = campaign.as_object_mut().filter(|_| runs) {
        map.insert("carriers".to_owned(), carriers);
        map.insert("journal".to_owned(), part("journal"));
    }
    campaign
}

pub(crate) fn list(data: &DataDir, args: &ListArgs) -> Result<Code, Failure> {
    let mut value = volley_engine::status(data)?;
    let mut campaigns = campaigns_of(&mut value);
    let plans = saved_plans(data)?;
    if args.json {
        campaigns.extend(plans.iter().map(plan_json));
        print(&format!("{:#}\n", Value::Array(campaigns)))?;
        return Ok(Code::Clean);
    }
    print(&format!(
        "{:>4}  {:<24} {:<12} {:>12} {:>12} {:>12}\n",
        "no.", "campaign", "status", "rows", "delivered", "in doubt"
    ))?;
    for campaign in &campaigns {
        let n = |at| grouped(n_at(campaign, at));
        print(&format!(
            "{:>4}  {:<24} {:<12} {:>12} {:>12} {:>12}\n",
            n_at(campaign, "/id"),
            text_at(campaign, "/campaign"),
            text_at(campaign, "/status"),
            n("/rows"),
            n("/states/delivered"),
            n("/states/in_doubt"),
        ))?;
    }
    if !plans.is_empty() {
        print(&format!("\n{}", plans_table(&plans)))?;
    }
    Ok(Code::Clean)
}

fn campaigns_of(value: &mut Value) -> Vec<Value> {
    value.pointer_mut("/campaigns").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default()
}

fn table(campaign: &Value) -> String {
    let mut out = format!(
        "{} · {} · {} rows · at most {} in doubt after a crash\n",
        text_at(campaign, "/campaign"),
        text_at(campaign, "/status"),
        grouped(n_at(campaign, "/rows")),
        n_at(campaign, "/in_doubt_bound")
    );
    if !text_at(campaign, "/why").is_empty() {
        out.push_str(&format!("  {}\n", text_at(campaign, "/why")));
    }
    for (state, n_rows) in campaign.pointer("/states").and_then(Value::as_object).into_iter().flatten() {
        let n_rows = n_rows.as_u64().unwrap_or(0);
        if n_rows > 0 {
            out.push_str(&format!("  {state:<12} {:>14}\n", grouped(n_rows)));
        }
    }
    out.push_str(&schedule(campaign));
    out
}

/// What of a campaign that runs waits for which time, and whether its deadline can be kept.
fn schedule(campaign: &Value) -> String {
    let mut out = String::new();
    let Some(schedule) = campaign.get("schedule") else { return out };
    for waiting in schedule.get("waiting").and_then(Value::as_array).into_iter().flatten() {
        out.push_str(&format!("  {}: {} rows\n", text_at(waiting, "/reason"), grouped(n_at(waiting, "/rows"))));
    }
    for (key, word) in [("/start", "not before"), ("/finish_by", "until")] {
        if !text_at(schedule, key).is_empty() {
            out.push_str(&format!("  {word} {}\n", text_at(schedule, key)));
        }
    }
    let deadline = schedule.get("deadline").filter(|deadline| !deadline.is_null());
    if let Some(needed) = deadline.and_then(|deadline| deadline.get("needed_per_s")).and_then(Value::as_f64) {
        let short = n_at(schedule, "/deadline/short_by_segments");
        let word = match short {
            0 => "can be kept".to_owned(),
            short => format!("can't be kept: {} segments are too many", grouped(short)),
        };
        out.push_str(&format!("  the deadline takes {needed:.2}/s and {word}\n"));
    }
    out
}
