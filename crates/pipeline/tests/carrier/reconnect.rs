//! Connections that fail, binds that are refused, sessions that end.

use std::time::Duration;

use volley_pipeline::{BindAs, BindPhase, LostCause, ReceiverAccount, Secret};
use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::smsc::{Owner, Smsc, batch, batch_of_parts, options, sorted, until};

#[tokio::test]
async fn a_cut_with_a_full_window_loses_exactly_the_unanswered_and_the_rest_moves_on() {
    let (first, second) = (Smsc::new().await, Smsc::new().await);
    let mut settings = options(&[&first, &second]);
    settings.window = 100;
    let mut owner = Owner::start(settings);
    let mut dying = first.bound().await;
    let mut other = second.bound().await;
    owner.wait_bound(2).await;
    owner.carrier.submit(batch(0..300));
    let open = dying.submits(100).await;
    let others = other.submits(100).await;
    for submit in &open[..40] {
        dying.accept_submit(submit).await;
    }
    // As many again follow the answers.
    let more = dying.submits(40).await;
    let lost: Vec<u32> = open[40..].iter().chain(&more).map(|pdu| row_of(&pdu.text())).collect();
    dying.cut();
    owner.wait_for(|log| log.lost.len() == 100).await;
    assert_eq!(owner.log.lost(), sorted(lost));
    assert!(owner.log.lost.iter().all(|(_, cause)| *cause == LostCause::ConnectionLost));
    for submit in &others {
        other.accept_submit(submit).await;
    }
    let serving = other.serving();
    owner.wait_for(|log| log.answers.len() == 200).await;
    assert_eq!(owner.log.settled(), (0..300).collect::<Vec<_>>(), "each once");
    assert!(owner.log.returned.is_empty());
    drop(owner);
    assert_eq!(serving.await.unwrap().len(), 60);
}

fn row_of(text: &str) -> u32 {
    text.split_once('.').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn without_another_bind_the_unwritten_come_back() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.backoff.first = Duration::from_secs(60);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..25));
    let open = link.submits(10).await;
    link.accept_submit(&open[0]).await;
    link.submits(1).await;
    link.cut();
    owner.wait_for(|log| log.settled().len() == 25).await;
    assert_eq!((owner.log.answered(), owner.log.lost()), (vec![0], (1..11).collect()));
    assert_eq!(sorted(owner.log.returned.iter().copied()), (11..25).collect::<Vec<_>>());
    assert!(!owner.carrier.is_usable());
    assert_eq!(owner.carrier.status().binds[0].phase, BindPhase::Waiting);
}

