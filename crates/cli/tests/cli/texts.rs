//! Texts through the real binary: variants, hold-outs, empty fields, samples, and mistakes told
//! with their place.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::support::{stderr, volley};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/variants")
}

fn run(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).arg("--no-progress").current_dir(dir).output().unwrap()
}

/// A campaign with this message and list over one simulated carrier.
fn write(dir: &Path, audience: &str, message: &str, list: &str) {
    let campaign = format!(
        "name = \"texts\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n{audience}\n[message]\nsender = \"ACME\"\n\
         {message}\n[[route]]\ncarrier = \"north\"\n"
    );
    fs::write(dir.join("campaign.toml"), campaign).unwrap();
    fs::write(dir.join("carriers.toml"), "[carriers.north]\nkind = \"simulated\"\nrate = \"5000/s\"\n").unwrap();
    fs::write(dir.join("list.csv"), list).unwrap();
}

fn samples(dir: &Path, args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(dir, &[&["sample", "campaign.toml", "--json"], args].concat());
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (output.status.code(), value.as_array().unwrap().clone())
}

#[test]
fn variants_hold_outs_and_report_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let campaign = fixture().join("campaign.toml");
    let output = run(dir.path(), &["run", campaign.to_str().unwrap(), "--yes", "--json"]);
    let words = stderr(&output);
    assert!(output.status.success(), "{words}");
    for part in ["variant de: ", "variant south: ", "variant a: ", "variant b: ", "suppressed: hold-out: "] {
        assert!(words.contains(part), "no `{part}` in {words}");
    }
    let report = run(dir.path(), &["report", "summer-points", "--by", "variant", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let lines = report["breakdowns"]["variant"]["lines"].as_array().unwrap();
    let by_name: BTreeMap<_, _> =
        lines.iter().map(|line| (line["key"].as_str(), line["rows"].as_u64().unwrap())).collect();
    assert_eq!(by_name.values().sum::<u64>(), 120, "{by_name:?}");
    let csv = run(dir.path(), &["report", "summer-points", "--csv"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "variant").unwrap();
    for name in ["de", "south", "a", "b", "hold-out"] {
        let rows = csv.lines().filter(|line| line.split(',').nth(column) == Some(name));
        let in_csv: Vec<_> = rows.clone().collect();
        assert!(!in_csv.is_empty(), "{name}");
        assert_eq!(by_name[&Some(name)], in_csv.len() as u64, "{name}");
        if name == "hold-out" {
            assert!(in_csv.iter().all(|line| line.contains(",suppressed,suppressed: hold-out,")), "{in_csv:?}");
        } else {
            assert!(in_csv.iter().all(|line| !line.contains(",suppressed,")), "{in_csv:?}");
        }
    }
    let doctor = run_plain(dir.path(), &["doctor"]);
    assert!(doctor.status.success(), "{}", stderr(&doctor));
}

fn run_plain(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).current_dir(dir).output().unwrap()
}

#[test]
fn samples_are_what_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["campaign.toml", "carriers.toml", "recipients.csv"] {
        fs::copy(fixture().join(name), dir.path().join(name)).unwrap();
    }
    let (code, drawn) = samples(dir.path(), &["-n", "15", "--seed", "9"]);
    assert_eq!((code, drawn.len()), (Some(0), 15));
    assert_eq!(samples(dir.path(), &["-n", "15", "--seed", "9"]).1, drawn, "the same for the same seed");
    assert_ne!(samples(dir.path(), &["-n", "15", "--seed", "10"]).1, drawn);
    let (code, chosen) = samples(dir.path(), &["--rows", "3,19,2000"]);
    assert_eq!(code, Some(1), "two of them get no message");
    let fates: Vec<_> =
        chosen.iter().map(|row| (row["line"].as_u64().unwrap(), row["fate"].as_str().unwrap())).collect();
    assert_eq!(fates[1..], [(19, "rejected"), (2000, "no-row")]);
    assert_eq!(chosen[1]["code"], "empty-field");
    let masked = run(dir.path(), &["sample", "campaign.toml"]);
    let masked = String::from_utf8(masked.stdout).unwrap();
    assert!(masked.contains("+4915") && masked.contains("***"), "{masked}");
    let full = run(dir.path(), &["sample", "campaign.toml", "--full-numbers"]);
    assert!(!String::from_utf8(full.stdout).unwrap().contains('*'));
    assert!(!dir.path().join("data").exists(), "nothing is remembered");
}

