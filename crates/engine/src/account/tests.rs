//! What a carriers file says reaches the pipeline.

use std::{fs, time::Duration};

use volley_pipeline::HostNameCheck;

use super::*;
use crate::retry::StatusTable;

/// The one carrier of a file, `[carriers.north]` and an SMPP host given.
fn load(text: &str) -> Result<(SmppOptions, CarrierOptions), String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("carriers.toml");
    let head = "[carriers.north]\nkind = \"smpp\"\nhosts = [\"smsc.example:2775\"]\n";
    fs::write(&path, format!("{head}{text}")).unwrap();
    fs::write(dir.path().join("canary"), "canary-password\n").unwrap();
    let carriers = Carriers::load(&path).map_err(|error| error.to_string())?;
    let options = carriers.get("north").map_err(|error| error.to_string())?;
    let smpp = smpp_options("north", options, &carriers, None).map_err(|error| error.to_string())?;
    Ok((smpp, options.clone()))
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = load(text).map(|_| ()).unwrap_err();
    assert!(error.contains(expected), "no `{expected}` in: {error}");
}

#[test]
fn what_is_not_given_has_the_handbooks_default() {
    let (smpp, options) = load("").unwrap();
    let default = SmppOptions::default();
    assert_eq!((smpp.timers, smpp.backoff), (default.timers, default.backoff));
    assert_eq!((smpp.window, smpp.adaptive_window, smpp.interface_version), (10, false, 0x34));
    assert_eq!((options.n_binds(), options.total_window()), (1, 10));
    assert_eq!(smpp.timers.response, Duration::from_secs(60));
    assert_eq!(smpp.backoff.credentials, Duration::from_secs(300));
}

#[test]
fn every_timer_can_be_set() {
    let (smpp, _) = load(
        "[carriers.north.timers]\nconnect = \"1s\"\nbind = \"2s\"\nenquire-interval = \"3s\"\nenquire-timeout = \"4s\"\n\
         inactivity = \"5s\"\nresponse = \"6s\"\npartial-pdu = \"7s\"\nunbind = \"8s\"\ndrain = \"9s\"\ngrace = \"10s\"\n\
         throttle-pause = \"11s\"\n[carriers.north.reconnect]\nfirst = \"12s\"\nmax = \"13s\"\nstable = \"14s\"\n\
         refused = \"15s\"\ncredentials = \"16s\"\n",
    )
    .unwrap();
    let (timers, backoff) = (smpp.timers, smpp.backoff);
    let set = [
        timers.connect,
        timers.bind,
        timers.enquire_interval,
        timers.enquire_timeout,
        timers.inactivity,
        timers.response,
        timers.partial_pdu,
        timers.unbind,
        timers.drain,
        timers.grace,
        timers.throttle_pause,
        backoff.first,
        backoff.max,
        backoff.stable,
        backoff.refused,
        backoff.credentials,
    ];
    assert_eq!(set.map(|time| time.as_secs()), std::array::from_fn(|n| n as u64 + 1));
}

#[test]
fn binds_window_and_rates_reach_the_pipeline() {
    let (smpp, options) = load(
        "binds = 3\nwindow = 20\nadaptive-window = true\nbind-rate = \"50/s\"\nrate = \"100/s\"\nsystem-type = \"CP\"\n\
         interface-version = \"5.0\"\nbind-ton = 1\nbind-npi = 2\naddress-range = \"^49\"\nbind-type = \"pair\"\n\
         password = { file = \"canary\" }\nresponse-timeout = \"9s\"\nenquire-interval = \"8s\"\n\
         receiver = { hosts = [\"rx.example:2776\"], system-id = \"esme-rx\" }\n",
    )
    .unwrap();
    assert_eq!((options.n_binds(), options.total_window()), (6, 60));
    assert_eq!((smpp.binds_per_host, smpp.window, smpp.adaptive_window), (3, 20, true));
    assert_eq!(
        (smpp.interface_version, smpp.addr_ton, smpp.addr_npi, smpp.address_range.as_str()),
        (0x50, 1, 2, "^49")
    );
    assert_eq!((smpp.timers.response, smpp.timers.enquire_interval), (Duration::from_secs(9), Duration::from_secs(8)));
    let BindAs::Pair { receiver: Some(receiver) } = &smpp.bind_as else { panic!("{:?}", smpp.bind_as) };
    assert_eq!((receiver.system_id.as_str(), receiver.hosts.len()), ("esme-rx", 1));
    // The carrier's password, where the receiver has none of its own; shown nowhere.
    assert_eq!(
        (receiver.password.expose(), smpp.password.expose()),
        (&b"canary-password"[..], &b"canary-password"[..])
    );
    assert!(!format!("{smpp:?} {options:?}").contains("canary-password"));
}

#[test]
fn each_bind_has_its_own_rate_and_all_share_the_accounts() {
    let (_, options) = load("binds = 2\nbind-rate = \"10/s\"\nrate = \"15/s\"\n").unwrap();
    let start = volley_core::Clock::now(&volley_core::SystemClock);
    let account = Tunable::new("carrier north".to_owned(), options.rate, None, options.burst, start);
    let stacks = stacks_of("north", &options, &[&account], start);
    let mut granted = [0_u32; 2];
    for ms in 0..10_000 {
        let now = start + Duration::from_millis(ms);
        // The second bind asks only in the second half.
        for (bind, stack) in stacks.iter().enumerate().take(if ms < 5_000 { 1 } else { 2 }) {
            granted[bind] += stack.admit(now, 5).granted;
        }
    }
    assert!((50..=101).contains(&granted[0]) && granted[1] <= 51, "{granted:?}: none above 10/s");
    assert!((124..=127).contains(&(granted[0] + granted[1])), "{granted:?}: 10/s alone, then 15/s together");
}

