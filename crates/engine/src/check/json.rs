//! A check as JSON; the keys are a promise.

use serde_json::{Map, Value, json};

use super::{Bounds, Check, CostChange, CostLine, Hour, Load, SendingPlan, Texts};
use crate::{
    Preflight,
    country::Country,
    options::{Currency, Money},
    report::{amounts_json, time_text},
};

impl Preflight {
    /// All of it as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let (options, frozen) = (&self.approved.options, &self.frozen);
        let samples = frozen
            .samples
            .iter()
            .map(|row| json!({ "line": row.line, "column": row.column, "code": row.code, "reason": row.reason }));
        let variants = frozen.by_variant.iter().filter_map(|(variant, count)| {
            let name = options.message.variant_name(*variant)?;
            Some(json!({
                "variant": name, "rows": count.n_rows, "segments": count.n_segments, "ucs2_rows": count.n_ucs2,
            }))
        });
        let mut map = Map::new();
        map.insert("campaign".to_owned(), json!(options.name));
        map.insert(
            "list".to_owned(),
            json!({
                "path": frozen.options.list,
                "read_as": frozen.form.to_string(),
                "to": frozen.options.to,
                "to_is_proposed": self.proposal.is_some(),
                "content_hash": frozen.content_hash,
            }),
        );
        map.insert("notes".to_owned(), json!(self.rule_notes));
        let findings = self.rule_findings.iter();
        let findings = findings.map(|finding| json!({ "code": finding.code.name(), "what": finding.what }));
        map.insert("rule_findings".to_owned(), findings.collect());
        map.insert("first_rejected".to_owned(), samples.collect());
        map.insert("variants".to_owned(), variants.collect());
        if let Value::Object(check) = self.check.json() {
            map.extend(check);
        }
        Value::Object(map)
    }
}

impl Check {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let funnel = &self.funnel;
        let suppressed: Map<_, _> =
            funnel.suppressed.iter().map(|(cause, n_rows)| (cause.name().to_owned(), json!(n_rows))).collect();
        json!({
            "funnel": {
                "rows": funnel.rows,
                "rejected": funnel.rejected,
                "duplicates": funnel.duplicates,
                "wrong_type": funnel.wrong_type,
                "suppressed": suppressed,
                "outside_windows": funnel.outside_windows,
                "unroutable": funnel.unroutable,
                "ready": funnel.ready,
            },
            "parts": {
                "histogram": self.cost.by_parts.iter().map(|(parts, line)| json!({
                    "parts": parts, "rows": line.load.rows, "segments": line.load.segments,
                })).collect::<Vec<_>>(),
                "most": self.most.map(|most| json!({ "parts": most.parts, "line": most.line })),
            },
            "texts": texts(&self.texts),
            "cost": self.cost_json(),
            "plan": plan(&self.plan),
            "guards": self.guards.iter().map(|guard| json!({
                "guard": guard.guard, "figure": guard.figure, "limit": guard.limit, "stops": guard.stops,
            })).collect::<Vec<_>>(),
            "verdict": {
                "decision": self.decision.name(),
                "can_run": self.decision == super::Decision::Runs,
                "finishes_in_time": self.plan.finish_by.map(|_| self.plan.finishes.is_some() && self.plan.n_late() == 0),
                "reasons": self.reasons,
            },
        })
    }

    fn cost_json(&self) -> Value {
        let cost = &self.cost;
        json!({
            "total": line([], &cost.total),
            "by_carrier": cost.by_carrier.iter().map(|(name, of)| line([("carrier", json!(name))], of)).collect::<Vec<_>>(),
            "by_country": cost.by_country.iter().map(|(country, of)| {
                line([("country", json!(country.map(Country::code)))], of)
            }).collect::<Vec<_>>(),
            "by_parts": cost.by_parts.iter().map(|(parts, of)| line([("parts", json!(parts))], of)).collect::<Vec<_>>(),
            "no_price": cost.no_price,
        })
    }
}

