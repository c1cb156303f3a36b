//! Carrier profiles: what a carrier's own table of refusals says, carriers that refuse everything,
//! and what a person sees of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

/// A second route, through a carrier `south` with these keys.
fn add_south(dir: &Path, campaign: &PathBuf, south: &str) {
    let text = fs::read_to_string(campaign).unwrap();
    fs::write(campaign, format!("{text}[[route]]\ncarrier = \"south\"\n")).unwrap();
    add_to_carriers(dir, &format!("[carriers.south]\nkind = \"smpp\"\n{south}"));
}

fn add_to_carriers(dir: &Path, text: &str) {
    let carriers = dir.join("carriers.toml");
    let before = fs::read_to_string(&carriers).unwrap();
    fs::write(carriers, format!("{before}{text}")).unwrap();
}

fn run(dir: &Path, campaign: &Path) -> Output {
    volley(dir).arg("run").arg(campaign).arg("--yes").stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_carrier_that_refuses_every_sender_is_paused_and_the_other_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-latency = \"2ms\"\n");
    let refusing = tempfile::tempdir().unwrap();
    let refuser = Simulator::start(refusing.path(), "answer-errors = { \"0x0a\" = 1.0 }\n");
    let campaign = write_campaign(dir, 1_000, &simulator.address, "");
    add_to_carriers(dir, "rate = \"400/s\"\n");
    add_south(dir, &campaign, &format!("hosts = [\"{}\"]\npause-after = 5\nwindow = 5\n", refuser.address));
    let output = run(dir, &campaign);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let words = stderr(&output);
    assert!(words.contains("carrier south is paused: ") && words.contains("0x0A ESME_RINVSRCADR"), "{words}");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(report.contains("south was paused: "), "{report}");
    let status = status(dir).unwrap();
    let failed = n(&status, "/states/failed");
    assert!((5..=40).contains(&failed), "a window or two: {status}");
    assert_eq!(n(&status, "/states/delivered"), 1_000 - failed, "{status}");
    assert!(status["why"].as_str().unwrap().contains("in a row, the last with 0x0A"), "{status}");
    assert_eq!(n(&refuser.stop(), "/submits"), failed);
}

#[test]
fn a_campaign_whose_only_carrier_refuses_everything_is_stopped_by_a_guard() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let campaign = {
        let refuser = Simulator::start(dir, "answer-errors = { \"0x0a\" = 1.0 }\n");
        let campaign = write_campaign(dir, 500, &refuser.address, "");
        add_to_carriers(dir, "rate = \"200/s\"\n");
        let output = run(dir, &campaign);
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{words}");
        assert!(words.contains("error: stopped before more fails: north was paused: "), "{words}");
        assert!(
            words.contains("hint: `volley audit` says which guard; mend the cause; `volley resume NAME` then goes on"),
            "{words}"
        );
        campaign
    };
    let stopped = status(dir).unwrap();
    let failed = n(&stopped, "/states/failed");
    assert!((20..=200).contains(&failed), "{stopped}");
    assert_eq!((sum_of_states(&stopped), stopped["status"].as_str()), (500, Some("stopped")));
    // Mended, it goes on with the others.
    let simulator = Simulator::start(dir, "");
    let carriers = dir.join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    let host = text.lines().find(|line| line.starts_with("hosts")).unwrap().to_owned();
    fs::write(&carriers, text.replace(&host, &format!("hosts = [\"{}\"]", simulator.address))).unwrap();
    let resumed = volley(dir).args(["resume", "--no-progress"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 500 - failed);
    drop(campaign);
}

/// A campaign of 200 rows over a carrier that refuses a fifth with `code`, and its own table.
fn run_with_statuses(code: &str, statuses: &str) -> (Value, Value) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, &format!("seed = 11\nanswer-errors = {{ \"{code}\" = 0.2 }}\n"));
    let campaign = write_campaign(dir, 200, &simulator.address, "");
    add_to_carriers(dir, statuses);
    let output = run(dir, &campaign);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    (status(dir).unwrap(), simulator.stop())
}

