//! `volley carrier list|test|watch`, and the binds in `status`.

use std::{
    fs,
    path::Path,
    process::{Child, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::support::{Simulator, signal, stderr, volley, write_campaign};

fn carrier(dir: &Path, args: &[&str]) -> Output {
    let mut command = volley(dir);
    command.arg("carrier").args(args);
    if args.first() != Some(&"watch") {
        command.arg("--carriers").arg(dir.join("carriers.toml"));
    }
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

fn add_to_carriers(dir: &Path, text: &str) {
    let carriers = dir.join("carriers.toml");
    let before = fs::read_to_string(&carriers).unwrap();
    fs::write(carriers, format!("{before}{text}")).unwrap();
}

fn spawn(dir: &Path, campaign: &Path) -> Child {
    let mut command = volley(dir);
    command.arg("run").arg(campaign).args(["--yes", "--no-progress"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Asks until what a running campaign shows is as expected.
#[track_caller]
fn watch_until(dir: &Path, what: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..200 {
        let output = carrier(dir, &["watch", "--json"]);
        if output.status.success() {
            last = json(&output);
            if what(&last) {
                return last;
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never came true: {last:#}");
}

#[test]
fn a_run_shows_each_bind_with_what_limits_it_and_since_when() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-latency = \"5ms\"\n");
    let campaign = write_campaign(dir, 20_000, &simulator.address, "");
    add_to_carriers(dir, "rate = \"200/s\"\n");
    let mut run = spawn(dir, &campaign);
    let busy = |carriers: &Value| {
        let binds = carriers[0]["binds"].as_array();
        let is_busy = |bind: &Value| bind["rate_per_s"].as_f64() > Some(20.0) && bind["answer_p50_us"].is_u64();
        binds.is_some_and(|binds| binds.len() == 2 && binds.iter().all(is_busy))
    };
    let carriers = watch_until(dir, busy);
    let bind = &carriers[0]["binds"][0];
    assert_eq!((bind["phase"].as_str(), bind["system_id"].as_str()), (Some("bound"), Some("SIMULATOR")), "{bind:#}");
    assert!(bind["answer_p50_us"].as_u64() > Some(4_000) && bind["window"] == 50, "{bind:#}");
    assert!(bind["limit_since"].as_str().unwrap().ends_with('Z') && bind["limit"].is_string(), "{bind:#}");
    assert_eq!(carriers[0]["waits_for"].as_str(), Some("carrier north 200/s"));
    let status = json(&volley(dir).args(["status", "--json"]).output().unwrap());
    assert_eq!(status["carriers"][0]["binds"].as_array().map(Vec::len), Some(2));
    let named = json(&volley(dir).args(["status", "test", "--json"]).output().unwrap());
    assert!(named["carriers"][0]["binds"][1]["submitted"].is_u64(), "{named}");
    let table = volley(dir).arg("status").output().unwrap();
    assert!(String::from_utf8_lossy(&table.stdout).contains("carrier north · bound"));
    let list = json(&carrier(dir, &["list", "--json"]));
    assert_eq!((list[0]["rate"].as_str(), list[0]["live"]["reach"].as_str()), (Some("200/s"), Some("bound")));
    signal(&run, "INT");
    run.wait().unwrap();
    assert_eq!(carrier(dir, &["watch", "--json"]).status.code(), Some(2), "nobody is there any more");
}

#[test]
fn refused_credentials_and_a_learned_ceiling_are_seen_in_status() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "throttle-above = \"100/s\"\n");
    let refusing = tempfile::tempdir().unwrap();
    let refuser = Simulator::start(refusing.path(), "refuse-binds = \"0x0e\"\n");
    let campaign = write_campaign(dir, 20_000, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[[route]]\ncarrier = \"south\"\n")).unwrap();
    add_to_carriers(
        dir,
        &format!("[carriers.south]\nkind = \"smpp\"\nhosts = [\"{}\"]\nbinds = 10\n", refuser.address),
    );
    let mut run = spawn(dir, &campaign);
    let seen =
        watch_until(dir, |carriers| carriers[0]["learned_ceiling_per_s"].is_f64() && carriers[1]["alarm"].is_string());
    let alarm = seen[1]["alarm"].as_str().unwrap();
    assert!(alarm.contains("0x0E ESME_RINVPASWD: check system-id, password and system-type"), "{alarm}");
    let list = carrier(dir, &["list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("ALARM: the SMSC refuses the bind"));
    let status = volley(dir).arg("status").output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("learned ceiling") && status.contains("ALARM: "), "{status}");
    signal(&run, "INT");
    run.wait().unwrap();
    let binds = refuser.stop()["binds"].as_u64().unwrap();
    assert!(binds <= 5, "{binds} attempts of ten binds, within seconds");
}

#[test]
fn a_carrier_is_tried_step_by_step_and_the_right_reading_of_ids_is_proposed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "message-ids = \"hex\"\nreceipt-ids = \"decimal\"\n");
    write_campaign(dir, 1, &simulator.address, "");
    let args = ["test", "north", "--to", "+4915112345678", "--idle", "600ms", "--patience", "5s"];
    let output = carrier(dir, &args);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{table}{}", stderr(&output));
    for part in [
        "ok       bind 0: transceiver at 127.0.0.1:",
        "system_id `SIMULATOR`, sc_interface_version 0x34",
        "ok       keep-alives, ours",
        "3 of 3 enquire_link were answered",
        "skipped  keep-alives, theirs",
        "ok       message in UCS-2, data_coding 0x08",
        "FAILED   message ids",
        "4 of 4 messages have a receipt with `id-mode = \"resp-hex-receipt-dec\"`, and not with `as-is`",
    ] {
        assert!(table.contains(part), "no `{part}` in {table}");
    }
    add_to_carriers(dir, "id-mode = \"resp-hex-receipt-dec\"\nbind-type = \"pair\"\n");
    let output = carrier(dir, &[&args[..], &["--json"]].concat());
    let seen = json(&output);
    assert_eq!((output.status.code(), seen["passed"].as_bool()), (Some(0), Some(true)), "{seen:#}");
    let kinds: Vec<_> = seen["binds"].as_array().unwrap().iter().map(|bind| bind["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, seen["ids"]["acknowledged"].as_u64()), (vec!["transmitter", "receiver"], Some(4)));
}

#[test]
fn a_carrier_that_lets_nobody_in_is_told_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "refuse-binds = \"0x0d\"\n");
    write_campaign(dir, 1, &simulator.address, "");
    let output = carrier(dir, &["test", "north", "--to", "+4915112345678"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{table}");
    assert!(table.contains("refused with 0x0D ESME_RBINDFAIL; we come from 127.0.0.1:"), "{table}");
    assert!(table.contains("skipped  messages"), "{table}");
    let wrong = carrier(dir, &["test", "nort"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean `north`?"));
}
