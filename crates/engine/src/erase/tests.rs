//! Every step of an erasure, stopped behind it; the next opening does the rest.

use std::{fs, path::Path};

use volley_core::{CampaignId, Clock as _, SystemClock, UnixMicros};
use volley_ingest::{Plan, PlanChunk};

use super::*;
use crate::Report;

const NUMBER: &str = "4915112345678";

/// A data directory with an approved campaign, a reply, an export and a dry run's list.
fn world(dir: &Path, retention: &str) -> DataDir {
    let list = "phone,first_name,friend\n+4915112345678,Annabel,x\n+4915112345679,Bertold,0151 12345678\n\
                0151/12345678,Annabel,again\n+4915112345670,Carl,y\n";
    fs::write(dir.join("list.csv"), list).unwrap();
    let campaign = format!(
        "name = \"c\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\ndefault-country = \"DE\"\n[message]\n\
         sender = \"ACME\"\ntext = \"Hi {{{{ first_name }}}} {{{{ friend }}}}\"\n{retention}[[route]]\ncarrier = \"s\"\n"
    );
    fs::write(dir.join("campaign.toml"), &campaign).unwrap();
    fs::write(dir.join("carriers.toml"), "[carriers.s]\nkind = \"simulated\"\n").unwrap();
    let data = DataDir::new(&dir.join("data"));
    let mut engine = Engine::open(&data).unwrap();
    for is_approved in [true, false] {
        let preflight = engine.preflight(&dir.join("campaign.toml"), &dir.join("carriers.toml"), &mut |_| {}).unwrap();
        if is_approved {
            engine.approve(&preflight).unwrap();
        }
    }
    // And a plan that was saved and never ran, whose text names somebody.
    fs::write(dir.join("saved.toml"), campaign.replace("Hi {{", "Call +4915112345678, {{")).unwrap();
    let preflight = engine.preflight(&dir.join("saved.toml"), &dir.join("carriers.toml"), &mut |_| {}).unwrap();
    engine.save_plan(&preflight, "ada").unwrap();
    fs::write(data.root().join("export.csv"), format!("line,number\n2,+{NUMBER}\n3,+4915112345679\n")).unwrap();
    fs::write(data.root().join("note.txt"), format!("call +{NUMBER}\nand nobody else\n")).unwrap();
    fs::create_dir_all(data.root().join("simulated")).unwrap();
    fs::write(data.campaign_spool(CampaignId(1)), format!("T 0 {NUMBER} 0 7 2 a x\nT 0 4915112345670 0 8 2 a x\n"))
        .unwrap();
    data
}

/// Where the number still stands, in any form that was put there; the name, too.
fn places(root: &Path) -> Vec<String> {
    let mut places = Vec::new();
    let number = NUMBER.parse::<u64>().unwrap();
    let forms: [&[u8]; 5] = [NUMBER.as_bytes(), b"0151 12345678", b"0151/12345678", b"Annabel", &number.to_le_bytes()];
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(octets) = fs::read(&path) {
                let found = |form: &&[u8]| octets.windows(form.len()).any(|window| window == *form);
                places.extend(forms.iter().filter(|form| found(form)).map(|form| format!("{path:?} {form:?}")));
            }
        }
    }
    places
}

fn report(data: &DataDir) -> String {
    let mut csv = Vec::new();
    let report = Report::open(data, "c").unwrap();
    report.summary().unwrap();
    report.write_csv(&mut csv, &mut |_| {}).unwrap();
    String::from_utf8(csv).unwrap()
}

fn check_gone(data: &DataDir) {
    assert_eq!(places(data.root()), Vec::<String>::new());
    let csv = report(data);
    assert!(csv.contains("\n2,erased,pending,") && csv.contains("\n3,+4915112345679,pending,"), "{csv}");
    assert!(csv.contains("\n4,erased,rejected,"), "{csv}");
    let plan = Plan::open(&data.campaign(CampaignId(1))).unwrap();
    let mut chunk = PlanChunk::default();
    plan.read_chunk(0, &mut chunk).unwrap();
    let row = |offset| chunk.row(offset).unwrap();
    assert!(row(0).msisdn.is_none() && row(0).field(0).is_empty() && row(0).line == 2);
    assert_eq!((row(1).field(0), row(1).field(1), plan.n_erased()), ("Bertold", "erased", 1));
    assert_eq!((plan.frozen().n_rows, plan.frozen().n_valid), (4, 3));
    let diagnosis = crate::diagnose(data).unwrap();
    assert!(diagnosis.is_clean() && diagnosis.campaigns.iter().all(|sums| sums.agree), "{:?}", diagnosis.findings);
    let spool = fs::read_to_string(data.campaign_spool(CampaignId(1))).unwrap();
    assert_eq!(spool, "T 0 1 0 7 2 a x\nT 0 4915112345670 0 8 2 a x\n");
    let export = fs::read_to_string(data.root().join("export.csv")).unwrap();
    assert_eq!(export, "line,number\nerased,erased\n3,+4915112345679\n");
    assert_eq!(fs::read_to_string(data.root().join("note.txt")).unwrap(), "erased\nand nobody else\n");
    let mut engine = Engine::open(data).unwrap();
    let number = read(&format!("+{NUMBER}"), None).ok();
    let cause = engine.suppressed(&[]).unwrap().cause(number.unwrap(), now());
    assert_eq!(cause, Some(SuppressCause::Erased));
    // Nobody takes it off, and asked again there is nothing left.
    engine.lift_suppression(&format!("+{NUMBER}"), &crate::SuppressOptions::default()).unwrap();
    assert!(engine.suppressed(&[]).unwrap().cause(number.unwrap(), now()).is_some());
    let who = ErasePerson { number: "0151 12345678", country: Some("DE"), by: "ops", why: "again" };
    let before = engine.ledger.n_erasures();
    let again = engine.erase(&who).unwrap();
    assert!(again.was_erased_before && again.rows == 0 && engine.ledger.n_erasures() == before, "{again:?}");
}

