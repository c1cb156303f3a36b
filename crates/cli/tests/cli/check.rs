//! `volley check`: the funnel, the texts, cost and hours of a campaign before anything is sent, and
//! the guards that stop it.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::support::{n, stderr, volley};

/// Rows of three countries: plain, with a character that forces UCS-2, long, a duplicate, a
/// landline, no number, an empty field.
const LIST: &str = "phone,name,opt_in\n\
    +4915112345670,Anna,2026-01-01\n\
    +4915112345671,Zoë’s,2025-06-30\n\
    +447400123456,Ben,2025-07-01\n\
    +12025550143,Carl,2026-01-01\n\
    +4915112345670,Again,2026-01-01\n\
    +4930901820,Land,2026-01-01\n\
    nobody,None,2026-01-01\n\
    +4915112345672,,2026-01-01\n\
    +447400123457,Dora,\n";

const CARRIERS: &str = "[carriers.north]\nkind = \"simulated\"\nrate = \"2/s\"\n\
    price-per-segment = { default = \"0.04 EUR\", DE = \"0.07 EUR\" }\n\
    [carriers.south]\nkind = \"simulated\"\nrate = \"1/s\"\nprice-per-segment = { default = \"0.05 EUR\" }\n";

fn write(dir: &Path, list: &str, extra: &str) {
    let campaign = format!(
        "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\nconsent-column = \"opt_in\"\n\
         [message]\nsender = \"ACME\"\ntext = \"Hi {{{{ name }}}}, it is time.\"\n{extra}\n\
         [[route]]\ncarrier = \"north\"\nweight = 3\n[[route]]\ncarrier = \"south\"\n"
    );
    fs::write(dir.join("campaign.toml"), campaign).unwrap();
    fs::write(dir.join("carriers.toml"), CARRIERS).unwrap();
    fs::write(dir.join("list.csv"), list).unwrap();
}

fn run(dir: &Path, args: &[&str]) -> Output {
    volley(dir).args(args).current_dir(dir).output().unwrap()
}

