//! Sessions that end or go silent, binds and submits that are refused.

use std::{
    io::{ErrorKind, Read as _},
    time::{Duration, Instant},
};

use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::{
    answers::{FIRST_ID, answer, check},
    client::{Came, Client, start},
};

#[test]
fn sessions_end_as_told() {
    let unbind = Came::Other(CommandId::Unbind, CommandStatus::ROK);
    // What was read with the submit that it struck is dealt with all the same.
    check("disconnects = { after-submits = 2 }", &[answer(10), answer(12), Came::End(0)]);
    // 16 octets of header, 10 of id and its end: half of 27.
    check("cut-pdus = { after-submits = 2 }", &[answer(10), Came::End(13)]);
    check("resets = { after-submits = 2 }", &[Came::Reset]);
    check("unbinds = { after-submits = 2 }", &[answer(10), unbind, answer(11), answer(12)]);
}

#[test]
fn an_unbind_that_is_answered_ends_the_session() {
    let simulator = start("[faults]\nlost-receipts = 1.0\nunbinds = { after-submits = 1 }\n");
    let mut client = Client::bound(&simulator);
    client.submit(10..11);
    assert_eq!(client.take(2), [Came::Other(CommandId::Unbind, CommandStatus::ROK), answer(10)]);
    client.write_header(CommandId::UnbindResp, 1);
    assert_eq!(client.next(), Came::End(0));
}

#[test]
fn garbage_is_no_pdu() {
    let simulator = start("[faults]\nlost-receipts = 1.0\ngarbage = { after-submits = 2 }\n");
    let mut client = Client::bound(&simulator);
    client.submit(10..13);
    assert_eq!(client.take(2), [answer(10), Came::Garbage]);
}

#[test]
fn a_stall_holds_everything_back_and_then_lets_it_out() {
    let stall = Duration::from_millis(400);
    let simulator = start("[faults]\nlost-receipts = 1.0\nstalls = { after-submits = 2, for = \"400ms\" }\n");
    let mut client = Client::bound(&simulator);
    let begun = Instant::now();
    client.submit(10..13);
    // The answer before it was not written yet either: one turn, one write.
    assert_eq!(client.take(3), [10, 11, 12].map(answer));
    assert!(begun.elapsed() >= stall, "{:?}", begun.elapsed());
    client.submit(13..14);
    assert_eq!(client.next(), answer(13));
}

#[test]
fn a_half_open_connection_neither_speaks_nor_ends() {
    let simulator = start("[faults]\nlost-receipts = 1.0\nhalf-opens = { after-submits = 2 }\n");
    let mut client = Client::bound(&simulator);
    client.submit(10..11);
    assert_eq!(client.next(), answer(10));
    client.submit(11..13);
    client.write_header(CommandId::EnquireLink, 99);
    client.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = client.stream.read(&mut [0; 100]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    // The SMSC as a whole is well, and has forgotten the session.
    let mut other = Client::bound(&simulator);
    other.submit(13..14);
    assert_eq!(other.next(), Came::Answer(13, (FIRST_ID + 2).to_string()));
}

#[test]
fn slow_reading_takes_its_time() {
    let simulator = start("[faults]\nlost-receipts = 1.0\nslow-reading = { octets = 16, every = \"20ms\" }\n");
    let mut client = Client::bound(&simulator);
    let begun = Instant::now();
    client.submit(10..13);
    assert_eq!(client.take(3), [10, 11, 12].map(answer));
    // Three submits of 57 octets or so, 16 at a time.
    assert!(begun.elapsed() >= Duration::from_millis(8 * 20), "{:?}", begun.elapsed());
}

#[test]
fn binds_are_refused_by_kind_and_number() {
    let simulator = start("refuse-binds = { receiver = \"0x0d\", transmitter = \"0x0e\", first = 3 }\n");
    let bind = |kind: CommandId| Client::connect(&simulator, kind).1;
    let refused = |kind: CommandId, status| Came::Other(kind.response(), status);
    let (receiver, transmitter, transceiver) =
        (CommandId::BindReceiver, CommandId::BindTransmitter, CommandId::BindTransceiver);
    for (kind, status) in [
        (receiver, CommandStatus::RBINDFAIL),
        (transceiver, CommandStatus::ROK),
        (transmitter, CommandStatus::RINVPASWD),
        (receiver, CommandStatus::RBINDFAIL),
        (receiver, CommandStatus::ROK),
        (transmitter, CommandStatus::ROK),
    ] {
        assert_eq!(bind(kind), refused(kind, status));
    }
    assert_eq!(simulator.stop().faults.get("refuse-binds"), Some(&3));
}

#[test]
fn throttling_is_by_a_true_sliding_second() {
    let simulator = start("throttle-above = \"50/s\"\n[faults]\nlost-receipts = 1.0\n");
    let mut client = Client::bound(&simulator);
    let mut taken = Vec::new();
    let begun = Instant::now();
    let mut sequence = 10;
    // Across the boundary of any second of the clock.
    while begun.elapsed() < Duration::from_millis(2_500) {
        client.submit(sequence..sequence + 1);
        let sent = begun.elapsed();
        let came = client.next();
        if let Came::Answer(..) = came {
            taken.push(sent);
        } else {
            assert_eq!(came, Came::Other(CommandId::SubmitSmResp, CommandStatus::RTHROTTLED));
        }
        sequence += 1;
        std::thread::sleep(Duration::from_millis(4));
    }
    assert!(taken.len() >= 100, "{} taken", taken.len());
    for from in &taken {
        // The SMSC's clock reads a little later than ours.
        let within = taken.iter().filter(|at| (*from..*from + Duration::from_millis(980)).contains(*at)).count();
        assert!(within <= 50, "{within} within a second from {from:?}");
    }
}
