//! `volley run`.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
};

use volley_engine::{
    CancellationToken, DataDir, Ended, Engine, Error, Outcome, PlannedCost, Preflight, Prepared, Proposal,
    ProposedColumn, Role, carriers_file,
};

use super::{plan::short, report::write_rows};
use crate::{
    args::{RunArgs, RunOutput},
    failure::{Code, Failure},
    interrupt,
    output::{grouped, outcome_json, print, summary_table},
    progress::{RunProgress, Showing, ended_event, freeze_progress},
};

pub(crate) fn run(data: &DataDir, args: &RunArgs) -> Result<Code, Failure> {
    let mut engine = Engine::open(data)?;
    let carriers = carriers_file(&args.campaign, args.carriers.as_deref());
    let mut progress = freeze_progress(args.output.no_progress);
    let rejects = args.rejects.file();
    let preflight = engine.preflight_with_rejects(&args.campaign, &carriers, rejects.as_ref(), &mut progress)?;
    let name = preflight.approved.options.name.clone();
    say_part!("{}", preview(&preflight));
    match &args.approved {
        Some(hash) => {
            engine.check_approved(&preflight, hash, args.again)?;
            say!("  plan {}, as it was approved", short(&preflight.terms.hash()));
        }
        None => say_part!("{}", plan_in_words(&engine, &preflight)?),
    }
    if args.dry_run {
        say!("dry run: nothing was sent");
        return Ok(Code::Clean);
    }
    if args.yes && preflight.proposal.is_some() {
        // Nobody has seen it who could say that it is right.
        let message = "the column with the numbers is only proposed, and --yes can't approve a proposal".to_owned();
        let hint = format!("write `to = \"{}\"` under [audience] of the campaign", preflight.frozen.options.to);
        return Err(Failure::Usage { message, hint: Some(hint) });
    }
    if engine.unfinished(&name).is_some() && !args.again {
        return Err(Error::Unfinished { name }.into());
    }
    let n_before = engine.n_finished(&name);
    if n_before > 0 {
        say!("note: a campaign `{name}` was finished before ({n_before}); this one sends to everyone again");
    }
    if !args.yes && args.approved.is_none() && !confirm("send?")? {
        say!("nothing was sent");
        return Ok(Code::Interrupted);
    }
    let id = engine.approve(&preflight)?;
    let prepared = engine.prepare(id, args.carriers.as_deref())?;
    drive(data, prepared, &args.output, &name)
}

/// The plan, whether it is the one that waits, and else what differs from the last of this name
/// that was saved or sent.
fn plan_in_words(engine: &Engine, preflight: &Preflight) -> Result<String, Failure> {
    let (name, hash) = (&preflight.terms.name, preflight.terms.hash());
    let (since, changes) = match engine.changed_since(preflight)? {
        Some((plan, changes)) if changes.is_empty() => {
            return Ok(format!("  plan {}, saved by {} at {}\n", short(&hash), plan.saved_by, plan.saved_at));
        }
        Some((plan, changes)) => (format!("plan {} was saved by {}", short(&plan.hash), plan.saved_by), changes),
        None => match engine.ledger().find(name) {
            Some(id) => (format!("campaign {id} was approved"), engine.changed_since_campaign(preflight, id)),
            None => (String::new(), Vec::new()),
        },
    };
    let head = if changes.is_empty() { String::new() } else { format!(", changed since {since}:") };
    let lines: String = changes.iter().map(|change| format!("    {change}\n")).collect();
    Ok(format!("  plan {}{head}\n{lines}", short(&hash)))
}

/// The pre-flight summary.
pub(crate) fn preview(preflight: &Preflight) -> String {
    let (options, frozen) = (&preflight.approved.options, &preflight.frozen);
    let mut out = format!(
        "{}: {} rows, {} can be sent in {} segments\n",
        options.name,
        grouped(frozen.n_rows),
        grouped(frozen.n_valid.into()),
        grouped(frozen.n_segments)
    );
    out.push_str(&format!("  read as {}\n", frozen.form));
    if let Some(proposal) = &preflight.proposal {
        out.push_str(&proposed(proposal, &frozen.options.to));
    }
    for (code, n_rows) in &frozen.rejected {
        out.push_str(&format!("  rejected {:>10}  {code}\n", grouped(*n_rows)));
    }
    for (reason, n_rows) in &preflight.suppressed {
        out.push_str(&format!("  {reason}: {} rows\n", grouped(*n_rows)));
    }
    for row in &frozen.samples {
        let column = row.column.as_deref().map(|column| format!(", column {column}")).unwrap_or_default();
        out.push_str(&format!("    line {}{column}: {}: {}\n", row.line, row.code, row.reason));
    }
    for (variant, count) in &frozen.by_variant {
        let Some(name) = options.message.variant_name(*variant).filter(|_| count.n_segments > 0) else { continue };
        let (rows, segments) = (grouped(count.n_rows), grouped(count.n_segments));
        let ucs2 =
            if count.n_ucs2 > 0 { format!("; {} rows need UCS-2", grouped(count.n_ucs2)) } else { String::new() };
        out.push_str(&format!("  variant {name}: {rows} rows in {segments} segments{ucs2}\n"));
    }
    for (n, n_rows) in frozen.by_segments.iter().filter(|(n, _)| **n > 0) {
        out.push_str(&format!("  in {n} segment{}: {} rows\n", if *n == 1 { "" } else { "s" }, grouped(*n_rows)));
    }
    let countries = frozen.by_country.len();
    if countries > 1 {
        out.push_str(&format!("  to {}\n", countries_line(&frozen.by_country)));
    }
    let routes: Vec<_> =
        options.routes.iter().map(|route| format!("{} (weight {})", route.carrier, route.weight)).collect();
    let rate = options.schedule.rate.map_or_else(|| "no limit of its own".to_owned(), |rate| rate.to_string());
    out.push_str(&format!("  from {} via {}; rate: {rate}\n", options.message.sender, routes.join(", ")));
    out.push_str(&planned_cost(&PlannedCost::of(&preflight.approved)));
    out
}

