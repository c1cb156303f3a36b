//! `volley suppress`: numbers that get nothing.

use std::io;

use serde_json::{Value, json};
use volley_engine::{
    DataDir, Engine, Imported, Numbers, SuppressImport, SuppressOptions, SuppressedRow, write_suppressed_csv,
};

use crate::{
    args::{
        SuppressCheck, SuppressCommand, SuppressExport, SuppressImportArgs, SuppressListArgs, SuppressNumber,
        SuppressWith,
    },
    failure::{Code, Failure},
    output::{grouped, plain, print},
    progress::rows_progress,
};

pub(crate) fn suppress(data: &DataDir, what: &SuppressCommand) -> Result<Code, Failure> {
    let mut engine = Engine::open(data)?;
    engine.notes.iter().for_each(|note| say!("note: {note}"));
    match what {
        SuppressCommand::Add(args) => {
            engine.suppress(&args.number.number, &options(&args.number, Some(&args.with)))?;
            show(&engine, &check_of(&args.number))
        }
        SuppressCommand::Remove(args) => {
            engine.lift_suppression(&args.number, &options(args, None))?;
            show(&engine, &check_of(args))
        }
        SuppressCommand::Import(args) => import(&mut engine, args),
        SuppressCommand::Export(args) => export(&engine, args),
        SuppressCommand::List(args) => list(&engine, args),
        SuppressCommand::Check(args) => show(&engine, args),
    }
}

fn options(args: &SuppressNumber, with: Option<&SuppressWith>) -> SuppressOptions {
    SuppressOptions {
        list: Some(args.list.clone()),
        country: args.country.clone(),
        source: with.map(|with| with.source.clone()).unwrap_or_default(),
        reason: with.map(|with| with.reason.clone()).unwrap_or_default(),
        expires: with.and_then(|with| with.expires),
    }
}

fn check_of(args: &SuppressNumber) -> SuppressCheck {
    let SuppressNumber { number, list, country, json } = args;
    SuppressCheck { number: number.clone(), list: Some(list.clone()), country: country.clone(), json: *json }
}

/// How the number stands now.
fn show(engine: &Engine, args: &SuppressCheck) -> Result<Code, Failure> {
    let options =
        SuppressOptions { list: args.list.clone(), country: args.country.clone(), ..SuppressOptions::default() };
    let on = engine.suppression(&args.number, &options)?;
    if args.json {
        let lists: Vec<Value> = on
            .iter()
            .map(|on| {
                json!({ "list": on.list, "since": on.since, "expires": on.expires, "cause": on.cause,
                        "source": on.source, "reason": on.reason })
            })
            .collect();
        let first = on.first();
        let shown = json!({ "suppressed": first.is_some(), "since": first.map(|on| &on.since),
                            "cause": first.map(|on| on.cause), "lists": lists });
        print(&format!("{shown:#}\n"))?;
        return Ok(Code::Clean);
    }
    if on.is_empty() {
        print("not suppressed\n")?;
    }
    for on in &on {
        let until = on.expires.as_ref().map(|expires| format!(" until {expires}")).unwrap_or_default();
        let words = [&on.source, &on.reason].into_iter().filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(|word| plain(&Value::String(word.clone()))).collect();
        let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(": ")) };
        print(&format!("suppressed since {}{until}, by {}, on list {}{words}\n", on.since, on.cause, on.list))?;
    }
    Ok(Code::Clean)
}

fn import(engine: &mut Engine, args: &SuppressImportArgs) -> Result<Code, Failure> {
    let how = SuppressImport { column: args.column.clone(), delimiter: args.delimiter };
    let options = SuppressOptions {
        list: Some(args.list.clone()),
        country: args.country.clone(),
        source: args.with.source.clone(),
        reason: args.with.reason.clone(),
        expires: args.with.expires,
    };
    let imported = engine.suppress_import(&args.file, &how, &options, &mut rows_progress(args.no_progress))?;
    if args.json {
        print(&format!("{:#}\n", json!(imported)))?;
    } else {
        let Imported { list, rows, numbers, known, bad, bad_rows } = &imported;
        let new = numbers.saturating_sub(*known);
        print(&format!(
            "{list}: {} rows, {} numbers on the list, {} of them new\n",
            grouped(*rows),
            grouped(*numbers),
            grouped(new)
        ))?;
        for row in bad_rows {
            print(&format!("  line {}: {}\n", row.line, row.why))?;
        }
        if *bad > bad_rows.len() as u64 {
            print(&format!("  and {} more\n", grouped(*bad - bad_rows.len() as u64)))?;
        }
    }
    Ok(if imported.bad > 0 { Code::Failures } else { Code::Clean })
}

fn export(engine: &Engine, args: &SuppressExport) -> Result<Code, Failure> {
    let rows = engine.suppressed_rows(args.list.as_deref())?;
    if args.json {
        return put_json(&rows, Numbers::Full);
    }
    write_suppressed_csv(&rows, Numbers::Full, &mut io::BufWriter::new(io::stdout().lock()))?;
    Ok(Code::Clean)
}

fn list(engine: &Engine, args: &SuppressListArgs) -> Result<Code, Failure> {
    let Some(list) = &args.list else { return lists(engine, args.json) };
    let rows = engine.suppressed_rows(Some(list))?;
    let numbers = if args.full_numbers { Numbers::Full } else { Numbers::Masked };
    if args.json {
        return put_json(&rows, numbers);
    }
    for row in &rows {
        let number = row.number.map_or_else(|| "known by hash".to_owned(), |_| row.number(numbers));
        let until = Some(row.expires()).filter(|end| !end.is_empty()).unwrap_or_else(|| "for good".to_owned());
        let words = plain(&Value::String(format!("{} {}", row.source, row.reason).trim().to_owned()));
        let cause = row.suppression.cause.name();
        print(&format!("{number:<18} {:<24} {until:<24} {cause:<8} {words}\n", row.since()))?;
    }
    say!("{} numbers", grouped(rows.len() as u64));
    Ok(Code::Clean)
}

fn put_json(rows: &[SuppressedRow], numbers: Numbers) -> Result<Code, Failure> {
    let rows: Vec<Value> = rows.iter().map(|row| row.json(numbers)).collect();
    print(&format!("{:#}\n", Value::Array(rows)))?;
    Ok(Code::Clean)
}

fn lists(engine: &Engine, as_json: bool) -> Result<Code, Failure> {
    let lists = engine.suppress_lists();
    if as_json {
        print(&format!("{:#}\n", json!(lists)))?;
        return Ok(Code::Clean);
    }
    print(&format!("{:<24} {:>12} {:>12}\n", "list", "numbers", "expired"))?;
    for facts in lists {
        print(&format!("{:<24} {:>12} {:>12}\n", facts.list, grouped(facts.numbers), grouped(facts.expired)))?;
    }
    Ok(Code::Clean)
}