#[tokio::test]
async fn what_the_connection_never_took_is_not_in_doubt() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 1_000;
    settings.backoff.first = Duration::from_secs(60);
    let mut owner = Owner::start(settings);
    let link = smsc.bound().await;
    owner.wait_bound(1).await;
    // Far more than all socket buffers hold, and nobody reads.
    let payload = vec![b'x'; 60_000];
    let mut tlvs = Vec::new();
    volley_smpp::pdu::put_tlv(&mut tlvs, volley_smpp::pdu::tag::MESSAGE_PAYLOAD, &payload);
    let mut large = volley_pipeline::SubmitBatch::default();
    for row in 0..1_000 {
        let message = volley_smpp::pdu::ShortMessage {
            tlvs: volley_smpp::pdu::Tlvs::new(&tlvs),
            ..volley_smpp::pdu::ShortMessage::default()
        };
        message.encode(CommandId::SubmitSm, 0, &mut large.pdus).unwrap();
        large.finish_item(volley_core::MessageToken::new(volley_core::RowIndex(row), 0));
    }
    owner.carrier.submit(large);
    until(|| owner.carrier.status().binds[0].n_in_flight == 1_000).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    link.cut();
    owner.wait_for(|log| log.settled().len() == 1_000).await;
    let n_lost = owner.log.lost.len() as u32;
    assert!((1..900).contains(&n_lost), "{n_lost} lost");
    assert_eq!(owner.log.lost(), (0..n_lost).collect::<Vec<_>>(), "the first ones");
    assert_eq!(owner.log.settled(), (0..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lost_bind_comes_back_and_old_acknowledgements_are_passed_over() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    link.receipt(5, "a").await;
    owner.wait_for(|log| log.receipts.len() == 1).await;
    link.cut();
    owner.wait_for(|log| log.n_sessions_ended == 1).await;
    let mut link = smsc.bound().await;
    owner.wait_bound(2).await;
    owner.carrier.acknowledge(&owner.log.handles);
    // The SMSC delivers again, and that is acknowledged.
    link.receipt(6, "a").await;
    owner.wait_for(|log| log.receipts.len() == 2).await;
    owner.carrier.acknowledge(&owner.log.handles[1..]);
    let ack = link.read().await.unwrap();
    assert_eq!((ack.id, ack.sequence), (CommandId::DeliverSmResp, 6));
    assert_eq!(owner.carrier.status().binds[0].n_bound, 2);
}

#[tokio::test]
async fn refused_credentials_are_told_and_not_tried_again_soon() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.binds_per_host = 10;
    let mut owner = Owner::start(settings);
    let mut link = smsc.accept().await;
    link.answer_bind(CommandStatus::RINVPASWD).await;
    owner.wait_for(|log| log.refused.len() == 1).await;
    assert_eq!(owner.log.refused, [CommandStatus::RINVPASWD]);
    let status = owner.carrier.status();
    assert_eq!(status.binds.iter().filter(|bind| bind.phase == BindPhase::Refused).count(), 1);
    let error = status.binds.iter().find_map(|bind| bind.last_error.clone()).unwrap();
    assert!(error.contains("0x0E ESME_RINVPASWD") && !error.contains("canary"), "{error}");
    let alarm = status.alarm().unwrap();
    assert!(alarm.contains("check system-id, password and system-type; asked again after"), "{alarm}");
    let again = tokio::time::timeout(Duration::from_millis(300), smsc.accept()).await;
    assert!(again.is_err(), "nine binds wait, and the first too");
}

#[tokio::test]
async fn one_dead_host_does_not_hold_up_the_other() {
    let (dead, alive) = (Smsc::new().await, Smsc::new().await);
    let settings = options(&[&dead, &alive]);
    drop(dead);
    let mut owner = Owner::start(settings);
    let serving = alive.bound().await.serving();
    owner.wait_for(|log| !log.bound.is_empty() && !log.failed.is_empty()).await;
    owner.carrier.submit(batch(0..100));
    owner.wait_for(|log| log.answers.len() == 100).await;
    assert!(owner.log.failed[0].1.starts_with("can't connect: "), "{:?}", owner.log.failed);
    owner.carrier.drain();
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(serving.await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_missing_answer_leads_to_a_new_bind_and_only_it_is_lost() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.response = Duration::from_millis(300);
    settings.timers.grace = Duration::from_millis(300);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..5));
    let submits = link.submits(5).await;
    for submit in &submits[1..] {
        link.accept_submit(submit).await;
    }
    let unbind = link.read().await.unwrap();
    assert_eq!(unbind.id, CommandId::Unbind);
    link.header(CommandId::UnbindResp, CommandStatus::ROK, unbind.sequence).await;
    owner.wait_for(|log| log.lost.len() == 1).await;
    assert_eq!(owner.log.lost, [(0, LostCause::NoAnswer)]);
    smsc.bound().await;
    owner.wait_bound(2).await;
}

#[tokio::test]
async fn the_smscs_unbind_is_answered_and_followed_by_a_new_bind() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..20));
    let submits = link.submits(10).await;
    link.header(CommandId::Unbind, CommandStatus::ROK, 77).await;
    for submit in &submits {
        link.accept_submit(submit).await;
    }
    let answer = link.read().await.unwrap();
    assert_eq!((answer.id, answer.sequence), (CommandId::UnbindResp, 77), "no submit comes before it");
    assert_eq!(link.read().await, None);
    let serving = smsc.bound().await.serving();
    owner.wait_for(|log| log.answers.len() == 20).await;
    assert!(owner.log.lost.is_empty() && owner.log.returned.is_empty());
    owner.carrier.drain();
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(owner.log.lost_binds, ["the SMSC unbound us"], "a drain loses no bind");
    assert_eq!(serving.await.unwrap().len(), 10);
}

