//! Stopping: nothing new, nothing forgotten.

use std::time::Duration;

use volley_pipeline::LostCause;
use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::smsc::{Owner, Smsc, batch, batch_of_parts, options, sorted};

#[tokio::test]
async fn a_drain_returns_the_unwritten_waits_for_answers_and_unbinds() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..25));
    let submits = link.submits(10).await;
    owner.carrier.drain();
    assert!(!owner.carrier.is_usable());
    owner.wait_for(|log| log.returned.len() == 15).await;
    assert_eq!(sorted(owner.log.returned.iter().copied()), (10..25).collect::<Vec<_>>());
    assert_eq!(owner.carrier.n_queued(), 0);
    // Receipts are forwarded and acknowledged to the end.
    link.receipt(9, "x").await;
    for submit in &submits {
        link.accept_submit(submit).await;
    }
    owner.wait_for(|log| log.answers.len() == 10 && log.receipts.len() == 1).await;
    assert!(link.is_silent_for(Duration::from_millis(50)).await, "the receipt is not acknowledged yet");
    owner.carrier.acknowledge(&owner.log.handles);
    assert_eq!(link.read().await.unwrap().id, CommandId::DeliverSmResp);
    let unbind = link.read().await.unwrap();
    assert_eq!(unbind.id, CommandId::Unbind);
    link.receipt(10, "y").await;
    owner.wait_for(|log| log.receipts.len() == 2).await;
    owner.carrier.acknowledge(&owner.log.handles[1..]);
    assert_eq!(link.read().await.unwrap().id, CommandId::DeliverSmResp);
    link.header(CommandId::UnbindResp, CommandStatus::ROK, unbind.sequence).await;
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(link.read().await, None);
    owner.carrier.stopped().await;
    assert_eq!((owner.log.lost.len(), owner.log.settled()), (0, (0..25).collect()));
    // A batch whose intents became durable too late is not forgotten.
    owner.carrier.submit(batch(30..33));
    owner.wait_for(|log| log.returned.len() == 18).await;
    owner.carrier.close().await;
}

#[tokio::test]
async fn what_is_unanswered_at_the_drains_deadline_is_lost() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.timers.drain = Duration::from_millis(200);
    settings.timers.unbind = Duration::from_millis(200);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..3));
    let submits = link.submits(3).await;
    owner.carrier.drain();
    link.accept_submit(&submits[1]).await;
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(owner.log.answered(), [1]);
    assert_eq!(owner.log.lost, [(0, LostCause::NoAnswer), (2, LostCause::NoAnswer)]);
}

#[tokio::test]
async fn the_unwritten_parts_of_a_begun_message_come_back() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 2;
    let mut owner = Owner::start(settings);
    let link = smsc.bound().await;
    owner.wait_bound(1).await;
    let serving = {
        owner.carrier.submit(batch_of_parts(7..8, 5));
        let mut link = link;
        let begun = link.submits(2).await;
        owner.carrier.drain();
        owner.wait_for(|log| log.returned.len() == 3).await;
        for submit in &begun {
            link.accept_submit(submit).await;
        }
        link.serving()
    };
    owner.wait_for(|log| log.stopped).await;
    assert_eq!((owner.log.answers.len(), owner.log.lost.len()), (2, 0));
    assert!(serving.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_carrier_that_was_never_bound_stops_at_once() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    owner.carrier.submit(batch(0..2));
    owner.carrier.drain();
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(owner.log.settled(), [0, 1]);
}

#[tokio::test]
async fn a_dropped_carrier_closes_its_connections() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.close().await;
    assert_eq!(link.read().await, None);
}
