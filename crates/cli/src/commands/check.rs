//! `volley check`.

mod words;

use volley_engine::{DataDir, Decision, Engine, carriers_file};

pub(crate) use self::words::preview;
use super::plan::short;
use crate::{
    args::CheckArgs,
    failure::{Code, Failure},
    output::print,
    progress::preflight_progress,
};

pub(crate) fn check(data: &DataDir, args: &CheckArgs) -> Result<Code, Failure> {
    let engine = Engine::open(data)?;
    let carriers = carriers_file(&args.campaign, args.carriers.as_deref());
    let (rejects, mut progress) = (args.rejects.file(), preflight_progress(args.no_progress));
    let preflight = engine.preflight_with_rejects(&args.campaign, &carriers, rejects.as_ref(), &mut progress)?;
    let code = code(preflight.check.decision);
    let saved = (args.save && code == Code::Clean).then(|| engine.save_plan(&preflight, &args.by)).transpose()?;
    if args.json {
        let mut value = preflight.json();
        if let (Some(map), Some(plan)) = (value.as_object_mut(), &saved) {
            map.insert("plan_hash".to_owned(), plan.hash.clone().into());
        }
        print(&format!("{value:#}\n"))?;
    } else {
        print(&preview(&preflight))?;
        saved.iter().try_for_each(|plan| print(&format!("plan {}, saved by {}\n", plan.hash, plan.saved_by)))?;
    }
    match &saved {
        Some(plan) => say!("volley run {} --approved {}", args.campaign.display(), short(&plan.hash)),
        None if args.save => say!("no plan was saved: it can't run as it is"),
        None => {}
    }
    preflight.discard()?;
    Ok(code)
}

const fn code(decision: Decision) -> Code {
    match decision {
        Decision::Runs => Code::Clean,
        Decision::NothingToSend | Decision::Late => Code::Failures,
        Decision::Stopped => Code::Guarded,
    }
}
