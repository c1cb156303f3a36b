//! `volley erase`.

use serde_json::json;
use volley_engine::{DataDir, Engine, ErasePerson, Erasure, Error, now};

use super::run::confirm;
use crate::{
    args::EraseArgs,
    failure::{Code, Failure},
    output::{grouped, print},
};

pub(crate) fn erase(data: &DataDir, args: &EraseArgs) -> Result<Code, Failure> {
    if !data.exists() {
        return Err(Error::NoData { root: data.root().to_owned() }.into());
    }
    let mut engine = Engine::open(data)?;
    engine.notes.iter().for_each(|note| say!("note: {note}"));
    let Some(number) = &args.number else { return expired(&mut engine, args) };
    let masked = engine.masked(number, args.country.as_deref())?;
    if !args.yes && !confirm(&format!("{masked} will be erased from everything that is kept, for good: go on?"))? {
        say!("nothing was erased");
        return Ok(Code::Interrupted);
    }
    let who = ErasePerson { number, country: args.country.as_deref(), by: &args.by, why: &args.reason };
    let erasure = engine.erase(&who)?;
    if args.json {
        let mut value = json!(erasure);
        if let Some(map) = value.as_object_mut() {
            map.shift_insert(0, "number".to_owned(), json!(masked));
        }
        print(&format!("{value:#}\n"))?;
    } else {
        print(&sheet(&masked, &erasure))?;
    }
    Ok(Code::Clean)
}

fn sheet(masked: &str, erasure: &Erasure) -> String {
    let parts = [
        (erasure.rows, "rows"),
        (erasure.rejected, "rejected rows"),
        (erasure.mentions, "rows of others that named it"),
        (erasure.replies, "replies"),
        (erasure.files, "other files"),
    ];
    let found = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(*n)));
    let found: Vec<String> = found.collect();
    let found = if found.is_empty() { "nothing of it was left".to_owned() } else { found.join(", ") };
    let mut out = format!("{masked} was erased: {found}\n");
    if !erasure.campaigns.is_empty() {
        out.push_str(&format!("  in {}\n", erasure.campaigns.join(", ")));
    }
    out.push_str("  it stays suppressed by its keyed hash; every sum is what it was\n");
    for list in &erasure.own_lists {
        out.push_str(&format!("  not ours to change, look there yourself: {list}\n"));
    }
    for file in &erasure.unread {
        out.push_str(&format!("  could not be looked into: {file}\n"));
    }
    out
}

fn expired(engine: &mut Engine, args: &EraseArgs) -> Result<Code, Failure> {
    let campaigns = engine.erase_expired(args.as_of.unwrap_or_else(now))?;
    if args.json {
        print(&format!("{:#}\n", json!({ "campaigns": campaigns })))?;
    } else if campaigns.is_empty() {
        print("no campaign's retention is over\n")?;
    } else {
        print(&format!("retention is over, and their recipients were erased: {}\n", campaigns.join(", ")))?;
    }
    Ok(Code::Clean)
}