fn texts(texts: &Texts) -> Value {
    let all: u64 = texts.by_alphabet.values().map(|load| load.rows).sum();
    let alphabet = |(name, load): (&&str, &Load)| json!({ "alphabet": name, "rows": load.rows, "segments": load.segments, "share": share(load.rows, all) });
    json!({
        "alphabets": texts.by_alphabet.iter().map(alphabet).collect::<Vec<_>>(),
        "forcing_ucs2": texts.forcing.iter().map(|forcing| json!({
            "character": forcing.c.to_string(), "code_point": forcing.code_point(), "name": forcing.name(),
            "rows": forcing.rows,
        })).collect::<Vec<_>>(),
        "forcing_ucs2_more": texts.n_more_forcing,
        "smart_encoding": texts.smart.iter().map(|level| json!({
            "level": level.level.name(),
            "is_set": level.is_set,
            "ucs2_rows": level.ucs2_rows,
            "segments": level.segments,
            "saves": {
                "messages": level.saved_rows, "segments": level.saved_segments, "cost": change(&level.saved_cost),
            },
        })).collect::<Vec<_>>(),
    })
}

/// To a millionth.
fn share(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64 * 1e6).round() / 1e6
}

fn line<const N: usize>(keys: [(&str, Value); N], line: &CostLine) -> Value {
    let mut map: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let Load { rows, segments } = line.load;
    let Bounds { expected, least, most } = &line.cost;
    let bound = |money: &Option<Money>| money.map(|money| json!({ (money.currency.to_string()): money.amount() }));
    let columns = [
        ("rows", json!(rows)),
        ("segments", json!(segments)),
        ("minimum", json!(bound(least))),
        ("expected", amounts_json(expected)),
        ("maximum", json!(bound(most))),
    ];
    map.extend(columns.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(map)
}

/// `{"EUR": "-1.50"}`.
fn change(change: &CostChange) -> Value {
    Value::Object(change.amounts().map(|(currency, amount)| (currency.to_string(), json!(amount))).collect())
}

impl CostChange {
    /// Each currency with its amount, with a sign where it is negative.
    pub fn amounts(&self) -> impl Iterator<Item = (Currency, String)> {
        self.0.iter().map(|(currency, micros)| {
            let sign = if *micros < 0 { "-" } else { "" };
            let money = Money { micros: micros.unsigned_abs(), currency: *currency };
            (*currency, format!("{sign}{}", money.amount()))
        })
    }
}

fn plan(plan: &SendingPlan) -> Value {
    let names = || plan.ceilings.iter().map(|ceiling| ceiling.carrier.as_str());
    let hour = |hour: &Hour| {
        let carriers = names().zip(&hour.segments).zip(&hour.ceilings);
        json!({
            "begins": time_text(hour.begins),
            "carriers": carriers.map(|((name, segments), ceiling)| json!({
                "carrier": name, "segments": segments, "ceiling": ceiling,
            })).collect::<Vec<_>>(),
            "waiting": hour.waiting,
        })
    };
    json!({
        "starts": time_text(plan.starts),
        "finishes": plan.finishes.map(time_text),
        "finish_by": plan.finish_by.map(time_text),
        "per_sec": plan.per_sec,
        "needed_per_sec": plan.needed_per_sec.filter(|needed| needed.is_finite()),
        "carriers": plan.ceilings.iter().map(|ceiling| json!({
            "carrier": ceiling.carrier, "weight": ceiling.weight, "per_sec": ceiling.rate,
        })).collect::<Vec<_>>(),
        "hours": plan.hours.iter().map(hour).collect::<Vec<_>>(),
        "late": {
            "messages": plan.n_late(),
            "by_place": plan.late.iter().map(|late| json!({
                "place": late.place, "messages": late.load.rows, "segments": late.load.segments,
            })).collect::<Vec<_>>(),
            "by_carrier": names().zip(&plan.late_by_carrier).map(|(name, n)| json!({
                "carrier": name, "messages": n,
            })).collect::<Vec<_>>(),
        },
    })
}
