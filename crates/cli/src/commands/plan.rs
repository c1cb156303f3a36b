//! `volley plan list|show|remove`, and plans in `volley list`.

use serde_json::{Value, json};
use volley_engine::{DataDir, SavedPlan, remove_plan, saved_plan, saved_plans};

use crate::{
    args::PlanCommand,
    failure::{Code, Failure},
    output::{grouped, print},
};

/// Digits of a hash that are shown.
const SHOWN: usize = 12;

pub(crate) fn plan(data: &DataDir, what: &PlanCommand) -> Result<Code, Failure> {
    match what {
        PlanCommand::List(args) => {
            let plans = saved_plans(data)?;
            match args.json {
                true => print(&format!("{:#}\n", plans.iter().map(plan_json).collect::<Value>()))?,
                false => print(&plans_table(&plans))?,
            }
        }
        PlanCommand::Show(args) => {
            let plan = saved_plan(data, &args.hash)?;
            match args.json {
                true => {
                    let mut value = plan_json(&plan);
                    if let Some(map) = value.as_object_mut() {
                        map.insert("terms".to_owned(), json!(plan.terms));
                    }
                    print(&format!("{value:#}\n"))?;
                }
                false => print(&terms_in_words(&plan))?,
            }
        }
        PlanCommand::Remove(args) => {
            let hash = remove_plan(data, &args.hash)?;
            say!("plan {} is removed", short(&hash));
        }
    }
    Ok(Code::Clean)
}

/// A hash as far as a person compares it.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..SHOWN).unwrap_or(hash)
}

/// The keys are a promise.
pub(crate) fn plan_json(plan: &SavedPlan) -> Value {
    let list = &plan.terms.list;
    json!({
        "plan_hash": plan.hash,
        "campaign": plan.terms.name,
        "status": plan.status(),
        "rows": list.rows,
        "ready": list.ready,
        "segments": list.segments,
        "saved_at": plan.saved_at,
        "saved_by": plan.saved_by,
        "ran_as": plan.campaign,
    })
}

pub(crate) fn plans_table(plans: &[SavedPlan]) -> String {
    let mut out = format!(
        "{:<SHOWN$}  {:<24} {:<12} {:>12} {:>12} {:>12}  {}\n",
        "plan", "campaign", "status", "rows", "ready", "segments", "saved"
    );
    for plan in plans {
        let list = &plan.terms.list;
        out.push_str(&format!(
            "{:<SHOWN$}  {:<24} {:<12} {:>12} {:>12} {:>12}  {}\n",
            short(&plan.hash),
            plan.terms.name,
            plan.status(),
            grouped(list.rows),
            grouped(list.ready.into()),
            grouped(list.segments),
            saved_in_words(plan),
        ));
    }
    out
}

fn saved_in_words(plan: &SavedPlan) -> String {
    let ran = plan.campaign.map(|id| format!(", ran as no. {id}")).unwrap_or_default();
    format!("{} by {}{ran}", plan.saved_at, plan.saved_by)
}

fn terms_in_words(plan: &SavedPlan) -> String {
    let (terms, list) = (&plan.terms, &plan.terms.list);
    let mut out = format!(
        "{}\n{} · {} · {}\nthe list\n  {} rows, {} can be sent in {} segments; numbers from column `{}`\n",
        plan.hash,
        terms.name,
        plan.status(),
        saved_in_words(plan),
        grouped(list.rows),
        grouped(list.ready.into()),
        grouped(list.segments),
        list.to,
    );
    for (code, n_rows) in &list.rejected {
        out.push_str(&format!("  rejected {:>10}  {code}\n", grouped(*n_rows)));
    }
    out.push_str(&format!("  file sha256 {}\n", list.source));
    for (head, keys) in [("the campaign", &terms.campaign), ("its carriers", &terms.carriers)] {
        out.push_str(&format!("{head}\n"));
        for (key, value) in keys {
            let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            out.push_str(&format!("  {key} = {value}\n"));
        }
    }
    out
}
