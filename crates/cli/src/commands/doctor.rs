//! `volley doctor`.

use serde_json::json;
use volley_engine::{CampaignSums, DataDir, Diagnosis, MessageState, Sums, diagnose, repair};

use crate::{
    args::DoctorArgs,
    failure::{Code, Failure},
    output::{grouped, print},
};

pub(crate) fn doctor(data: &DataDir, args: &DoctorArgs) -> Result<Code, Failure> {
    let mut diagnosis = diagnose(data)?;
    let before = diagnosis.findings.clone();
    let mut repairs = Vec::new();
    if args.repair && !diagnosis.is_clean() {
        repairs = repair(data, &diagnosis)?;
        diagnosis = diagnose(data)?;
    }
    if args.json {
        let mut value = json!(diagnosis);
        if let Some(map) = value.as_object_mut().filter(|_| args.repair) {
            map.insert("found_before_repair".to_owned(), json!(before));
            map.insert("repairs".to_owned(), json!(repairs));
        }
        print(&format!("{value:#}\n"))?;
    } else {
        if args.repair {
            let found = before.iter().map(|finding| format!("found: {}\n", finding.what));
            let done = repairs.iter().map(|done| format!("repaired: {done}\n"));
            print(&found.chain(done).collect::<String>())?;
        }
        print(&table(&diagnosis))?;
    }
    Ok(if diagnosis.is_clean() { Code::Clean } else { Code::Damaged })
}

fn table(diagnosis: &Diagnosis) -> String {
    let journal = &diagnosis.journal;
    let mut out = format!(
        "journal: records {} to {} in {} files, {} octets\n",
        journal.first,
        grouped(journal.last),
        journal.segments,
        grouped(journal.bytes)
    );
    if journal.base > 0 {
        out.push_str(&format!("base: stands for the records up to {}\n", grouped(journal.base)));
    }
    diagnosis.campaigns.iter().for_each(|campaign| put_campaign(&mut out, campaign));
    for finding in &diagnosis.findings {
        out.push_str(&format!("DAMAGED: {}\n", finding.what));
        let advice = finding.repair.map_or("nothing was changed: restore it from a backup".to_owned(), |repair| {
            format!("`volley doctor --repair` {repair}")
        });
        out.push_str(&format!("  {advice}\n"));
    }
    if diagnosis.is_clean() {
        out.push_str("all is well: every record was read, and the three sums agree\n");
    }
    out
}

fn put_campaign(out: &mut String, sums: &CampaignSums) {
    let CampaignSums { id, campaign, rows, counters, store, journal, agree } = sums;
    let verdict = if *agree { "agree" } else { "DON'T AGREE" };
    out.push_str(&format!("campaign {id} ({campaign}): {} rows, sums {verdict}\n", grouped(*rows)));
    out.push_str(&format!("  {:<12} {:>14} {:>14} {:>14}\n", "", "counters", "store", "journal alone"));
    let columns = [counters, store, journal];
    for state in MessageState::ALL {
        let n_in = |sums: &Option<Sums>| sums.map(|sums| sums.0.states.get(state));
        if columns.iter().any(|sums| n_in(sums).is_some_and(|n| n > 0)) {
            put_line(out, state.name(), columns.map(n_in));
        }
    }
    put_line(out, "segments", columns.map(|sums| sums.map(|sums| sums.0.submitted)));
}

fn put_line(out: &mut String, name: &str, values: [Option<u64>; 3]) {
    let [a, b, c] = values.map(|value| value.map_or_else(|| "–".to_owned(), grouped));
    out.push_str(&format!("  {name:<12} {a:>14} {b:>14} {c:>14}\n"));
}
