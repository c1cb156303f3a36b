//! What changes a plan's hash, and what does not.

use std::{fs, path::Path};

use super::*;

const LIST: &str = "phone,first_name\n+4915112345678,Anna\n+4915112345679,Bert\nx,Carl\n";
const CAMPAIGN: &str = "name = \"c\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n[message]\nsender = \"ACME\"\n\
                        text = \"Hi {{ first_name }}\"\n[replies]\nkeywords = \"words.toml\"\n[[route]]\ncarrier = \"north\"\n";
const CARRIERS: &str = "[carriers.north]\nkind = \"smpp\"\nhosts = [\"127.0.0.1:2775\"]\nsystem-id = \"acme\"\n\
                        password = { env = \"NORTH\" }\nrate = \"300/s\"\n[carriers.unused]\nkind = \"simulated\"\n";

/// The files of a campaign, and a data directory beside them.
fn world(dir: &Path) {
    fs::write(dir.join("list.csv"), LIST).unwrap();
    fs::write(dir.join("campaign.toml"), CAMPAIGN).unwrap();
    fs::write(dir.join("carriers.toml"), CARRIERS).unwrap();
    let words = include_str!("../../data/keywords.toml");
    fs::write(dir.join("words.toml"), words).unwrap();
}

fn preflight(engine: &Engine, dir: &Path) -> Preflight {
    engine.preflight(&dir.join("campaign.toml"), &dir.join("carriers.toml"), &mut |_| {}).unwrap()
}

/// The hash of what lies there, and what differs from `saved`.
fn now(engine: &Engine, dir: &Path, saved: &SavedPlan) -> Vec<String> {
    let preflight = preflight(engine, dir);
    let changes = saved.terms.changes(&preflight.terms, &preflight.file_names());
    assert_eq!(changes.is_empty(), preflight.terms.hash() == saved.hash, "{changes:?}");
    let refused = engine.check_approved(&preflight, &saved.hash[..8], false);
    assert_eq!(refused.is_ok(), changes.is_empty(), "{refused:?}");
    changes.iter().map(ToString::to_string).collect()
}

#[test]
fn every_edit_that_matters_changes_the_hash_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    let engine = Engine::open(&DataDir::new(&dir.join("data"))).unwrap();
    let saved = engine.save_plan(&preflight(&engine, dir), "ada").unwrap();
    assert_eq!((saved.status(), saved.saved_by.as_str(), saved.hash.len()), ("waiting", "ada", 64));
    let with = |file: &str, text: &str, from: &str, to: &str| {
        assert!(text.contains(from));
        fs::write(dir.join(file), text.replace(from, to)).unwrap();
        let changes = now(&engine, dir, &saved);
        fs::write(dir.join(file), text).unwrap();
        changes
    };
    let campaign = |from, to| with("campaign.toml", CAMPAIGN, from, to);
    let carriers = |from, to| with("carriers.toml", CARRIERS, from, to);
    let list = |from, to| with("list.csv", LIST, from, to);
    assert_eq!(
        campaign("Hi {{", "Ho {{"),
        ["campaign.toml: message.text: \"Ho {{ first_name }}\", was \"Hi {{ first_name }}\""]
    );
    assert_eq!(
        campaign("[replies]", "[schedule]\nrate = \"5/s\"\n[replies]"),
        ["campaign.toml: schedule.rate: \"5/s\", is new"]
    );
    assert_eq!(campaign("to = \"phone\"", "to = \"#1\"").len(), 1);
    assert_eq!(carriers("300/s", "500/s"), ["carriers.toml: north.rate: \"500/s\", was \"300/s\""]);
    assert_eq!(carriers("rate = \"300/s\"\n", ""), ["carriers.toml: north.rate: is gone, was \"300/s\""]);
    assert_eq!(list("x,Carl\n", "x,Carl\n+4915112345670,Dora\n+4915112345671,Emil\n"), ["the list: 2 rows more"]);
    assert_eq!(list("+4915112345679,Bert\n", ""), ["the list: 1 row fewer"]);
    assert_eq!(list("Bert", "Bart"), ["the list: as many rows, and other values in them"]);
    assert_eq!(list("x,Carl", "+4915112345670,Carl"), ["the list: 1 row that can be sent more"]);
    assert_eq!(list("x,Carl", "y,Carl"), ["the list: other octets, and the same rows to send"]);
    let words = include_str!("../../data/keywords.toml");
    let changes = with("words.toml", words, "STOP", "HALT");
    assert!(changes.len() == 1 && changes[0].starts_with("campaign.toml: replies.keywords: \"sha256:"), "{changes:?}");
    // What does not matter: comments, order, secrets, other carriers.
    assert_eq!(campaign("[replies]", "# as agreed\n[replies]"), [""; 0]);
    assert_eq!(carriers("env = \"NORTH\"", "file = \"north.password\""), [""; 0]);
    assert_eq!(carriers("rate = \"300/s\"\n[carriers.unused]\n", "[carriers.unused]\nrate = \"9/s\"\n").len(), 1);
    assert_eq!(carriers("kind = \"simulated\"", "kind = \"simulated\"\nwindow = 3"), [""; 0]);
    assert!(!fs::read_to_string(dir.join("data/plans").join(&saved.hash).join(TERMS)).unwrap().contains("NORTH"));
}