#[test]
fn samples_show_texts_to_the_letter_and_no_control_characters() {
    let dir = tempfile::tempdir().unwrap();
    let list = "phone,name,lang,due\n+4915112345670,zoë,de,2026-03-02\n+4915112345671,{{ name }},fr,2026-03-02\n\
                +4915112345672,\"a\u{1b}[2Jb\",pl,2026-03-02\n+4915112345673,x,en,2026-02-30\n";
    let message = "text = '{{ name | title }}: {{ due | date(\"full\") }}'";
    write(dir.path(), "locale-column = \"lang\"", message, list);
    let (_, rows) = samples(dir.path(), &["--rows", "2,3,4,5"]);
    let texts: Vec<_> = rows.iter().map(|row| row["text"].as_str().or(row["code"].as_str()).unwrap()).collect();
    let expected = [
        "Zoë: Montag, 2. März 2026",
        "{{ Name }}: lundi 2 mars 2026",
        "A\u{1b}[2jb: poniedziałek, 2 marca 2026",
        "text-failed",
    ];
    assert_eq!(texts, expected);
    assert_eq!((&rows[0]["alphabet"], &rows[0]["parts"]), (&Value::from("ucs2"), &Value::from(1)));
    assert!(rows[3]["reason"].as_str().unwrap().contains("`2026-02-30` is no date"));
    let shown = run(dir.path(), &["sample", "campaign.toml"]);
    assert!(!shown.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&shown.stdout));
}

#[test]
fn an_empty_field_stops_all_where_the_campaign_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let list = "phone,code\n+4915112345670,A\n+4915112345671,B\n+4915112345672, \n+4915112345673,\n";
    write(dir.path(), "", "text = 'Use {{ code }}'\n[message.empty]\ncode = \"stop\"", list);
    let output = run(dir.path(), &["run", "campaign.toml", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let words = stderr(&output);
    assert!(words.contains("line 4, column code: the field is empty") && words.contains("(2 such rows"), "{words}");
}

#[test]
fn a_row_that_is_held_out_is_not_rejected_for_what_it_would_have_needed() {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..60).map(|n| format!("+49151123456{n:02},\n")).collect();
    let message = "text = 'Use {{ code }}'\nhold-out = 0.5";
    write(dir.path(), "", message, &format!("phone,code\n{rows}"));
    let funnel = |code: &str| {
        let words = stderr(&run(dir.path(), &["run", "campaign.toml", "--dry-run"]));
        let n_after = |from: &str| {
            let rest = words.split(from).nth(1).unwrap_or_else(|| panic!("{words}"));
            rest.split_whitespace().next().unwrap().parse::<u32>().unwrap()
        };
        let held = n_after("suppressed: hold-out:");
        assert!(words.contains(code), "{words}");
        (n_after("rejected"), held)
    };
    let (rejected, held) = funnel("empty-field");
    assert!(rejected + held == 60 && held > 15, "{rejected} {held}");
    // The same for a field that a carrier needs.
    write(dir.path(), "", "text = 'Hi'\nhold-out = 0.5", &format!("phone,code\n{rows}"));
    let carriers = fs::read_to_string(dir.path().join("carriers.toml")).unwrap();
    let tlv = "[carriers.north.tlvs]\n\"0x1400\" = { type = \"c-string\", max-length = 9, column = \"code\" }\n";
    fs::write(dir.path().join("carriers.toml"), format!("{carriers}{tlv}")).unwrap();
    assert_eq!(funnel("carrier-field"), (rejected, held));
    // Nor does it stop all.
    write(dir.path(), "", &format!("{message}\n[message.empty]\ncode = \"stop\""), &format!("phone,code\n{rows}"));
    let output = run(dir.path(), &["run", "campaign.toml", "--dry-run"]);
    assert!(stderr(&output).contains(&format!("({rejected} such rows in all)")), "{}", stderr(&output));
}

#[test]
fn columns_that_are_not_there_are_told_with_their_place_in_the_campaign() {
    let dir = tempfile::tempdir().unwrap();
    let list = "phone,first_name\n+4915112345670,A\n";
    write(dir.path(), "", "text = \"\"\"\nHi\n{{ firstname | title }}\"\"\"", list);
    let output = run(dir.path(), &["run", "campaign.toml", "--yes"]);
    assert_eq!(output.status.code(), Some(2));
    let words = stderr(&output);
    assert!(words.contains("campaign.toml:10:4: ") && words.contains("no column `firstname`"), "{words}");
    assert!(words.contains("did you mean `first_name`?"), "{words}");
}
