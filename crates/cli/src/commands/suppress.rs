//! `volley suppress`: numbers that get nothing.

use serde_json::json;
use volley_engine::{DataDir, Engine};

use crate::{
    args::{SuppressCommand, SuppressNumber},
    failure::{Code, Failure},
    output::print,
};

pub(crate) fn suppress(data: &DataDir, what: &SuppressCommand) -> Result<Code, Failure> {
    let (SuppressCommand::Add(args) | SuppressCommand::Remove(args) | SuppressCommand::Check(args)) = what;
    let mut engine = Engine::open(data)?;
    match what {
        SuppressCommand::Add(_) => engine.suppress(&args.number)?,
        SuppressCommand::Remove(_) => engine.lift_suppression(&args.number)?,
        SuppressCommand::Check(_) => {}
    }
    show(&engine, args)
}

/// How the number stands now.
fn show(engine: &Engine, args: &SuppressNumber) -> Result<Code, Failure> {
    let found = engine.suppression(&args.number)?;
    let (since, cause) = found.map_or((None, None), |(since, cause)| (Some(since), Some(cause)));
    if args.json {
        let shown = json!({ "suppressed": since.is_some(), "since": since, "cause": cause });
        print(&format!("{shown:#}\n"))?;
    } else {
        print(&match (since, cause) {
            (Some(since), Some(cause)) => format!("suppressed since {since}, by {cause}\n"),
            _ => "not suppressed\n".to_owned(),
        })?;
    }
    Ok(Code::Clean)
}