#[test]
fn a_carriers_own_table_decides_what_becomes_of_a_refusal() {
    let (plain, seen) = run_with_statuses("0x45", "");
    assert_eq!(n(&plain, "/states/failed") + n(&plain, "/states/delivered"), 200, "{plain}");
    assert!(n(&plain, "/states/failed") > 10 && n(&seen, "/submits") == 200, "permanent: {plain}");

    let table = "[carriers.north.statuses]\n\"0x45\" = { class = \"transient\", tries = 9, retry = [\"50ms\"] }\n";
    let (transient, seen) = run_with_statuses("0x45", table);
    // The simulator refuses the same recipients each time.
    let failed = n(&transient, "/states/failed");
    assert_eq!((failed, n(&seen, "/submits")), (n(&plain, "/states/failed"), 200 + 9 * failed), "{transient}");

    let (vendor, _) = run_with_statuses("0x41b", "[carriers.north.statuses]\n\"0x400-0x4ff\" = \"permanent\"\n");
    assert!(n(&vendor, "/states/failed") > 10, "{vendor}");
}

#[test]
fn transient_refusals_end_with_the_messages_validity() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-errors = { \"0x08\" = 1.0 }\n");
    let campaign = write_campaign(dir, 20, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, text.replace("[delivery]", "validity = \"1s\"\n[delivery]")).unwrap();
    add_to_carriers(
        dir,
        "retry = [\"400ms\"]\n[carriers.north.statuses]\n\"0x08\" = { class = \"transient\", tries = 200 }\n",
    );
    let output = run(dir, &campaign);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(n(&status(dir).unwrap(), "/states/failed"), 20);
    assert_eq!(n(&simulator.stop(), "/submits"), 60, "at once, after 400 ms, after 800 ms");
}

#[test]
fn wrong_codes_and_classes_are_named_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let campaign = write_campaign(dir, 10, "127.0.0.1:1", "");
    for (table, expected) in [
        ("\"45\" = \"permanent\"", "`45` is no command status: write one such as \"0x45\""),
        ("\"0x45\" = \"fatal\"", "carriers.toml:8:10: unknown variant `fatal`, expected one of `throttle`"),
        (
            "\"0x45\" = { class = \"permanent\", tries = 3 }",
            "`tries` and `retry` are for the classes transient and session",
        ),
    ] {
        let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
        add_to_carriers(dir, &format!("[carriers.north.statuses]\n{table}\n"));
        let output = run(dir, &campaign);
        fs::write(dir.join("carriers.toml"), carriers).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "no `{expected}` in: {}", stderr(&output));
    }
}

#[test]
fn a_password_is_shown_nowhere_whatever_goes_wrong() {
    const CANARY: &str = "canary-7f3a";
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let refuser = Simulator::start(dir, "refuse-binds = \"0x0e\"\n");
    let campaign = write_campaign(dir, 10, &refuser.address, "");
    add_to_carriers(dir, "password = { env = \"NORTH_PASSWORD\" }\n");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).arg("--yes").stdin(Stdio::null());
    let output = command.env("VOLLEY_LOG", "trace").env("NORTH_PASSWORD", CANARY).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("bind refused"), "it was logged: {}", stderr(&output));
    for shown in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(shown).contains(CANARY));
    }
    check_absent(&dir.join("data"), CANARY.as_bytes());
}

/// That no file below `dir` holds these octets.
fn check_absent(dir: &Path, octets: &[u8]) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_absent(&path, octets);
        } else if path.is_file() {
            let content = fs::read(&path).unwrap();
            assert!(!content.windows(octets.len()).any(|window| window == octets), "{}", path.display());
        }
    }
}

#[test]
fn rows_without_a_field_that_their_carrier_needs_are_rejected_before_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 1, &simulator.address, "");
    let list = "phone,first_name,code,template_id\n+4915112345678,A,B,1107\n+4915112345679,A,B,\n+4915112345680,A,B,110712345\n";
    fs::write(dir.join("list.csv"), list).unwrap();
    let tlvs =
        "[carriers.north.tlvs]\n\"0x1400\" = { type = \"c-string\", max-length = 8, column = \"template_id\" }\n";
    add_to_carriers(dir, tlvs);
    let output = run(dir, &campaign);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let words = stderr(&output);
    for part in [
        "line 3, column template_id: carrier-field: carrier north: TLV 0x1400 needs this column, and it is empty",
        "line 4, column template_id: carrier-field: carrier north: TLV 0x1400: 9 octets, and 8 fit",
    ] {
        assert!(words.contains(part), "no `{part}` in {words}");
    }
    let status = status(dir).unwrap();
    assert_eq!((n(&status, "/states/delivered"), n(&status, "/states/rejected")), (1, 2), "{status}");
    assert_eq!(n(&simulator.stop(), "/submits"), 1);
}

