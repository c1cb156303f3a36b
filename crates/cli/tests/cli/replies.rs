//! Messages to us over real sockets: kept before they are acknowledged, joined, read, and obeyed.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

/// The number in data row `row` of the list, from 0.
pub(crate) fn number(dir: &Path, row: usize) -> String {
    let list = fs::read_to_string(dir.join("list.csv")).unwrap();
    let line = list.lines().nth(row + 1).unwrap();
    line.split(',').map(|field| field.trim_matches('"')).find(|field| field.starts_with('+')).unwrap()[1..].to_owned()
}

pub(crate) fn set_rate(dir: &Path, rate: &str) {
    let carriers = dir.join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    fs::write(&carriers, format!("{text}rate = \"{rate}\"\n")).unwrap();
}

pub(crate) fn run(dir: &Path, campaign: &Path, more: &[&str]) -> Output {
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]).args(more).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output
}

pub(crate) fn replies(dir: &Path, args: &[&str]) -> Vec<Value> {
    let output = volley(dir).args(["replies", "--json", "--full-numbers"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Recipients of the simulator's log, one entry for each submit.
pub(crate) fn submitted(dir: &Path) -> Vec<String> {
    let log = fs::read_to_string(dir.join("submits.csv")).unwrap();
    let recipient = |line: &str| line.split(',').nth(3).map(str::to_owned);
    log.lines().filter_map(recipient).filter(|field| field.bytes().all(|c| c.is_ascii_digit())).collect()
}

/// Simulator options: these numbers send these texts as soon as somebody listens.
pub(crate) fn at_bind(replies: &[(&str, &str)], more: &str) -> String {
    let entries = replies.iter().map(|(from, text)| format!("{{ from = \"{from}\", text = \"{text}\" }}"));
    let entries: Vec<_> = entries.collect();
    format!("[replies]\n{more}at-bind = [{}]\n", entries.join(", "))
}

/// A campaign whose carrier is not known yet: its list says whom replies come from.
pub(crate) fn campaign_with_replies(
    dir: &Path,
    rows: u64,
    options: impl FnOnce(&dyn Fn(usize) -> String) -> String,
) -> (Simulator, std::path::PathBuf) {
    write_campaign(dir, rows, "127.0.0.1:1", "");
    let simulator = Simulator::start(dir, &options(&|row| number(dir, row)));
    let campaign = write_campaign(dir, rows, &simulator.address, "");
    (simulator, campaign)
}

#[test]
fn a_stop_while_the_campaign_runs_stops_that_number_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 400, |number| {
        at_bind(&[(&number(350), "Stop it please"), (&number(380), "stop by at seven?"), (&number(399), "Thanks!")], "")
    });
    set_rate(dir, "200/s");
    run(dir, &campaign, &[]);
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/suppressed"), n(&status, "/states/delivered")), (2, 398), "{status}");
    assert_eq!(n(&status, "/reasons/suppressed: replied to opt out"), 2, "{status}");
    assert_eq!(sum_of_states(&status), 400);
    let gone: HashSet<String> = [350, 380].map(|row| number(dir, row)).into();
    assert!(submitted(dir).iter().all(|recipient| !gone.contains(recipient)));
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/submits"), n(&seen, "/replies_sent"), n(&seen, "/replies_acknowledged")), (398, 3, 3));
    let decisions: Vec<Value> = replies(dir, &["test"]).iter().map(|reply| reply["decision"].clone()).collect();
    assert_eq!(decisions, ["opt_out", "opt_out", "none"]);
    // Numbers stand in files that can be rewritten, never in the journal.
    for entry in fs::read_dir(dir.join("data/journal")).unwrap() {
        let octets = fs::read(entry.unwrap().path()).unwrap();
        let digits = number(dir, 350).into_bytes();
        assert!(!octets.windows(digits.len()).any(|window| window == digits));
    }
}

#[test]
fn whoever_replied_stop_gets_nothing_of_the_next_campaign_until_they_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let options =
        "seed = 5\nreceipt-delay = \"400ms\"\n[replies]\nshare = 0.2\ntexts = [\"STOP\", \"ok\"]\ncopies = 2\n";
    let simulator = Simulator::start(dir, options);
    let campaign = write_campaign(dir, 300, &simulator.address, "");
    run(dir, &campaign, &[]);
    let all = replies(dir, &[]);
    let who = |reply: &Value| reply["from"].as_str().unwrap().to_owned();
    let stopped: HashSet<String> = all.iter().filter(|reply| reply["decision"] == "opt_out").map(who).collect();
    assert!(stopped.len() > 10 && all.len() > stopped.len() + 10, "{} of {}", stopped.len(), all.len());
    assert_eq!(all.len(), all.iter().map(who).collect::<HashSet<_>>().len(), "each reply came twice and is there once");
    assert!(all.iter().all(|reply| reply["campaign"] == "test" && reply["campaign_id"] == 1), "{all:?}");
    // One of them is taken off the list by a person; the others get nothing.
    let back = stopped.iter().next().unwrap();
    let suppress = |what: &str| {
        let output = volley(dir).args(["suppress", what, back]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(suppress("check").starts_with("suppressed since 20"), "{}", suppress("check"));
    assert_eq!(suppress("remove"), "not suppressed\n");
    run(dir, &campaign, &["--again"]);
    let second = status(dir).unwrap();
    let n_stopped = stopped.len() as u64;
    // Replies of the second campaign may stop some of its own.
    assert!(n(&second, "/states/suppressed") >= n_stopped - 1, "{second}");
    let log = submitted(dir);
    let copies = |number: &str| log.iter().filter(|recipient| **recipient == number[1..]).count();
    assert_eq!(copies(back), 2);
    assert!(stopped.iter().filter(|number| *number != back).all(|number| copies(number) == 1));
    assert_eq!(n(&simulator.stop(), "/submits"), 600 - n(&second, "/states/suppressed"));
}

#[test]
fn a_kill_right_after_the_stop_keeps_the_suppression() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) =
        campaign_with_replies(dir, 600, |number| at_bind(&[(&number(590), "STOP"), (&number(595), "START")], ""));
    set_rate(dir, "150/s");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = dir.join("data/replies.jsonl");
    let is_kept = |_: &u32| fs::read_to_string(&file).unwrap_or_default().contains("\"opt_out\"");
    let mut looks = (0..20_000).inspect(|_| thread::sleep(Duration::from_millis(1)));
    assert!(looks.any(|n| is_kept(&n)), "no reply was kept");
    child.kill().unwrap();
    child.wait().unwrap();
    // Half a line, as a kill in the middle of writing would leave: it was never acknowledged.
    let mut text = fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"kind\":\"part\",\"n\":9");
    fs::write(&file, text).unwrap();
    let resumed = volley(dir).args(["resume", "test", "--no-progress"]).output().unwrap();
    assert!(matches!(resumed.status.code(), Some(0 | 6)), "{}", stderr(&resumed));
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/suppressed"), sum_of_states(&status)), (1, 600), "{status}");
    assert!(!submitted(dir).contains(&number(dir, 590)));
    let seen = simulator.stop();
    assert_eq!((n(&seen, "/copies_beyond_first"), n(&seen, "/replies_acknowledged")), (0, 2), "{seen}");
    let all = replies(dir, &[]);
    let decisions: Vec<&str> = all.iter().map(|reply| reply["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["opt_out", "opt_in"], "what came again was recognised");
}

#[test]
fn a_reply_that_cannot_be_kept_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 50, |number| at_bind(&[(&number(40), "STOP")], ""));
    set_rate(dir, "20/s");
    // A folder in its place: the file can't be opened.
    fs::create_dir_all(dir.join("data/replies.jsonl")).unwrap();
    let failing = volley(dir).arg("run").arg(&campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_ne!(failing.status.code(), Some(0));
    assert!(stderr(&failing).contains("replies.jsonl: can't "), "{}", stderr(&failing));
    fs::remove_dir(dir.join("data/replies.jsonl")).unwrap();
    let resumed = volley(dir).args(["resume", "test", "--no-progress"]).output().unwrap();
    assert!(matches!(resumed.status.code(), Some(0 | 6)), "{}", stderr(&resumed));
    assert_eq!(n(&status(dir).unwrap(), "/states/suppressed"), 1);
    assert_eq!(n(&simulator.stop(), "/replies_acknowledged"), 1);
}