#[track_caller]
fn check(dir: &Path, code: i32) -> Value {
    let output = run(dir, &["check", "campaign.toml", "--json"]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    let check: Value = serde_json::from_slice(&output.stdout).unwrap();
    let funnel = check.get("funnel").unwrap();
    let sum_of = |key: &str| {
        funnel.get(key).and_then(Value::as_object).unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    let one = |key: &str| funnel.get(key).and_then(Value::as_u64).unwrap();
    let singles: u64 =
        ["duplicates", "wrong_type", "outside_windows", "unroutable", "ready"].into_iter().map(one).sum();
    assert_eq!(sum_of("rejected") + sum_of("suppressed") + singles, one("rows"), "{funnel}");
    check
}

fn n_campaigns(dir: &Path) -> usize {
    let output = run(dir, &["list", "--json"]);
    serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().len()
}

fn texts(value: &Value, pointer: &str) -> Vec<String> {
    value.pointer(pointer).unwrap().as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_funnel_sums_to_the_rows_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, LIST, "");
    assert!(run(dir, &["suppress", "add", "+447400123456"]).status.success());
    let found = check(dir, 0);
    let expected = json!({
        "rows": 9, "rejected": { "empty-field": 1, "invalid-number": 1 }, "duplicates": 1, "wrong_type": 1,
        "suppressed": { "person": 1 }, "outside_windows": 0, "unroutable": 0, "ready": 4,
    });
    assert_eq!(found["funnel"], expected);
    let words = run(dir, &["check", "campaign.toml"]);
    let words = String::from_utf8(words.stdout).unwrap();
    for part in ["9 rows, 4 can be sent", "1  duplicate", "1  not-a-mobile", "put on the list by a person: 1 rows"] {
        assert!(words.contains(part), "no `{part}` in {words}");
    }
    assert_eq!(fs::read_dir(dir.join("data/campaigns")).unwrap().count(), 0, "the frozen list is gone");
    assert_eq!(n_campaigns(dir), 0);
}

#[test]
fn parts_alphabets_and_what_smart_encoding_saves() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let long = "x".repeat(100);
    let list = format!(
        "phone,name,opt_in\n+4915112345670,Anna,\n+4915112345671,It’s “{long},\n+447400123456,{long}{long},\n\
         +447400123457,Łukasz,\n+447400123458,Вова ’,\n"
    );
    write(dir, &list, "");
    let found = check(dir, 0);
    assert_eq!(found["parts"]["most"], json!({ "parts": 2, "line": 3 }));
    let histogram = json!([
        { "parts": 1, "rows": 3, "segments": 3 }, { "parts": 2, "rows": 2, "segments": 4 },
    ]);
    assert_eq!(found["parts"]["histogram"], histogram);
    let alphabets = json!([
        { "alphabet": "gsm7", "rows": 2, "segments": 3, "share": 0.4 },
        { "alphabet": "ucs2", "rows": 3, "segments": 4, "share": 0.6 },
    ]);
    assert_eq!(found["texts"]["alphabets"], alphabets);
    let first = json!({
        "character": "’", "code_point": "U+2019", "name": "RIGHT SINGLE QUOTATION MARK", "rows": 2,
    });
    assert_eq!(found["texts"]["forcing_ucs2"][0], first);
    let levels = found["texts"]["smart_encoding"].as_array().unwrap();
    let saved: Vec<_> = levels
        .iter()
        .map(|level| {
            let saves = &level["saves"];
            (level["level"].as_str().unwrap(), saves["messages"].as_i64().unwrap(), saves["segments"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(saved, [("none", 0, 0), ("punct", 1, 1), ("accents", 2, 1), ("lookalike", 2, 1), ("full", 3, 1)]);
    // A segment to Germany: three quarters at 0.07, one at 0.05.
    assert_eq!(levels[1]["saves"]["cost"], json!({ "EUR": "0.065" }));
    // What the level that is set saves shows as what none would lose.
    write(dir, &list, "smart-encoding = \"punct\"");
    let none = &check(dir, 0)["texts"]["smart_encoding"][0];
    assert_eq!(none["saves"], json!({ "messages": -1, "segments": -1, "cost": { "EUR": "-0.065" } }));
}

#[test]
fn cost_has_bounds_and_its_sums_agree() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, LIST, "");
    let found = check(dir, 0);
    // Two German segments and three others.
    let total = json!({
        "rows": 5, "segments": 5, "minimum": { "EUR": "0.22" }, "expected": { "EUR": "0.2575" },
        "maximum": { "EUR": "0.29" },
    });
    assert_eq!(found["cost"]["total"], total);
    for by in ["by_country", "by_parts"] {
        for key in ["minimum", "expected", "maximum"] {
            let lines = found["cost"][by].as_array().unwrap();
            let micros =
                |line: &Value| (line[key]["EUR"].as_str().unwrap().parse::<f64>().unwrap() * 1e6).round() as u64;
            let sum: u64 = lines.iter().map(micros).sum();
            assert_eq!(sum, micros(&total), "{by} {key}");
        }
    }
    let carriers: Vec<_> = found["cost"]["by_carrier"].as_array().unwrap().iter().collect();
    assert_eq!(carriers.iter().map(|line| n(line, "/segments")).sum::<u64>(), 5);
    assert_eq!(carriers[0]["minimum"], json!({ "EUR": "0.00" }), "the other can take all of it");
    assert_eq!(carriers[0]["maximum"], json!({ "EUR": "0.26" }));
    fs::write(dir.join("carriers.toml"), CARRIERS.replace("0.05 EUR", "0.05 USD")).unwrap();
    let mixed = check(dir, 0);
    let total = &mixed["cost"]["total"];
    assert_eq!((&total["minimum"], &total["maximum"]), (&Value::Null, &Value::Null));
    assert_eq!(total["expected"].as_object().unwrap().len(), 2, "{total}");
}

#[test]
fn the_plan_fills_the_hours_up_to_the_ceilings() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut list = "phone,name,opt_in\n".to_owned();
    (0..20_000).for_each(|n| list.push_str(&format!("+49151{n:08},Anna,\n")));
    write(dir, &list, "[schedule]\nrate = \"10800/h\"\n");
    let found = check(dir, 0);
    let hours = found["plan"]["hours"].as_array().unwrap();
    let of = |hour: &Value, carrier: usize, key: &str| n(hour, &format!("/carriers/{carrier}/{key}"));
    let planned: u64 = hours.iter().map(|hour| of(hour, 0, "segments") + of(hour, 1, "segments")).sum();
    assert_eq!(planned, 20_000);
    for hour in hours {
        for carrier in 0..2 {
            assert!(of(hour, carrier, "segments") <= of(hour, carrier, "ceiling") + 1, "{hour}");
        }
    }
    // 20,000 at 3/s, the carriers' own sum, by weight 2 to 1 as the weights would overload north.
    assert_eq!(found["plan"]["per_sec"], json!(3.0));
    assert!(hours.len() == 2 || hours.len() == 3, "{hours:?}");
    let words = String::from_utf8(run(dir, &["check", "campaign.toml"]).stdout).unwrap();
    assert!(words.contains("sending plan") && words.contains("verdict: can be done by "), "{words}");
}

/// 7,200 recipients in Berlin and as many in New York, 1 segment a second, windows of their own days.
fn write_two_zones(dir: &Path, schedule: &str) {
    let mut list = "phone,name,opt_in\n".to_owned();
    (0..7_200).for_each(|n| list.push_str(&format!("+49151{n:08},Anna,\n+12025{n:06},Ben,\n")));
    let schedule = format!("rate = \"1/s\"\nwindow = \"09:00-20:00\"\nstart = \"2027-03-02T06:30:00Z\"\n{schedule}");
    write(dir, &list, &format!("[schedule]\n{schedule}\n"));
}

/// When each hour begins, and what goes out in it.
fn hours(check: &Value) -> Vec<(String, u64)> {
    let hours = check.pointer("/plan/hours").and_then(Value::as_array).unwrap();
    let of = |hour: &Value| {
        let carriers = hour.get("carriers").and_then(Value::as_array).unwrap();
        let begins = hour.get("begins").and_then(Value::as_str).unwrap().chars().take(16).collect();
        (begins, carriers.iter().map(|carrier| n(carrier, "/segments")).sum())
    };
    hours.iter().map(of).collect()
}

#[test]
fn each_zone_goes_out_in_its_own_hours() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_two_zones(dir, "");
    let found = check(dir, 0);
    let expected = ["08:00", "09:00", "14:00", "15:00"].map(|hour| (format!("2027-03-02T{hour}"), 3_600));
    assert_eq!(hours(&found), expected);
    assert_eq!((&found["plan"]["finishes"], n(&found, "/plan/late/messages")), (&json!("2027-03-02T16:00:00.000Z"), 0));
    let words = String::from_utf8(run(dir, &["check", "campaign.toml"]).stdout).unwrap();
    assert!(words.contains("window 09:00-20:00 in each recipient's own time"), "{words}");
    assert!(words.contains("verdict: can be done by 2027-03-02T16:00:00Z"), "{words}");
}