fn planned_cost(planned: &PlannedCost) -> String {
    let mut out = match planned.total.is_empty() {
        true => "  planned cost: no price".to_owned(),
        false => format!("  planned cost: {} by the routes' weights", planned.total.in_words()),
    };
    if let Some((least, most)) = planned.range {
        out.push_str(&format!(", from {least} to {most} by others"));
    }
    if !planned.no_price.is_empty() && !planned.total.is_empty() {
        out.push_str(&format!("; no price for {}", planned.no_price.join(", ")));
    }
    out.push('\n');
    out
}

/// Countries by rows, the first few.
fn countries_line(by_country: &BTreeMap<String, u64>) -> String {
    const SHOWN: usize = 6;
    let mut countries: Vec<_> = by_country.iter().collect();
    countries.sort_by_key(|(_, n_rows)| Reverse(**n_rows));
    let mut words: Vec<String> =
        countries.iter().take(SHOWN).map(|(country, n_rows)| format!("{country} {}", grouped(**n_rows))).collect();
    if countries.len() > SHOWN {
        words.push(format!("{} countries more", countries.len() - SHOWN));
    }
    words.join(", ")
}

/// What the list itself proposes, where the campaign file leaves it to the list.
fn proposed(proposal: &Proposal, to: &str) -> String {
    let mut out = format!("  no `to` in the campaign: numbers are taken from `{to}`\n");
    for ProposedColumn { role, column, reason } in &proposal.columns {
        let key = match role.key() {
            Some(key) if *role != Role::Number => format!("; `{key} = \"{column}\"` would use it"),
            Some(_) | None => String::new(),
        };
        out.push_str(&format!("    `{column}` holds {}: {reason}{key}\n", role.name()));
    }
    out
}

/// Asks a person at the terminal.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let message = format!("nobody is there to answer `{question}`");
        return Err(Failure::Usage { message, hint: Some("add --yes to go on without asking".to_owned()) });
    }
    say_part!("{question} [y/N] ");
    io::stderr().flush().map_err(Failure::io("can't ask"))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::io("can't read the answer"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Runs a prepared campaign to its end, and reports.
pub(crate) fn drive(data: &DataDir, prepared: Prepared, output: &RunOutput, name: &str) -> Result<Code, Failure> {
    for note in prepared.notes() {
        say!("note: {note}");
    }
    let (board, id) = (prepared.board(), prepared.id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("can't start"))?;
    let showing = match (output.json_lines, output.no_progress) {
        (true, _) => Showing::JsonLines,
        (false, true) => Showing::Notes,
        (false, false) => Showing::Lines,
    };
    let progress = RunProgress::start(board, id.0, showing);
    let result = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let watching = tokio_util_spawn(interrupt::watch(shutdown.clone()));
        let result = Box::pin(prepared.run(shutdown)).await;
        watching.abort();
        result
    });
    drop(progress);
    let outcome = result?;
    report(data, &outcome, output, id.0)?;
    next_step(&outcome, name);
    Ok(Code::of_outcome(&outcome))
}

#[expect(clippy::disallowed_methods, reason = "the one task of the command itself; it is aborted when the run ends")]
pub(crate) fn tokio_util_spawn(task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(task)
}

fn report(data: &DataDir, outcome: &Outcome, output: &RunOutput, id: u32) -> Result<(), Failure> {
    if output.json {
        print(&format!("{:#}\n", outcome_json(outcome)))?;
    } else if output.json_lines {
        print(&format!("{}\n", ended_event(&outcome.summary)))?;
    } else {
        print(&summary_table(&outcome.summary))?;
        if let Some(seen) = &outcome.seen {
            print(&format!(
                "simulated carriers saw {} submits to {} recipients, {} copies beyond the first\n",
                grouped(seen.submits),
                grouped(seen.unique_recipients),
                grouped(seen.copies_beyond_first)
            ))?;
        }
    }
    if let Some(path) = &output.csv {
        write_rows(data, &id.to_string(), path, output.no_progress)?;
    }
    Ok(())
}

fn next_step(outcome: &Outcome, name: &str) {
    match outcome.ended {
        Ended::Interrupted => say!("stopped, nothing is lost: `volley resume {name}` goes on"),
        Ended::NoCarrier => {
            let details = outcome.no_carrier.clone().unwrap_or_default();
            Failure::from(Error::NoCarrier { details }).show();
        }
        Ended::Guarded => {
            let details = outcome.no_carrier.clone().unwrap_or_default();
            Failure::from(Error::Guarded { details }).show();
        }
        Ended::Finished if outcome.summary.rows > 0 && !outcome.summary.reasons.is_empty() => {
            say!(
                "by recipient: `volley report {name} --csv`; rejected rows: {}",
                outcome.folder.join("rejects.csv").display()
            );
        }
        Ended::Finished => {}
    }
}
