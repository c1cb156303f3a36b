//! `volley doubt list` and `volley doubt resolve`.

use std::collections::BTreeSet;

use serde_json::json;
use volley_engine::{DataDir, Decided, DoubtRow, DoubtVerdict, Doubts, ListedDoubts, list_doubts};

use super::run::confirm;
use crate::{
    args::{DoubtCommand, DoubtList, DoubtResolve, Verdict},
    failure::{Code, Failure},
    output::{grouped, print},
};

pub(crate) fn doubt(data: &DataDir, what: &DoubtCommand) -> Result<Code, Failure> {
    match what {
        DoubtCommand::List(args) => list(data, args),
        DoubtCommand::Resolve(args) => resolve(data, args),
    }
}

fn list(data: &DataDir, args: &DoubtList) -> Result<Code, Failure> {
    let ListedDoubts { campaign, rows } = list_doubts(data, &args.campaign)?;
    if args.json {
        let value = json!({ "campaign": campaign, "in_doubt": rows.len(), "rows": rows });
        print(&format!("{value:#}\n"))?;
        return Ok(Code::Clean);
    }
    print(&table(&campaign, &rows))?;
    if !rows.is_empty() {
        say!("decide with `volley doubt resolve {campaign} --as sent|failed|resend` when nothing runs");
    }
    Ok(Code::Clean)
}

fn table(campaign: &str, rows: &[DoubtRow]) -> String {
    let mut out = format!("{campaign} · {} rows in doubt\n", grouped(rows.len() as u64));
    if rows.is_empty() {
        return out;
    }
    let header = ["row", "line", "number", "carrier", "since", "cause"];
    let [row, line, number, carrier, since, cause] = header;
    out.push_str(&format!("{row:>10}  {line:>10}  {number:<17} {carrier:<16} {since:<24}  {cause}\n"));
    for row in rows {
        let again = if row.possible_duplicate { " (sent again before)" } else { "" };
        out.push_str(&format!(
            "{:>10}  {:>10}  {:<17} {:<16} {:<24}  {}{again}\n",
            row.row, row.line, row.number, row.carrier, row.since, row.cause
        ));
    }
    out
}

fn resolve(data: &DataDir, args: &DoubtResolve) -> Result<Code, Failure> {
    let mut doubts = Doubts::open(data, &args.campaign)?;
    let rows: BTreeSet<u64> = args.rows.iter().flat_map(|(from, to)| *from..=*to).collect();
    let rows = (!rows.is_empty()).then_some(rows);
    let n_rows = rows.as_ref().map_or_else(|| doubts.list().map(|rows| rows.len()), |rows| Ok(rows.len()))?;
    let name = doubts.name();
    let (verdict, word) = match args.verdict {
        Verdict::Sent => (DoubtVerdict::Sent, "count as sent"),
        Verdict::Failed => (DoubtVerdict::Failed, "count as failed"),
        Verdict::Resend => (DoubtVerdict::Resend, "be sent again, as possible duplicates"),
    };
    if n_rows > 0 && !args.yes && !confirm(&format!("{} rows of {name} will {word}: go on?", grouped(n_rows as u64)))? {
        say!("nothing was decided");
        return Ok(Code::Interrupted);
    }
    let decided = doubts.resolve(rows.as_ref(), verdict, &args.by, &args.why)?;
    show(&decided, args.json, word)?;
    if args.verdict == Verdict::Resend && decided.rows > 0 {
        say!("they leave with `volley resume {name}`");
    }
    Ok(if decided.remaining > 0 { Code::InDoubt } else { Code::Clean })
}

fn show(decided: &Decided, as_json: bool, word: &str) -> Result<(), Failure> {
    if as_json {
        return print(&format!("{:#}\n", json!(decided)));
    }
    let Decided { rows, segments: _, remaining } = decided;
    print(&format!("{} rows will {word}; {} remain in doubt\n", grouped(*rows), grouped(*remaining)))
}
