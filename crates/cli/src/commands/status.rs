//! `volley status` and `volley list`: from the store alone, or from the process that runs.

use serde_json::Value;
use volley_engine::DataDir;

use crate::{
    args::{ListArgs, StatusArgs},
    failure::{Code, Failure},
    output::{grouped, print},
};

pub(crate) fn status(data: &DataDir, args: &StatusArgs) -> Result<Code, Failure> {
    let mut value = volley_engine::status(data)?;
    let campaigns = campaigns_of(&mut value);
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
            (Some(_), [campaign]) => campaign.clone(),
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
    }
    Ok(Code::Clean)
}

pub(crate) fn list(data: &DataDir, args: &ListArgs) -> Result<Code, Failure> {
    let mut value = volley_engine::status(data)?;
    let campaigns = campaigns_of(&mut value);
    if args.json {
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
    Ok(Code::Clean)
}

fn campaigns_of(value: &mut Value) -> Vec<Value> {
    value.pointer_mut("/campaigns").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default()
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn n_at(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

fn table(campaign: &Value) -> String {
    let mut out = format!(
        "{} · {} · {} rows · at most {} in doubt after a crash\n",
        text_at(campaign, "/campaign"),
        text_at(campaign, "/status"),
        grouped(n_at(campaign, "/rows")),
        n_at(campaign, "/in_doubt_bound")
    );
    for (state, n_rows) in campaign.pointer("/states").and_then(Value::as_object).into_iter().flatten() {
        let n_rows = n_rows.as_u64().unwrap_or(0);
        if n_rows > 0 {
            out.push_str(&format!("  {state:<12} {:>14}\n", grouped(n_rows)));
        }
    }
    out
}