#[test]
fn a_deadline_that_can_t_be_kept_says_how_many_messages_where() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_two_zones(dir, "finish-by = \"2027-03-02T16:00:00Z\"");
    assert_eq!(check(dir, 0)["verdict"]["finishes_in_time"], true);
    write_two_zones(dir, "finish-by = \"2027-03-02T15:00:00Z\"");
    let found = check(dir, 1);
    assert_eq!(found["verdict"]["decision"], "late");
    let late = json!({
        "messages": 3_600,
        "by_place": [{ "place": "America/New_York", "messages": 3_600, "segments": 3_600 }],
        "by_carrier": [{ "carrier": "north", "messages": 2_700 }, { "carrier": "south", "messages": 900 }],
    });
    assert_eq!(found["plan"]["late"], late);
    let reasons = texts(&found, "/verdict/reasons").join("; ");
    for part in
        ["3600 messages are not begun by the deadline: 3600 in America/New_York", "2700 of north", "allow 1.00/s"]
    {
        assert!(reasons.contains(part), "no `{part}` in {reasons}");
    }
    assert!(reasons.contains("hours from 2027-03-02 08:00 to 2027-03-02 14:00 are full"), "{reasons}");
}

#[test]
fn who_is_asleep_until_the_deadline_is_outside_every_window() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_two_zones(dir, "finish-by = \"2027-03-02T12:00:00Z\"");
    let found = check(dir, 0);
    assert_eq!((n(&found, "/funnel/outside_windows"), n(&found, "/funnel/ready")), (7_200, 7_200));
    assert_eq!(n(&found, "/cost/total/segments"), 7_200, "what is not sent costs nothing");
    assert_eq!(hours(&found).len(), 2);
}

