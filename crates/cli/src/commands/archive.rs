//! `volley archive`.

use serde_json::json;
use volley_engine::{ArchiveOptions, ArchiveOutcome, DataDir, ToArchive, archive as put_away};

use crate::{
    args::ArchiveArgs,
    failure::{Code, Failure},
    output::{grouped, print},
};

pub(crate) fn archive(data: &DataDir, args: &ArchiveArgs) -> Result<Code, Failure> {
    let which = match &args.campaign {
        Some(name) => ToArchive::Named(name.clone()),
        None => ToArchive::Finished { older_than: args.older_than },
    };
    let options = ArchiveOptions { to: args.to.clone(), even_in_doubt: args.even_in_doubt };
    let outcome = put_away(data, &which, &options, &mut |step| say!("{step}"))?;
    if args.json {
        print(&format!("{:#}\n", json!(outcome)))?;
    } else {
        print(&table(&outcome))?;
    }
    Ok(if outcome.skipped.is_empty() { Code::Clean } else { Code::InDoubt })
}

fn table(outcome: &ArchiveOutcome) -> String {
    let mut out = String::new();
    for archived in &outcome.archived {
        let word = if archived.already { "was archived in" } else { "is archived in" };
        let rows = grouped(archived.rows);
        out.push_str(&format!("{} ({rows} rows) {word} {}\n", archived.campaign, archived.file));
    }
    for (_, why) in &outcome.skipped {
        out.push_str(&format!("left alone: {why}\n"));
    }
    if outcome.archived.is_empty() {
        out.push_str("nothing was archived\n");
    } else {
        out.push_str(&format!("journal: {} octets were let go of\n", grouped(outcome.journal_bytes_removed)));
    }
    out
}