#[tokio::test]
async fn an_alarm_ends_when_the_bind_comes_up() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.backoff.refused = Duration::from_millis(50);
    let mut owner = Owner::start(settings);
    smsc.accept().await.answer_bind(CommandStatus::RBINDFAIL).await;
    owner.wait_for(|log| log.refused.len() == 1).await;
    assert!(owner.carrier.status().alarm().unwrap().contains("too many binds"));
    let _link = smsc.bound().await;
    owner.wait_bound(1).await;
    let status = owner.carrier.status();
    assert_eq!(status.alarm(), None);
    assert_eq!(status.binds[0].peer.as_ref().map(|peer| peer.system_id.as_str()), Some("SMSC"));
}

#[tokio::test]
async fn a_receiver_with_wrong_credentials_does_not_keep_the_transmitter_out() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.bind_as = BindAs::Pair {
        receiver: Some(ReceiverAccount {
            hosts: Vec::new(),
            system_id: "esme-rx".to_owned(),
            password: Secret::from("wrong"),
        }),
    };
    let mut owner = Owner::start(settings);
    // Both ask at once: they have a way in of their own each.
    let (mut one, mut other) = (smsc.accept().await, smsc.accept().await);
    for link in [&mut one, &mut other] {
        let bind = link.read().await.unwrap();
        let status = if bind.id == CommandId::BindReceiver { CommandStatus::RINVPASWD } else { CommandStatus::ROK };
        link.header(bind.id.response(), status, bind.sequence).await;
    }
    owner.wait_for(|log| log.bound.len() == 1 && log.refused.len() == 1).await;
    drop((one, other));
    smsc.accept().await.answer_bind(CommandStatus::ROK).await;
    owner.wait_bound(2).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a real delay is measured")]
async fn the_work_of_a_bind_that_dies_is_with_the_others_within_a_second() {
    let (first, second) = (Smsc::new().await, Smsc::new().await);
    let mut settings = options(&[&first, &second]);
    settings.backoff.first = Duration::from_secs(30);
    let mut owner = Owner::start(settings);
    let (mut dying, mut other) = (first.bound().await, second.bound().await);
    owner.wait_bound(2).await;
    owner.carrier.submit(batch(0..25));
    let open = dying.submits(10).await;
    let others = other.submits(10).await;
    let cut = std::time::Instant::now();
    dying.cut();
    owner.wait_for(|log| log.lost.len() == 10).await;
    for submit in &others {
        other.accept_submit(submit).await;
    }
    let taken_over = other.submits(5).await;
    assert!(cut.elapsed() < Duration::from_secs(1), "{:?}", cut.elapsed());
    let rows = |submits: &[crate::smsc::Seen]| sorted(submits.iter().map(|submit| row_of(&submit.text())));
    assert_eq!(owner.log.lost(), rows(&open), "the window that died, and nothing else");
    let sent: Vec<_> = [rows(&open), rows(&others), rows(&taken_over)].concat();
    assert_eq!(sorted(sent), (0..25).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_suspended_carrier_gives_back_what_is_unwritten_and_takes_receipts() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch_of_parts(0..5, 4));
    let submits = link.submits(10).await;
    owner.carrier.suspend();
    assert!(!owner.carrier.is_usable());
    owner.wait_for(|log| log.returned.len() == 10).await;
    for submit in &submits {
        link.accept_submit(submit).await;
    }
    link.receipt(3, "0.0").await;
    owner.wait_for(|log| log.answers.len() == 10 && log.receipts.len() == 1).await;
    owner.carrier.submit(batch(7..8));
    owner.wait_for(|log| log.returned.contains(&7)).await;
    owner.carrier.resume();
    owner.carrier.submit(batch(8..9));
    assert_eq!(link.submits(1).await[0].text(), "8.0");
}