#[test]
fn long_replies_come_in_parts_out_of_order_and_are_shown_whole_and_safely() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let long = "=HYPERLINK(1) привет 😀 ".repeat(12);
    let simulator = Simulator::start(
        dir,
        &at_bind(&[("4915112345678", long.trim()), ("4915112345678", "привет €")], "copies = 2\n"),
    );
    let campaign = write_campaign(dir, 20, &simulator.address, "");
    set_rate(dir, "20/s");
    run(dir, &campaign, &[]);
    let all = replies(dir, &[]);
    let texts: Vec<_> = all.iter().map(|reply| reply["text"].as_str().unwrap()).collect();
    assert_eq!(texts, [long.trim(), "привет €"]);
    assert!(all.iter().all(|reply| reply["campaign"].is_null() && reply["incomplete"] == false));
    let shown = |args: &[&str]| {
        let output = volley(dir).arg("replies").args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shown(&["--csv"]).contains(",'=HYPERLINK(1)"), "{}", shown(&["--csv"]));
    for args in [&["--csv"][..], &["--json"], &[]] {
        let text = shown(args);
        assert!(text.contains("+4915*******78") && !text.contains("4915112345678"), "{text}");
    }
    let seen = simulator.stop();
    assert!(n(&seen, "/replies_sent") >= 8 && n(&seen, "/replies_sent") == n(&seen, "/replies_acknowledged"), "{seen}");
}

