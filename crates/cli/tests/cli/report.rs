//! Reports of a real campaign: every breakdown adds up, amounts are exact, files are whole.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, path::Path, process::Output};

use serde_json::Value;

use crate::support::{n, stderr, volley};

const BREAKDOWNS: [&str; 6] = ["carrier", "country", "sender", "variant", "error", "hour"];

/// Two simulated carriers, one list with faults in it, texts of one and two segments.
fn write_files(dir: &Path, prices: &str) {
    let carriers = format!(
        "[carriers.north]\nkind = \"simulated\"\nwindow = 20\n{prices}\n[carriers.north.simulator]\nseed = 7\n\
         final-states = {{ delivered = 0.9, undelivered = 0.1 }}\nanswer-errors = {{ \"0x0b\" = 0.02 }}\n\
         [carriers.south]\nkind = \"simulated\"\nrate = \"2000/s\"\n\
         price-per-segment = {{ default = \"0.000001 USD\", FR = \"1.5 USD\" }}\n"
    );
    fs::write(dir.join("carriers.toml"), carriers).unwrap();
    let campaign = "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\ndefault-country = \"DE\"\n\
                    [message]\nsender = \"ACME\"\nmax-segments = 4\ntext = \"Hi {{ first_name }}, {{ note }}\"\n\
                    [[route]]\ncarrier = \"north\"\n[[route]]\ncarrier = \"south\"\n";
    fs::write(dir.join("campaign.toml"), campaign).unwrap();
    let mut list = "phone,first_name,note\n".to_owned();
    for n in 0..600 {
        let country = if n % 3 == 0 { "3361234" } else { "4915112" };
        list.push_str(&format!("+{country}{:04},Ann,{}\n", 1_000 + n, "long ".repeat(n % 40)));
    }
    list.push_str("nonsense,Bob,x\n+49151121003,Bob,x\n+491511210030,Bob\n");
    fs::write(dir.join("list.csv"), list).unwrap();
}

#[track_caller]
fn run(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).output().unwrap()
}

#[track_caller]
fn run_ok(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&run_ok(dir, args)).unwrap()
}

/// All numbers of a tally by their path, amounts in millionths.
fn flat(value: &Value) -> BTreeMap<String, u64> {
    fn walk(path: &str, value: &Value, flat: &mut BTreeMap<String, u64>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| walk(&format!("{path}/{key}"), value, flat)),
            Value::String(amount) if path.contains("cost") => {
                let (units, decimals) = amount.split_once('.').unwrap();
                let micros = format!("{units}{decimals:0<6}").parse().unwrap();
                flat.insert(path.to_owned(), micros);
            }
            Value::Number(n) => drop(flat.insert(path.to_owned(), n.as_u64().unwrap())),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
    let mut all = BTreeMap::new();
    walk("", value, &mut all);
    all.retain(|path, n| *n > 0 && !path.starts_with("/cost_planned"));
    all
}

#[test]
fn every_breakdown_adds_up_to_the_list() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path(), "price-per-segment = { default = \"0.045 EUR\", FR = \"0.0333 EUR\" }");
    let campaign = dir.path().join("campaign.toml");
    let sent = run(dir.path(), &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert!(stderr(&sent).contains("planned cost: "), "{}", stderr(&sent));
    let whole = json(dir.path(), &["report", "test", "--json"]);
    assert_eq!(n(&whole, "/rows"), 603);
    assert!(whole["as_of"].as_str().unwrap() <= whole["asked_at"].as_str().unwrap(), "{whole}");
    for by in BREAKDOWNS {
        let report = json(dir.path(), &["report", "test", "--by", by, "--json"]);
        let breakdown = &report["breakdowns"][by];
        let mut sums = BTreeMap::new();
        for line in breakdown["lines"].as_array().unwrap() {
            flat(line).into_iter().for_each(|(path, n)| *sums.entry(path).or_default() += n);
        }
        assert_eq!(sums, flat(&breakdown["total"]), "by {by}");
        assert_eq!(breakdown["total"]["states"], whole["states"], "by {by}");
        assert_eq!(breakdown["total"]["segments"], whole["segments"], "by {by}");
        let csv = run_ok(dir.path(), &["report", "test", "--by", by, "--csv"]);
        assert_eq!(csv.lines().count(), breakdown["lines"].as_array().unwrap().len() + 1, "{csv}");
    }
    costs_follow_from_the_rows(dir.path(), &whole);
    files_are_whole(dir.path());
}