#[test]
fn the_hash_is_the_same_on_any_machine_and_wherever_the_files_lie() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hash = |dir: &Path| {
        let engine = Engine::open(&DataDir::new(&dir.join("data"))).unwrap();
        preflight(&engine, dir).terms.hash()
    };
    world(dirs[0].path());
    world(dirs[1].path());
    fs::create_dir(dirs[1].path().join("lists")).unwrap();
    fs::rename(dirs[1].path().join("list.csv"), dirs[1].path().join("lists/march.csv")).unwrap();
    fs::rename(dirs[1].path().join("words.toml"), dirs[1].path().join("lists/words.toml")).unwrap();
    let moved = CAMPAIGN.replace("list.csv", "lists/march.csv").replace("words.toml", "lists/words.toml");
    fs::write(dirs[1].path().join("campaign.toml"), moved).unwrap();
    assert_eq!(hash(dirs[0].path()), hash(dirs[1].path()));
}

#[test]
fn a_plan_runs_once_and_what_was_damaged_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    let data = DataDir::new(&dir.join("data"));
    let mut engine = Engine::open(&data).unwrap();
    let checked = preflight(&engine, dir);
    let hash = checked.terms.hash();
    let refused = |engine: &Engine, prefix: &str| engine.check_approved(&checked, prefix, false).unwrap_err();
    assert!(matches!(refused(&engine, &hash[..12]), Error::NoPlan { .. }));
    assert!(matches!(refused(&engine, &hash[..7]), Error::NoHash { .. }));
    assert!(matches!(refused(&engine, "../../etc/passwd"), Error::NoHash { .. }));
    engine.check_approved(&checked, &hash, false).unwrap();
    let saved = engine.save_plan(&checked, "ada").unwrap();
    assert_eq!(engine.save_plan(&checked, "bob").unwrap(), saved, "it was saved before");
    // A name that begins alike.
    let twin = data.plans().join(format!("{}{}", &hash[..10], "0".repeat(54)));
    fs::create_dir(&twin).unwrap();
    assert!(matches!(refused(&engine, &hash[..10]), Error::SeveralPlans { n: 2, .. }));
    fs::remove_dir(twin).unwrap();
    engine.check_approved(&checked, &hash.to_uppercase()[..10], false).unwrap();
    let id = engine.approve(&checked).unwrap();
    assert_eq!(saved_plans(&data).unwrap()[0].campaign, Some(id.0));
    assert_eq!(seal::hash_of(&fs::read(data.campaign(id).join(TERMS)).unwrap()), hash);
    assert!(matches!(refused(&engine, &hash), Error::PlanUsed { campaign: 1, .. }));
    engine.check_approved(&checked, &hash, true).unwrap();
    // The journal knows it, whatever became of the note.
    remove_plan(&data, &hash[..8]).unwrap();
    assert!(matches!(refused(&engine, &hash), Error::PlanUsed { campaign: 1, .. }));
    engine.save_plan(&checked, "ada").unwrap();
    let path = data.plans().join(&hash).join(TERMS);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("ACME", "ACNE")).unwrap();
    assert!(matches!(saved_plan(&data, &hash), Err(Error::PlanDamaged { .. })));
    assert!(saved_plans(&data).unwrap().is_empty());
    engine.save_plan(&checked, "ada").unwrap();
    assert_eq!(saved_plan(&data, &hash[..8]).unwrap().terms, checked.terms);
}
