//! `volley check`.

mod words;

use volley_engine::{DataDir, Decision, Engine, carriers_file};

pub(crate) use self::words::preview;
use crate::{
    args::CheckArgs,
    failure::{Code, Failure},
    output::print,
    progress::preflight_progress,
};

pub(crate) fn check(data: &DataDir, args: &CheckArgs) -> Result<Code, Failure> {
    let engine = Engine::open(data)?;
    let carriers = carriers_file(&args.campaign, args.carriers.as_deref());
    let preflight = engine.preflight(&args.campaign, &carriers, &mut preflight_progress(args.no_progress))?;
    match args.json {
        true => print(&format!("{:#}\n", preflight.json()))?,
        false => print(&preview(&preflight))?,
    }
    let code = code(preflight.check.decision);
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
