//! Binds that are refused.

use super::{Scenario, run};
use crate::support::n;

#[test]
fn refused_credentials_and_limits_end_the_run_and_say_why() {
    for (status, name) in [
        ("0x0e", "0x0E ESME_RINVPASWD"),
        ("0x0f", "0x0F ESME_RINVSYSID"),
        ("0x53", "0x53 ESME_RINVSYSTYP"),
        ("0x0d", "0x0D ESME_RBINDFAIL"),
    ] {
        let simulator = format!("refuse-binds = \"{status}\"\n");
        let ran = run(Scenario { rows: 20, simulator: &simulator, exit: 4, ..Scenario::default() });
        assert_eq!((n(&ran.status, "/states/pending"), ran.log.len()), (20, 0), "{}", ran.status);
        assert_eq!(n(&ran.seen, "/faults/refuse-binds"), 1, "one attempt for both binds: {}", ran.seen);
        ran.says(&format!("carrier north refuses the bind: {name}"));
        ran.says(&format!("no carrier can be used: north refuses the bind with {name}"));
        ran.says("`volley resume` goes on");
    }
}

#[test]
fn a_system_error_at_the_bind_passes() {
    let ran = run(Scenario { simulator: "refuse-binds = { status = \"0x08\", first = 1 }\n", ..Scenario::default() });
    ran.all_are(&["delivered"]);
    assert_eq!((n(&ran.seen, "/faults/refuse-binds"), n(&ran.seen, "/binds")), (1, 2), "{}", ran.seen);
    ran.says("carrier north refuses the bind: 0x08 ESME_RSYSERR");
}

#[test]
fn beyond_the_bind_limit_the_others_carry_the_campaign() {
    let ran = run(Scenario { simulator: "max-binds = 1\nanswer-latency = \"5ms\"\n", ..Scenario::default() });
    ran.all_are(&["delivered"]);
    assert!(n(&ran.seen, "/faults/max-binds") >= 1, "{}", ran.seen);
    assert_eq!(n(&ran.seen, "/binds"), 1, "{}", ran.seen);
    ran.says("carrier north refuses the bind: 0x0D ESME_RBINDFAIL");
}
