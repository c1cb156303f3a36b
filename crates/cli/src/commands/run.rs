//! `volley run`.

use std::io::{self, IsTerminal as _, Write as _};

use volley_engine::{CancellationToken, DataDir, Ended, Engine, Error, Outcome, Preflight, Prepared, carriers_file};

use super::{check::preview, plan::short, report::write_rows};
use crate::{
    args::{RunArgs, RunOutput},
    failure::{Code, Failure},
    interrupt,
    output::{grouped, outcome_json, print, summary_table},
    progress::{RunProgress, Showing, ended_event, preflight_progress},
};

pub(crate) fn run(data: &DataDir, args: &RunArgs) -> Result<Code, Failure> {
    let mut engine = Engine::open_soon(data)?;
    let carriers = carriers_file(&args.campaign, args.carriers.as_deref());
    let mut progress = preflight_progress(args.output.no_progress);
    let rejects = args.rejects.file();
    let preflight = engine.preflight_with_rejects(&args.campaign, &carriers, rejects.as_ref(), &mut progress)?;
    let name = preflight.approved.options.name.clone();
    say_part!("{}", preview(&preflight));
    preflight.allow()?;
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