#[test]
fn guards_hold_to_the_last_row_segment_and_millionth() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // 5 of 9 rows are ready, in 5 segments, at 0.29 EUR at most.
    for (guard, at_limit, beyond) in [
        ("max-segments", "5", "4"),
        ("max-cost", "\"0.29 EUR\"", "\"0.289999 EUR\""),
        ("max-rejected-share", "0.444445", "0.444444"),
    ] {
        write(dir, LIST, &format!("[guards]\n{guard} = {at_limit}\n"));
        let passed = check(dir, 0);
        assert_eq!((&passed["guards"][0]["guard"], &passed["guards"][0]["stops"]), (&json!(guard), &json!(false)));
        write(dir, LIST, &format!("[guards]\n{guard} = {beyond}\n"));
        let stopped = check(dir, 3);
        assert_eq!(stopped["verdict"]["decision"], "stopped", "{guard}");
        let reasons = texts(&stopped, "/verdict/reasons");
        assert!(reasons[0].starts_with(guard) && reasons[0].contains("the limit is"), "{reasons:?}");
        for args in [&["run", "campaign.toml", "--yes"][..], &["run", "campaign.toml", "--dry-run"]] {
            let output = run(dir, args);
            let words = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{words}");
            assert!(words.contains(&format!("guard stops: {guard}: ")), "{words}");
            assert!(words.contains("error: a guard stops the campaign") && words.contains("[guards]"), "{words}");
        }
        assert_eq!(n_campaigns(dir), 0);
    }
}

#[test]
fn rows_without_a_consent_that_counts_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, LIST, "[guards]\nrequire-consent-after = 2025-07-01\n");
    let found = check(dir, 0);
    // One of the day before, one of none; the day itself counts.
    assert_eq!(found["funnel"]["rejected"]["no-consent"], 2);
    assert_eq!(found["guards"][0]["figure"], "2 rows rejected as no-consent");
    let samples = found["first_rejected"].as_array().unwrap();
    let lines: Vec<_> = samples.iter().filter(|row| row["code"] == "no-consent").map(|row| n(row, "/line")).collect();
    assert_eq!(lines, [3]);
    let campaign = dir.join("campaign.toml");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, text.replace("consent-column = \"opt_in\"\n", "")).unwrap();
    let output = run(dir, &["check", "campaign.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let words = stderr(&output);
    assert!(words.contains("campaign.toml:9:1: ") && words.contains("`consent-column`"), "{words}");
}

#[test]
fn guards_that_can_t_be_read_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (key, what) in [
        ("max-cost = \"500\"", "it has no currency"),
        ("max-cost = \"5 USD\"", "in EUR"),
        ("max-segments = \"many\"", "invalid type"),
        ("max-rejected-share = 5.0", "is no share"),
        ("max-segmnts = 5", "did you mean `max-segments`?"),
        ("require-consent-after = \"yesterday\"", "is no day"),
    ] {
        write(dir, LIST, &format!("[guards]\n{key}\n"));
        let output = run(dir, &["check", "campaign.toml"]);
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{key}: {words}");
        assert!(words.contains("campaign.toml:10:") && words.contains(what), "{key}: {words}");
    }
}

