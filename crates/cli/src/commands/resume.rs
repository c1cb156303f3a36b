//! `volley resume`.

use volley_engine::{DataDir, Engine, Error};

use super::run::drive;
use crate::{
    args::ResumeArgs,
    failure::{Code, Failure},
};

pub(crate) fn resume(data: &DataDir, args: &ResumeArgs) -> Result<Code, Failure> {
    if !data.exists() {
        return Err(Error::NoData { root: data.root().to_owned() }.into());
    }
    let engine = Engine::open(data)?;
    let id = engine.to_resume(args.campaign.as_deref())?;
    let prepared = engine.prepare(id, args.carriers.as_deref())?;
    let name = prepared.summary().map(|summary| summary.campaign).unwrap_or_default();
    drive(data, prepared, &args.output, &name)
}