#[test]
fn a_campaigns_own_words_replace_the_built_in_ones() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) =
        campaign_with_replies(dir, 60, |number| at_bind(&[(&number(50), "WEG"), (&number(55), "STOP")], ""));
    set_rate(dir, "40/s");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, text.replace("[delivery]", "[replies]\nkeywords = \"words.toml\"\n[delivery]")).unwrap();
    fs::write(dir.join("words.toml"), "[[words]]\nopt-outs = [\"weg\"]\n").unwrap();
    let wrong = volley(dir).arg("run").arg(&campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("words.toml:2:1: unknown field `opt-outs`"), "{}", stderr(&wrong));
    fs::write(dir.join("words.toml"), "[[words]]\nopt-out = [\"weg\"]\n").unwrap();
    run(dir, &campaign, &[]);
    assert_eq!(n(&status(dir).unwrap(), "/states/suppressed"), 1);
    assert!(!submitted(dir).contains(&number(dir, 50)) && submitted(dir).contains(&number(dir, 55)));
    drop(simulator);
}

#[test]
fn a_stop_takes_back_what_waits_in_the_carriers_queue() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Intents of all rows are durable and queued long before the fifth second.
    let (simulator, campaign) =
        campaign_with_replies(dir, 15, |number| at_bind(&[(&number(12), "STOP")], "delay = \"500ms\"\n"));
    set_rate(dir, "5/s");
    run(dir, &campaign, &[]);
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/suppressed"), n(&status, "/states/delivered")), (1, 14), "{status}");
    assert_eq!((n(&status, "/segments/submitted"), n(&simulator.stop(), "/submits")), (14, 14), "{status}");
}

#[test]
fn killed_anywhere_no_reply_is_lost_and_none_is_there_twice() {
    for seed in 1..=4_u64 {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let options = format!(
            "seed = {seed}\nanswer-latency = \"1ms\"\nreceipt-delay = \"80ms\"\n[replies]\nshare = 0.5\ntexts = [\"STOP\"]\n"
        );
        let simulator = Simulator::start(dir, &options);
        let campaign = write_campaign(dir, 3_000, &simulator.address, "");
        set_rate(dir, "2500/s");
        let mut n_kills = 0;
        loop {
            let mut command = volley(dir);
            match status(dir) {
                None => command.arg("run").arg(&campaign).arg("--yes"),
                Some(_) => command.args(["resume", "test"]),
            };
            let silent = command.arg("--no-progress").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = silent.spawn().unwrap();
            if n_kills >= 5 {
                assert!(matches!(child.wait().unwrap().code(), Some(0 | 6)), "seed {seed}");
                break;
            }
            thread::sleep(Duration::from_millis(120 + (seed * 97 + n_kills * 61) % 200));
            child.kill().unwrap();
            child.wait().unwrap();
            n_kills += 1;
        }
        let all = replies(dir, &[]);
        let senders: HashSet<&str> = all.iter().map(|reply| reply["from"].as_str().unwrap()).collect();
        assert_eq!(all.len(), senders.len(), "seed {seed}: a reply is there twice");
        let taken: HashSet<String> = submitted(dir).into_iter().collect();
        let seen = simulator.stop();
        assert!(all.len() > taken.len() / 3, "seed {seed}: {} replies of {}", all.len(), taken.len());
        // What the simulator holds an acknowledgement for is there; what was repeated is known.
        let (sent, acknowledged) = (n(&seen, "/replies_sent"), n(&seen, "/replies_acknowledged"));
        assert!(acknowledged as usize == all.len() && sent >= acknowledged, "seed {seed}: {} rows, {seen}", all.len());
        // Nobody who opted out is sent to again.
        let again = Simulator::start(dir, "");
        let campaign = write_campaign(dir, 3_000, &again.address, "");
        run(dir, &campaign, &["--again"]);
        let log: HashSet<String> = submitted(dir).into_iter().collect();
        assert!(senders.iter().all(|number| !log.contains(&number[1..])), "seed {seed}");
        assert_eq!(n(&status(dir).unwrap(), "/states/suppressed"), senders.len() as u64, "seed {seed}");
        drop(again.stop());
    }
}

#[test]
fn an_opt_out_is_confirmed_once_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (simulator, campaign) = campaign_with_replies(dir, 60, |number| {
        at_bind(&[(&number(50), "STOP"), (&number(50), "stop."), (&number(55), "hm")], "copies = 3\n")
    });
    set_rate(dir, "40/s");
    let text = fs::read_to_string(&campaign).unwrap();
    let with = |confirmation: &str| {
        let section = format!("[replies]\nconfirmation = \"{confirmation}\"\n[delivery]");
        fs::write(&campaign, text.replace("[delivery]", &section)).unwrap();
    };
    with(&"too long ".repeat(20));
    let wrong = volley(dir).arg("run").arg(&campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("campaign.toml: `confirmation`: "), "{}", stderr(&wrong));
    with("No more messages.");
    run(dir, &campaign, &[]);
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/suppressed"), n(&status, "/states/delivered")), (1, 59), "{status}");
    assert_eq!((n(&status, "/segments/submitted"), n(&status, "/states/in_doubt")), (59, 0), "{status}");
    assert_eq!(submitted(dir).iter().filter(|recipient| **recipient == number(dir, 50)).count(), 1);
    assert_eq!(n(&simulator.stop(), "/submits"), 60);
}