#[test]
fn a_list_without_a_row_that_is_ready_is_shown_and_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, "phone,name,opt_in\nnobody,A,\n+4930901820,B,\n", "");
    let found = check(dir, 1);
    assert_eq!((&found["verdict"]["decision"], n(&found, "/funnel/ready")), (&json!("nothing-to-send"), 0));
    assert_eq!((&found["parts"]["most"], &found["plan"]["hours"]), (&Value::Null, &json!([])));
    write(dir, "phone,name,opt_in\n+4915112345670,A,\n", "");
    assert!(run(dir, &["suppress", "add", "+4915112345670"]).status.success());
    assert_eq!(n(&check(dir, 1), "/funnel/suppressed/person"), 1);
    // A guard speaks before that.
    write(dir, "phone,name,opt_in\nnobody,A,\n", "[guards]\nmax-rejected-share = 0\n");
    assert_eq!(check(dir, 3)["verdict"]["can_run"], false);
}

#[test]
fn hostile_values_reach_neither_terminal_nor_sums() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let list = "phone,name,opt_in\n+4915112345670,\u{1b}[2Jx,\n+4915112345671,\u{202E}abc,\n\
                +4915112345672,\u{E000}\u{10FFFF},\n+4915112345673,{{ name }},\n+4915112345674,=cmd(),\n";
    write(dir, list, "");
    let found = check(dir, 0);
    assert_eq!(n(&found, "/funnel/ready"), 5);
    let words = run(dir, &["check", "campaign.toml"]).stdout;
    assert!(!words.contains(&0x1b), "{}", String::from_utf8_lossy(&words));
    let words = String::from_utf8(words).unwrap();
    assert!(words.contains("U+001B CONTROL CHARACTER") && !words.contains('\u{202E}'), "{words}");
}

/// The keys are a promise.
#[test]
fn the_shape_of_the_json_stays() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, LIST, "[guards]\nmax-segments = 100\n");
    let mut shape = Vec::new();
    put_shape(&check(dir, 0), "", &mut shape);
    shape.sort();
    shape.dedup();
    let expected = include_str!("check_shape.txt");
    assert_eq!(shape.join("\n"), expected.trim_end(), "{}", shape.join("\n"));
}

/// Each path with the kind of its value.
fn put_shape(value: &Value, path: &str, shape: &mut Vec<String>) {
    let kind = match value {
        Value::Object(map) => {
            return map.iter().for_each(|(key, value)| put_shape(value, &format!("{path}/{key}"), shape));
        }
        Value::Array(items) if items.is_empty() => "empty",
        Value::Array(items) => return items.iter().for_each(|item| put_shape(item, &format!("{path}/#"), shape)),
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
    };
    shape.push(format!("{path} {kind}"));
}

#[test]
fn what_can_run_is_saved_as_a_plan_and_what_can_t_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, LIST, "[guards]\nmax-segments = 5\n");
    let output = run(dir, &["check", "campaign.toml", "--save", "--by", "ada", "--json"]);
    let saved: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hash = saved["plan_hash"].as_str().unwrap();
    assert!(stderr(&output).contains("volley run campaign.toml --approved "), "{}", stderr(&output));
    let dry = run(dir, &["run", "campaign.toml", "--approved", hash, "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", stderr(&dry));
    write(dir, LIST, "[guards]\nmax-segments = 4\n");
    let output = run(dir, &["check", "campaign.toml", "--save"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("no plan was saved"), "{}", stderr(&output));
    let plans = run(dir, &["plan", "list", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&plans.stdout).unwrap().as_array().unwrap().len(), 1);
}

#[test]
fn help_has_examples() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["check", "--help"]);
    let words = String::from_utf8(help.stdout).unwrap();
    assert!(words.contains("Examples:\n  volley check campaign.toml") && words.contains("Exit codes:"), "{words}");
}
