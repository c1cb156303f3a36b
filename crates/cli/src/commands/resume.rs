//! `volley resume`.

use volley_engine::{DataDir, Engine, Error, Owned, Refusal, open_or_ask};

use super::{
    orders::{self, host},
    run::drive,
};
use crate::{
    args::{OrderArgs, ResumeArgs},
    failure::{Code, Failure},
    output::text_at,
};

pub(crate) fn resume(data: &DataDir, args: &ResumeArgs) -> Result<Code, Failure> {
    if !data.exists() {
        return Err(Error::NoData { root: data.root().to_owned() }.into());
    }
    if args.carrier.is_some() {
        return lift(data, args, args.campaign.as_deref().unwrap_or_default());
    }
    match open_or_ask(data, || running(data))? {
        Owned::Ours(engine) => start(data, *engine, args),
        Owned::Theirs(running) => {
            let lifted = lift(data, args, args.campaign.as_deref().unwrap_or(&running));
            match lifted {
                Err(Failure::Engine(Error::NotOrdered { refusal, .. }))
                    if matches!(refusal, Refusal::NotPaused | Refusal::RunsAnother(_)) =>
                {
                    Err(data.lock().err().unwrap_or(Error::NotOrdered { name: running, refusal }).into())
                }
                lifted => lifted,
            }
        }
    }
}

fn start(data: &DataDir, mut engine: Engine, args: &ResumeArgs) -> Result<Code, Failure> {
    let id = engine.to_resume(args.campaign.as_deref())?;
    let is_decided = args.lift || (args.campaign.is_some() && engine.was_stopped_by_guard(id));
    if is_decided {
        for paused in engine.lift(id, &format!("{}@{}", args.by, host()), &args.reason)? {
            say!("note: lifted the pause by {paused}");
        }
    }
    let prepared = engine.prepare(id, args.carriers.as_deref())?;
    let name = prepared.summary().map(|summary| summary.campaign).unwrap_or_default();
    drive(data, prepared, &args.output, &name)
}

fn lift(data: &DataDir, args: &ResumeArgs, campaign: &str) -> Result<Code, Failure> {
    let order = OrderArgs { reason: args.reason.clone(), by: args.by.clone(), json: args.output.json };
    orders::lift(data, campaign, args.carrier.as_ref(), &order)
}

/// The campaign that the owner of the data runs.
fn running(data: &DataDir) -> Option<String> {
    let status = volley_engine::running(data)?;
    let campaigns = status.get("campaigns")?.as_array()?;
    let runs = |it: &&serde_json::Value| matches!(text_at(it, "/status"), "running" | "paused");
    Some(campaigns.iter().rev().find(runs).map_or("", |it| text_at(it, "/campaign")).to_owned())
}
