//! Carriers that misbehave: what the report says must agree with what the carrier saw.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;

use crate::support::{Simulator, n, status, stderr, sum_of_states, volley, write_campaign};

struct Scenario {
    rows: u64,
    simulator: &'static str,
    delivery: &'static str,
    /// Added to the carrier.
    carrier: &'static str,
    exit: i32,
}

/// Runs a campaign; gives its status and what the simulator saw.
#[track_caller]
fn run(scenario: &Scenario) -> (Value, Value) {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(dir.path(), scenario.simulator);
    let campaign = write_campaign(dir.path(), scenario.rows, &simulator.address, scenario.delivery);
    let carriers = dir.path().join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    fs::write(&carriers, format!("{text}{}\n", scenario.carrier)).unwrap();
    let output = send(dir.path(), &campaign);
    let status = status(dir.path()).unwrap();
    let exit = if scenario.exit == 6 && n(&status, "/states/in_doubt") == 0 { 0 } else { scenario.exit };
    assert_eq!(output.status.code(), Some(exit), "{}", stderr(&output));
    let seen = simulator.stop();
    assert_eq!(sum_of_states(&status), scenario.rows, "{status}");
    // What was on the wire when a connection was cut is in doubt, and may not have arrived.
    let at_least = scenario.rows - n(&status, "/states/in_doubt");
    assert!((at_least..=scenario.rows).contains(&n(&seen, "/unique_recipients")), "{seen}");
    assert_eq!(n(&seen, "/copies_beyond_first"), 0, "{seen}");
    (status, seen)
}

fn send(dir: &Path, campaign: &Path) -> std::process::Output {
    volley(dir).arg("run").arg(campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_policing_carrier_is_obeyed_and_nothing_is_lost() {
    let (status, seen) = run(&Scenario {
        rows: 300,
        simulator: "throttle-above = \"100/s\"\nanswer-latency = \"5ms\"\n",
        delivery: "",
        carrier: "rate = \"150/s\"",
        exit: 0,
    });
    assert_eq!(n(&status, "/states/delivered"), 300, "{status}");
    assert!(n(&seen, "/throttled") > 0, "{seen}");
    assert!(n(&seen, "/accepted") == 300, "{seen}");
}

#[test]
fn the_rate_holds_in_any_second_on_the_wire() {
    let scenario = Scenario { rows: 1_500, simulator: "", delivery: "", carrier: "rate = \"500/s\"", exit: 0 };
    let (_, seen) = run(&scenario);
    let most = n(&seen, "/max_submits_in_any_second");
    // The carrier's clock starts with its own reading: a turn of it may see a turn of ours.
    assert!((450..=510).contains(&most), "{most} in a second");
}

#[test]
fn lost_answers_leave_exactly_those_in_doubt() {
    let (status, seen) = run(&Scenario {
        rows: 400,
        // Without dates in receipts, which would tell.
        simulator: "seed = 3\nreceipt-form = \"tlv\"\n[faults]\nlost-answers = 0.02\n",
        delivery: "",
        carrier: "response-timeout = \"300ms\"",
        exit: 6,
    });
    let (delivered, in_doubt) = (n(&status, "/states/delivered"), n(&status, "/states/in_doubt"));
    assert!(in_doubt > 0 && delivered + in_doubt == 400, "{status}");
    assert_eq!(n(&seen, "/accepted"), 400, "{seen}");
}

#[test]
fn cut_connections_leave_at_most_the_windows_in_doubt() {
    let (status, _) = run(&Scenario {
        rows: 600,
        simulator: "seed = 5\nanswer-latency = \"1ms\"\n[faults]\ndisconnects = 0.01\n",
        delivery: "receipt-deadline = \"2s\"",
        carrier: "",
        exit: 6,
    });
    let done = n(&status, "/states/delivered") + n(&status, "/states/in_doubt");
    assert_eq!(done, 600, "{status}");
}

#[test]
fn early_and_double_receipts_and_other_id_forms_are_matched() {
    let (status, seen) = run(&Scenario {
        rows: 500,
        simulator: "seed = 4\nmessage-ids = \"hex\"\nreceipt-ids = \"decimal\"\nreceipt-form = \"text\"\n\
                    answer-latency = \"20ms\"\n[faults]\nearly-receipts = 0.5\ndouble-receipts = 0.3\n",
        delivery: "",
        carrier: "id-mode = \"resp-hex-receipt-dec\"",
        exit: 0,
    });
    assert_eq!(n(&status, "/states/delivered"), 500, "{status}");
    assert!(n(&seen, "/receipts_sent") > 500, "{seen}");
}

#[test]
fn receipts_that_never_come_end_at_the_deadline() {
    let (status, _) = run(&Scenario {
        rows: 200,
        simulator: "seed = 6\n[faults]\nlost-receipts = 0.1\n",
        delivery: "receipt-deadline = \"1s\"",
        carrier: "",
        exit: 0,
    });
    let unknown = n(&status, "/states/unknown");
    assert!(unknown > 0 && n(&status, "/states/delivered") + unknown == 200, "{status}");
}

#[test]
fn two_accounts_at_one_smsc_get_their_own_receipts() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(dir.path(), "receipt-delay = \"20ms\"\nfinal-states = { undelivered = 0.2 }\n");
    let campaign = write_campaign(dir.path(), 1_000, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[[route]]\ncarrier = \"south\"\n")).unwrap();
    let carriers = dir.path().join("carriers.toml");
    let text = fs::read_to_string(&carriers).unwrap();
    let south =
        format!("[carriers.south]\nkind = \"smpp\"\nhosts = [\"{}\"]\nsystem-id = \"other\"\n", simulator.address);
    // A rate leaves the second carrier time to be bound before all is sent.
    fs::write(&carriers, format!("{text}rate = \"500/s\"\n{south}")).unwrap();
    let output = send(dir.path(), &campaign);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let status = status(dir.path()).unwrap();
    assert_eq!(n(&status, "/states/delivered") + n(&status, "/states/undelivered"), 1_000, "{status}");
    simulator.stop();
    let log = fs::read_to_string(dir.path().join("submits.csv")).unwrap();
    assert!([",acme,", ",other,"].iter().all(|carrier| log.contains(carrier)), "both carriers were used");
    let csv = volley(dir.path()).args(["report", "test", "--csv"]).output().unwrap();
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv.lines().count(), 1_001, "a line for each recipient");
    assert_eq!(
        csv.lines().filter(|line| line.contains(",undelivered,")).count() as u64,
        n(&status, "/states/undelivered")
    );
}