#[test]
fn fields_that_changed_since_the_approval_stop_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let refuser = Simulator::start(dir, "refuse-binds = \"0x0e\"\n");
    let campaign = write_campaign(dir, 10, &refuser.address, "");
    add_to_carriers(dir, "[carriers.north.tlvs]\n\"0x1400\" = { column = \"code\" }\n");
    assert_eq!(run(dir, &campaign).status.code(), Some(4));
    let carriers = dir.join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    fs::write(&carriers, text.replace("column = \"code\"", "column = \"code\", max-length = 2")).unwrap();
    let resumed = volley(dir).args(["resume", "--no-progress"]).output().unwrap();
    let words = stderr(&resumed);
    assert_eq!(resumed.status.code(), Some(2), "{words}");
    assert!(words.contains("`tlvs` from columns changed since the list was approved"), "{words}");
}

#[test]
fn a_host_that_dies_leaves_its_windows_in_doubt_and_the_rest_to_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (dying_dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = "answer-latency = \"100ms\"\n";
    let dying = Simulator::start(dying_dir.path(), options);
    let other = Simulator::start(other_dir.path(), options);
    let hosts = format!("{}\", \"{}", dying.address, other.address);
    let campaign = write_campaign(dir, 1_500, &hosts, "receipt-deadline = \"2s\"");
    add_to_carriers(dir, "rate = \"600/s\"\n");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let run = command.stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    dying.kill();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let status = status(dir).unwrap();
    let in_doubt = n(&status, "/states/in_doubt");
    assert!((1..=100).contains(&in_doubt), "two binds with 50 each: {status}");
    // What the dead host had accepted has no receipt any more; all else came through the other.
    assert_eq!(n(&status, "/states/delivered") + n(&status, "/states/unknown") + in_doubt, 1_500, "{status}");
    let seen = other.stop();
    assert!(n(&seen, "/submits") > 800 && n(&seen, "/copies_beyond_first") == 0, "{seen}");
}

#[test]
fn each_part_of_a_message_is_tried_again_as_often_as_stated() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-errors = { \"0x08\" = 1.0 }\n");
    let campaign = write_campaign(dir, 10, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    let long = format!("max-segments = 5\ntext = \"{}", "0123456789".repeat(58));
    fs::write(&campaign, text.replace("text = \"", &long)).unwrap();
    add_to_carriers(
        dir,
        "[carriers.north.statuses]\n\"0x08\" = { class = \"transient\", tries = 2, retry = [\"200ms\"] }\n",
    );
    let output = run(dir, &campaign);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let status = status(dir).unwrap();
    let parts = n(&status, "/segments/planned");
    // Names beyond the GSM alphabet make some texts too long.
    assert!(parts == 4 * n(&status, "/states/failed") && parts > 0, "{status}");
    assert_eq!(n(&simulator.stop(), "/submits"), 3 * parts, "{status}");
}

#[test]
fn a_carrier_that_is_gone_is_said_to_be_gone_while_the_run_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    let campaign = write_campaign(dir, 2_000, &simulator.address, "");
    add_to_carriers(dir, "rate = \"100/s\"\n");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null()).stderr(Stdio::null());
    let run = command.stdout(Stdio::null()).spawn().unwrap();
    let carrier = |words: &str| {
        // A minute at most; each look is a process of its own.
        for _ in 0..600 {
            let output = volley(dir).args(["carrier", "watch", "--json"]).output().unwrap();
            let carriers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let found = carriers.into_iter().find(|carrier| carrier["reach"].as_str().unwrap().starts_with(words));
            if let Some(found) = found {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("no carrier was said to be `{words}`");
    };
    carrier("bound");
    simulator.kill();
    let gone = carrier("no bind is up: ");
    assert_eq!(gone["waits_for"], "carrier north has no bind");
    crate::support::signal(&run, "INT");
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(130));
}
