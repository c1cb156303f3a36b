//! Suppression lists: by name, with an end, from a CSV, and asked again when a row's turn comes.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::{
    replies::{number, run, submitted},
    support::{Simulator, n, status, stderr, volley, write_campaign},
};

fn suppress(dir: &Path, args: &[&str]) -> Output {
    volley(dir).arg("suppress").args(args).stdin(Stdio::null()).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn lists_of_a_brand_apply_to_campaigns_that_name_them_and_the_global_one_to_all() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 100, &simulator.address, "");
    let global = format!("+{}", number(dir, 1));
    let add = suppress(dir, &["add", &global, "--source", "hotline", "--reason", "ticket 17"]);
    assert!(told(&add).contains("by person, on list global (hotline: ticket 17)"), "{}", told(&add));
    let brand = dir.join("brand.csv");
    let [two, three, four, five] = [2, 3, 4, 5].map(|row| number(dir, row));
    let text = format!(
        "name,msisdn,reason,expires\nA,+{two},moved,\nB,x,,\nC,{three},,2099-01-01\n\
                        D,+{four},,2001-01-01\nE,+{five},,soon\nF,+{two},again,\n"
    );
    fs::write(&brand, text).unwrap();
    let file = brand.to_str().unwrap();
    let imported = suppress(dir, &["import", file, "--list", "brand-x", "--column", "msisdn", "--json"]);
    assert_eq!(imported.status.code(), Some(1), "{}", stderr(&imported));
    let json: Value = serde_json::from_slice(&imported.stdout).unwrap();
    let bad: Vec<u64> = json["bad_rows"].as_array().unwrap().iter().map(|row| n(row, "/line")).collect();
    assert_eq!((n(&json, "/rows"), n(&json, "/numbers"), bad), (6, 3, vec![3, 6]), "{json}");
    // A number without country is bad where no country is given; with one it is read.
    let again = suppress(dir, &["import", file, "--list", "brand-x", "--column", "msisdn", "--json"]);
    let json: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(n(&json, "/known"), 3, "{json}");
    let wrong = fs::read_to_string(&campaign).unwrap();
    let named = |list: &str| wrong.replace("to = \"phone\"", &format!("to = \"phone\"\nsuppress = [\"{list}\"]"));
    fs::write(&campaign, named("brand-y")).unwrap();
    let refused = volley(dir).arg("run").arg(&campaign).arg("--yes").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("no suppression list `brand-y`: there are global, brand-x"),
        "{}",
        stderr(&refused)
    );
    fs::write(&campaign, named("brand-x")).unwrap();
    let dry = volley(dir).arg("run").arg(&campaign).arg("--dry-run").output().unwrap();
    assert!(stderr(&dry).contains("suppressed: put on the list by a person: "), "{}", stderr(&dry));
    run(dir, &campaign, &[]);
    assert_eq!(n(&status(dir).unwrap(), "/states/suppressed"), 3);
    // The simulator writes its log a moment later.
    let log_of = |n_submits: usize| {
        while submitted(dir).len() < n_submits {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        submitted(dir)
    };
    let log = log_of(97);
    let is_sent = |row: usize| log.contains(&number(dir, row));
    assert_eq!([1, 2, 3, 4, 5].map(is_sent), [false, false, false, true, true], "an end in the past is over");
    // The list of the brand means nothing to others.
    fs::write(&campaign, &wrong).unwrap();
    run(dir, &campaign, &["--again"]);
    assert_eq!(n(&status(dir).unwrap(), "/states/suppressed"), 1);
    assert_eq!(log_of(97 + 99).iter().filter(|to| **to == two).count(), 1);
    drop(simulator.stop());
}

#[test]
fn lists_are_shown_masked_and_exported_in_full_and_removing_takes_the_number_away() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (one, other) = ("+4915112345678", "+4915112345679");
    for number in [one, other] {
        assert_eq!(suppress(dir, &["add", number, "--list", "x", "--source", "=cmd()"]).status.code(), Some(0));
    }
    let listed = suppress(dir, &["list", "--list", "x"]);
    assert!(told(&listed).contains("+4915*******78") && !told(&listed).contains("12345678"), "{}", told(&listed));
    let export = told(&suppress(dir, &["export"]));
    assert!(export.starts_with("number,list,since,expires,cause,source,reason\n+4915112345678,x,20"), "{export}");
    assert!(export.contains(",person,'=cmd(),"), "{export}");
    assert_eq!(suppress(dir, &["remove", one, "--list", "x"]).status.code(), Some(0));
    let file = fs::read_to_string(dir.join("data/suppress/x.tsv")).unwrap();
    assert!(!file.contains("4915112345678") && file.contains("4915112345679"), "{file}");
    let lists: Value = serde_json::from_slice(&suppress(dir, &["list", "--json"]).stdout).unwrap();
    assert_eq!(
        lists,
        serde_json::json!([{"list": "global", "numbers": 0, "expired": 0}, {"list": "x", "numbers": 1, "expired": 0}])
    );
    // Erased: the list keeps the hash on the global list, and the number nowhere.
    let erased = volley(dir).args(["erase", other, "--yes"]).output().unwrap();
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    let export = told(&suppress(dir, &["export"]));
    assert!(!export.contains("4915112345679") && export.contains("\n,global,20"), "{export}");
    assert!(told(&suppress(dir, &["remove", other])).contains("by erased"), "nobody takes it off");
    assert_eq!(suppress(dir, &["add", one, "--list", "../x"]).status.code(), Some(2));
}

#[test]
fn a_hundred_thousand_numbers_survive_the_loss_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let text: String = (0..100_000).map(|n| format!("+49151{:08}\n", 10_000_000 + n)).collect();
    fs::write(dir.join("many.csv"), text).unwrap();
    let imported = suppress(dir, &["import", dir.join("many.csv").to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(0), "{}{}", told(&imported), stderr(&imported));
    assert!(told(&imported).contains("100,000 numbers on the list, 100,000 of them new"), "{}", told(&imported));
    let check = || told(&suppress(dir, &["check", "+4915110099999"]));
    assert!(check().starts_with("suppressed since 20"), "{}", check());
    fs::remove_dir_all(dir.join("data/store")).unwrap();
    assert!(check().starts_with("suppressed since 20"), "{}", check());
    assert_eq!(told(&suppress(dir, &["check", "+4915110100000"])), "not suppressed\n");
}
