//! An SMSC that misbehaves.

use std::time::Duration;

use volley_smpp::pdu::{CommandId, CommandStatus, encode_header_only};

use crate::smsc::{Owner, Smsc, answer, batch, options, receipt};

#[tokio::test]
async fn a_wrong_length_is_nacked_and_the_session_closed() {
    for length in [0_u32, 15, 1 << 20, u32::MAX] {
        let smsc = Smsc::new().await;
        let mut owner = Owner::start(options(&[&smsc]));
        let mut link = smsc.bound().await;
        owner.wait_bound(1).await;
        owner.carrier.submit(batch(0..2));
        let submits = link.submits(2).await;
        // What stands before the garbage still counts.
        let mut octets = answer(submits[0].sequence, b"ok");
        octets.extend(length.to_be_bytes());
        octets.extend([0xAA; 12]);
        link.write(&octets).await;
        let nack = link.read().await.unwrap();
        let expected = (CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0);
        assert_eq!((nack.id, nack.status, nack.sequence), expected, "length {length}");
        assert_eq!(link.read().await, None);
        owner.wait_for(|log| log.lost.len() == 1).await;
        assert_eq!((owner.log.answered(), owner.log.lost()), (vec![0], vec![1]));
        smsc.bound().await;
        owner.wait_bound(2).await;
    }
}

#[tokio::test]
async fn unknown_requests_are_nacked_and_the_session_goes_on() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    link.header(CommandId::Unknown(0x0666), CommandStatus::ROK, 0x9000_0001).await;
    let nack = link.read().await.unwrap();
    assert_eq!((nack.id, nack.status, nack.sequence), (CommandId::GenericNack, CommandStatus::RINVCMDID, 0x9000_0001));
    link.header(CommandId::EnquireLink, CommandStatus::ROK, 8).await;
    assert_eq!(link.read().await.unwrap().id, CommandId::EnquireLinkResp);
    assert_eq!(owner.carrier.status().binds[0].n_unknown_requests, 1);
}

#[tokio::test]
async fn unknown_and_repeated_answers_are_counted_and_change_nothing() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..2));
    let submits = link.submits(2).await;
    for sequence in [submits[0].sequence, submits[0].sequence, 4_711, 0, u32::MAX] {
        link.write(&answer(sequence, b"x")).await;
    }
    link.accept_submit(&submits[1]).await;
    owner.wait_for(|log| log.answers.len() == 2).await;
    assert_eq!(owner.log.answered(), [0, 1]);
    crate::smsc::until(|| owner.carrier.status().binds[0].n_unknown_answers == 4).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a real delay is measured")]
async fn a_silent_peer_is_found_by_enquire_link() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.enquire_interval = Duration::from_millis(150);
    settings.timers.enquire_timeout = Duration::from_millis(150);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..1));
    assert_eq!(link.read().await.unwrap().id, CommandId::SubmitSm);
    let enquire = link.read().await.unwrap();
    assert_eq!(enquire.id, CommandId::EnquireLink);
    let asked = std::time::Instant::now();
    owner.wait_for(|log| log.lost.len() == 1).await;
    let took = asked.elapsed();
    assert!(took < Duration::from_millis(650), "found {took:?} after the question, and 150 ms were given");
    assert_eq!(link.read().await, None);
}

#[tokio::test]
async fn half_a_pdu_for_too_long_ends_the_session() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.partial_pdu = Duration::from_millis(150);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    link.write(&answer(1, b"x")[..9]).await;
    owner.wait_for(|log| log.n_sessions_ended == 1).await;
    assert_eq!(link.read().await, None);
}

#[tokio::test]
async fn enquire_link_is_answered_within_a_flood_of_receipts_and_full_of_our_own_submits() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.enquire_interval = Duration::from_millis(100);
    settings.timers.enquire_timeout = Duration::from_secs(5);
    settings.window = 1_000;
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..20_000));
    let mut octets = Vec::new();
    for sequence in 1..=20_000 {
        octets.extend(receipt(sequence, "1"));
    }
    encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, 0x7000_0000, &mut octets);
    link.write(&octets).await;
    let (mut n_submits, mut ours) = (0, 0);
    // The window is full and nothing is answered: both enquiries get through all the same.
    let answered = loop {
        let pdu = link.read().await.unwrap();
        if pdu.id == CommandId::SubmitSm {
            n_submits += 1;
        } else if pdu.id == CommandId::EnquireLink {
            ours += 1;
        } else {
            break pdu;
        }
        owner.take_ready();
    };
    assert_eq!((answered.id, answered.sequence), (CommandId::EnquireLinkResp, 0x7000_0000));
    while ours == 0 {
        ours += u32::from(link.read().await.unwrap().id == CommandId::EnquireLink);
    }
    assert!(n_submits <= 1_000);
    crate::smsc::until(|| owner.carrier.status().binds[0].n_enquiries_received == 1).await;
}