#[test]
fn what_can_not_work_is_refused_with_the_reason() {
    check_refused(
        "receiver = { system-id = \"rx\" }\n",
        "carrier `north`: a `receiver` table needs `bind-type = \"pair\"`",
    );
    check_refused(
        "bind-type = \"pair\"\nreceiver = { hosts = [\"a:1\", \"b:1\"] }\n",
        "`receiver.hosts` has 2 entries and `hosts` 1",
    );
    check_refused("timers = { response = \"0s\" }\n", "`timers.response` is zero");
    check_refused("response-timeout = \"1s\"\ntimers = { response = \"2s\" }\n", "stands here and in `timers`");
    check_refused("system-id = \"sixteen-letters-\"\n", "`system-id` has more than 15 characters");
    check_refused("interface-version = \"4.0\"\n", "unknown variant `4.0`");
    check_refused("password = { env = \"VOLLEY_NOT_SET\" }\n", "should stand in $VOLLEY_NOT_SET, which is not set");
}

#[test]
fn questions_are_asked_where_the_profile_says_so() {
    assert!(load("").unwrap().1.query.is_none());
    let query = load("query = { after = \"1h\", rate = \"5/s\" }\n").unwrap().1.query.unwrap();
    assert_eq!((query.after.0.as_secs(), query.rate.as_per_sec()), (3_600, 5.0));
    check_refused("query = { after = \"0s\", rate = \"5/s\" }\n", "`query.after` is zero");
    check_refused("query = { after = \"1h\" }\n", "missing field `rate`");
}

#[test]
fn submit_fields_that_can_not_work_are_refused_with_the_reason() {
    check_refused("priority = 4\n", "`priority` is 4: possible is 0 to 3");
    check_refused("service-type = \"toolong\"\n", "`service-type` has more than 5 characters");
    check_refused("min-validity = \"2h\"\nmax-validity = \"1h\"\n", "`min-validity` is longer than `max-validity`");
    check_refused("tlvs = { \"0x1400\" = { type = \"int1\", value = \"300\" } }\n", "`300` is no number from 0 to 255");
    check_refused("tlvs = { \"0x1400\" = { required = true } }\n", "write a `value`, or the `column` that has it");
    check_refused("tlvs = { \"1400\" = { value = \"1\" } }\n", "`1400` is no TLV");
    check_refused("tlvs = { message_payload = { value = \"1\" } }\n", "it is written as `concatenation` says");
}

#[test]
fn tls_is_a_word_or_a_table_and_its_files_lie_beside_the_carriers_file() {
    assert!(load("").unwrap().0.tls.is_none());
    assert!(load("tls = false\n").unwrap().0.tls.is_none());
    let plain = load("tls = true\n").unwrap().0.tls.unwrap();
    assert_eq!((plain.ca, plain.host_name), (None, HostNameCheck::Host));
    let (smpp, options) =
        load("tls = { ca = \"ca.pem\", client-certificate = \"me.pem\", client-key = \"me.key\" }\n").unwrap();
    let tls = smpp.tls.unwrap();
    assert!(tls.ca.unwrap().is_absolute() && tls.client.unwrap().key.ends_with("me.key"));
    assert_eq!((options.tls.warning(), options.tls.in_words().as_str()), (None, "own CA, client certificate"));
    let (smpp, options) = load("tls = { verify-host-name = false }\n").unwrap();
    assert_eq!(smpp.tls.unwrap().host_name, HostNameCheck::Off);
    assert!(options.tls.warning().unwrap().contains("can pose as the carrier"));
    check_refused("tls = { client-key = \"me.key\" }\n", "`client-certificate` and `client-key` together");
    check_refused("tls = { verify = false }\n", "unknown field `verify`, expected one of `ca`");
    check_refused("tls = \"yes\"\n", "expected true, false, or a table");
}

#[test]
fn the_example_profile_holds_every_default() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/carrier-profile/carriers.toml");
    let example = Carriers::load(&path).unwrap();
    let (example, plain) = (example.get("north").unwrap(), load("").unwrap().1);
    let mut example = example.clone();
    assert!(example.timers.given().iter().all(|(_, timer)| timer.is_some()), "every timer is named");
    assert_eq!(example.timers.timers(), plain.timers.timers());
    assert_eq!(example.reconnect.backoff(), plain.reconnect.backoff());
    assert_eq!(StatusTable::new(&example).schedule_s(), StatusTable::new(&plain).schedule_s());
    // These alone differ: they have no default, or say theirs in words.
    (example.hosts, example.system_id, example.password) = (plain.hosts.clone(), String::new(), None);
    (example.timers, example.reconnect, example.retry) = (plain.timers, plain.reconnect, None);
    assert_eq!(format!("{example:?}"), format!("{plain:?}"));
}
