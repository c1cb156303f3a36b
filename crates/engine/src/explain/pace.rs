//! Why a campaign runs at the rate at which it runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DataDir, Error, status};

/// Where a campaign's rate comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// The campaign's name.
    pub campaign: String,
    /// Where it stands.
    pub status: String,
    /// Segments written in a second, lately, over all carriers.
    pub rate_per_s: f64,
    /// What holds for the campaign as a whole; `None` when its carriers alone decide.
    pub why: Option<String>,
    /// Each of its carriers.
    pub carriers: Vec<CarrierPace>,
}

/// What binds one carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarrierPace {
    /// Its name.
    pub carrier: String,
    /// Segments written in a second, lately.
    pub rate_per_s: f64,
    /// What keeps it from writing more.
    pub limit: String,
    /// Since when, RFC 3339.
    pub since: Option<String>,
}

/// Why the campaign runs at this rate now.
///
/// # Errors
/// When there is no such campaign, or nothing can be read.
pub fn explain_pace(dir: &DataDir, campaign: &str) -> Result<Pace, Error> {
    let value = status::status(dir)?;
    let all = value.get("campaigns").and_then(Value::as_array);
    let is_it =
        |it: &&Value| text(it, "campaign") == campaign || campaign.parse().ok() == it.get("id").and_then(Value::as_u64);
    let found = all.into_iter().flatten().rev().find(is_it);
    let found = found.ok_or_else(|| Error::NoCampaign { name: campaign.to_owned(), root: dir.root().to_owned() })?;
    let status = text(found, "status");
    let runs = matches!(status, "running" | "paused");
    let carriers = value.get("carriers").and_then(Value::as_array).filter(|_| runs);
    let carriers: Vec<CarrierPace> = carriers.into_iter().flatten().map(of_carrier).collect();
    let stands = match (text(found, "why"), runs && !carriers.is_empty()) {
        ("", true) => None,
        (why, true) => Some(why.to_owned()),
        ("", false) => Some(format!("no process runs it: it is {status}")),
        (why, false) => Some(format!("no process runs it: it is {status}, {why}")),
    };
    let holds = value.pointer("/run/holds").and_then(Value::as_str).filter(|_| runs).map(str::to_owned);
    Ok(Pace {
        campaign: text(found, "campaign").to_owned(),
        status: status.to_owned(),
        rate_per_s: carriers.iter().map(|carrier| carrier.rate_per_s).sum(),
        why: holds.or(stands),
        carriers,
    })
}

/// The bind that waits longest tells.
fn of_carrier(carrier: &Value) -> CarrierPace {
    let binds: Vec<&Value> = carrier.get("binds").and_then(Value::as_array).into_iter().flatten().collect();
    let rate = |bind: &&Value| bind.get("rate_per_s").and_then(Value::as_f64).unwrap_or(0.0);
    let bound = binds.iter().filter(|bind| text(bind, "phase") == "bound");
    let is_busy = |bind: &&&Value| text(bind, "limit") != "idle";
    let bind = bound.clone().filter(is_busy).min_by_key(|bind| text(bind, "limit_since")).or(bound.clone().next());
    let name = text(carrier, "carrier");
    let waits_for = text(carrier, "waits_for");
    let n_window: u64 = bound.filter_map(|bind| bind.get("window")?.as_u64()).sum();
    let limit = match (text(carrier, "paused"), bind.map_or("", |bind| text(bind, "limit"))) {
        (paused, _) if !paused.is_empty() => paused.to_owned(),
        (_, "window") => format!("window {n_window}: all wait for answers"),
        (_, "throttle") => format!("throttled by {name}"),
        (_, "rate") if !waits_for.is_empty() => waits_for.to_owned(),
        (_, "rate") => "its rate".to_owned(),
        (_, "connection") => "the connection takes no more at the moment".to_owned(),
        (_, "idle") if waits_for.starts_with("the disk") => waits_for.to_owned(),
        (_, "idle") => "nothing waits to be written".to_owned(),
        _ => text(carrier, "reach").to_owned(),
    };
    let since = bind.map(|bind| text(bind, "limit_since").to_owned()).filter(|since| !since.is_empty());
    CarrierPace { carrier: name.to_owned(), rate_per_s: binds.iter().map(rate).sum(), limit, since }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