fn begun(engine: &Engine) -> Begun {
    let what = What::Person { number: NUMBER.parse().unwrap(), by: "ops".to_owned(), why: "request 17".to_owned() };
    Begun { erasure: engine.ledger.n_erasures() + 1, at_us: SystemClock.wall().0, what }
}

#[test]
fn a_person_is_erased_from_every_file_and_every_sum_stays() {
    let dir = tempfile::tempdir().unwrap();
    let data = world(dir.path(), "");
    assert!(places(data.root()).len() >= 8);
    let mut engine = Engine::open(&data).unwrap();
    let why = format!("asked by +{NUMBER}");
    let who = ErasePerson { number: "0151 12345678", country: Some("DE"), by: "ops", why: &why };
    let erasure = engine.erase(&who).unwrap();
    assert_eq!((erasure.rows, erasure.rejected, erasure.mentions), (1, 1, 1), "{erasure:?}");
    assert_eq!((erasure.campaigns.as_slice(), erasure.own_lists.len()), (&["c".to_owned()][..], 1));
    drop(engine);
    check_gone(&data);
}

#[test]
fn stopped_behind_any_step_the_next_opening_finishes_it() {
    for n_steps in 1..=5 {
        let dir = tempfile::tempdir().unwrap();
        let data = world(dir.path(), "");
        let mut engine = Engine::open(&data).unwrap();
        let begun = begun(&engine);
        begun.write(&data).unwrap();
        let mut eraser = Eraser::of(&mut engine);
        if n_steps >= 2 {
            let changes = eraser.prepare(&begun).unwrap();
            if n_steps == 2 {
                // A new file that was written in part.
                fs::write(data.campaign(CampaignId(1)).join("list.bin.erasing"), b"half").unwrap();
            }
            if n_steps >= 3 {
                eraser.commit(&begun, changes).unwrap();
            }
        }
        if n_steps == 4 {
            // Some of the new files are in their places.
            let plan = data.campaign(CampaignId(1)).join("plan.json");
            fs::rename(volley_ingest::person::beside(&plan), plan).unwrap();
        }
        if n_steps == 5 {
            files::put_in_place(&data).unwrap();
        }
        drop(engine);
        let engine = Engine::open(&data).unwrap();
        assert_eq!(engine.notes.len(), 1, "{n_steps}: {:?}", engine.notes);
        drop(engine);
        assert!(!data.erasing().exists());
        check_gone(&data);
    }
}

#[test]
fn files_that_were_damaged_are_not_taken_for_erased_ones() {
    let dir = tempfile::tempdir().unwrap();
    let data = world(dir.path(), "");
    let rejects = data.campaign(CampaignId(1)).join("rejects.csv");
    let text = fs::read_to_string(&rejects).unwrap();
    fs::write(&rejects, text.replace("duplicate", "duplicata")).unwrap();
    let mut engine = Engine::open(&data).unwrap();
    let who = ErasePerson { number: &format!("+{NUMBER}"), country: None, by: "ops", why: "" };
    assert!(matches!(engine.erase(&who), Err(Error::Changed { .. })));
    drop(engine);
    // Restored, it goes on by itself.
    fs::write(&rejects, text).unwrap();
    drop(Engine::open(&data).unwrap());
    check_gone(&data);
    // What is changed after an erasure is found as before.
    fs::write(&rejects, "x").unwrap();
    assert!(matches!(
        Report::open(&data, "c").unwrap().write_csv(&mut Vec::new(), &mut |_| {}),
        Err(Error::Changed { .. })
    ));
}

#[test]
fn a_campaign_whose_time_is_over_loses_everybody_and_keeps_its_sums() {
    let dir = tempfile::tempdir().unwrap();
    let data = world(dir.path(), "[privacy]\nretention = \"90d\"\n");
    let mut engine = Engine::open(&data).unwrap();
    let at = now();
    assert_eq!(engine.erase_expired(UnixMicros(u64::MAX)).unwrap(), Vec::<String>::new(), "it is not finished");
    engine
        .record(|events| {
            events.control(CampaignId(1), at, volley_reconciler::record::Control::Finished, "");
        })
        .unwrap();
    let days = |n: u64| at.plus(std::time::Duration::from_secs(n * 86_400));
    assert!(engine.erase_expired(days(89)).unwrap().is_empty());
    assert_eq!(engine.erase_expired(days(90)).unwrap(), ["c"]);
    assert!(engine.erase_expired(days(91)).unwrap().is_empty(), "once");
    drop(engine);
    let csv = report(&data);
    assert_eq!(csv.matches(",erased,pending,").count(), 3, "{csv}");
    assert_eq!(csv.matches(",erased,rejected,").count(), 1, "{csv}");
    let folder = data.campaign(CampaignId(1));
    for word in ["Annabel", "Bertold", "Carl", "1234567"] {
        for name in ["list.bin", "plan.json", "rejects.csv"] {
            let octets = fs::read(folder.join(name)).unwrap();
            assert!(!String::from_utf8_lossy(&octets).contains(word), "{word} in {name}");
        }
    }
    assert!(crate::diagnose(&data).unwrap().is_clean());
}