/// From the report by recipient alone, by hand.
fn costs_follow_from_the_rows(dir: &Path, whole: &Value) {
    let (mut eur, mut usd) = (0, 0);
    let csv = run_ok(dir, &["report", "test", "--csv"]);
    assert_eq!(csv.lines().count(), 604);
    for line in csv.lines().skip(1).filter(|line| !line.contains(",rejected,")) {
        let line = line.replace(", err", "");
        let fields: Vec<_> = line.split(',').collect();
        let is_french = fields[1].starts_with("+33");
        // A refused row of several segments may have been taken in part: such rows are left to the sums.
        let n_segments: u64 = if fields[2] == "failed" { continue } else { fields[6].parse().unwrap() };
        match (fields[4], is_french) {
            ("north", true) => eur += n_segments * 33_300,
            ("north", false) => eur += n_segments * 45_000,
            ("south", true) => usd += n_segments * 1_500_000,
            ("south", false) => usd += n_segments,
            other => panic!("{other:?}"),
        }
    }
    let costs = flat(&serde_json::json!({ "cost": whole["cost"]["settled"].clone() }));
    assert_eq!(costs["/cost/USD"], usd, "{whole}");
    let failed = n(whole, "/states/failed");
    let settled = costs["/cost/EUR"];
    assert!((eur..=eur + failed * 4 * 45_000).contains(&settled), "{settled} beside {eur}");
}

fn files_are_whole(dir: &Path) {
    let path = dir.join("out");
    fs::write(&path, "older").unwrap();
    let path = path.to_str().unwrap();
    for args in [&["--csv"][..], &["--json"], &["--html"], &["--by", "hour", "--time-zone", "Asia/Kolkata"]] {
        let args: Vec<_> = ["report", "test"].into_iter().chain(args.iter().copied()).collect();
        let to_file: Vec<_> = args.iter().copied().chain([path]).collect();
        assert_eq!(run_ok(dir, &to_file), "");
        let text = fs::read_to_string(path).unwrap();
        let without_time = |text: &str| text.lines().filter(|line| !line.contains("sked")).count();
        assert_eq!(without_time(&text), without_time(&run_ok(dir, &args)), "{args:?}");
    }
    let leftovers =
        fs::read_dir(dir).unwrap().filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().contains(".new"));
    assert_eq!(leftovers.count(), 0);
    assert_eq!(run_ok(dir, &["report", "test", "--csv", "/dev/null"]), "");
    let refused = run(dir, &["report", "test", "--csv", "/no/such/folder/out.csv"]);
    assert!(refused.status.code() == Some(2) && stderr(&refused).contains("/no/such/folder/out.csv"), "{refused:?}");
    let refused = run(dir, &["report", "test", "--by", "hour", "--time-zone", "Moon"]);
    assert!(refused.status.code() == Some(2) && stderr(&refused).contains("no time zone"), "{refused:?}");
}

#[test]
fn the_page_stands_alone_and_escapes_what_strangers_wrote() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path(), "");
    let campaign = dir.path().join("campaign.toml");
    let sent = run(dir.path(), &["run", campaign.to_str().unwrap(), "--yes", "--no-progress"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let page = run_ok(dir.path(), &["report", "test", "--html"]);
    for expected in [
        "<!doctype html>",
        "lang=\"en\"",
        "prefers-color-scheme:dark",
        "@media print",
        "aria-label=",
        "no price",
        "What to do next",
        "By country",
        "0x0B",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for foreign in ["http://", "https://", "<script", "<img", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    // Tags are closed in the order in which they were opened.
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap_or("");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{tag}");
        } else if !tag.starts_with('!') && name != "meta" && !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn wrong_prices_say_where() {
    let dir = tempfile::tempdir().unwrap();
    for (prices, what) in [
        ("price-per-segment = { default = \"0.045\" }", "carriers.toml:4:"),
        ("price-per-segment = { default = \"0.045 EUR\", FR = \"0.05 USD\" }", "one currency"),
        ("price-per-segment = { xx = \"0.045 EUR\" }", "`xx` is neither"),
    ] {
        write_files(dir.path(), prices);
        let campaign = dir.path().join("campaign.toml");
        let refused = run(dir.path(), &["run", campaign.to_str().unwrap(), "--dry-run"]);
        let text = stderr(&refused);
        assert!(refused.status.code() == Some(2) && text.contains(what) && text.contains("carriers.toml:4:"), "{text}");
    }
}
