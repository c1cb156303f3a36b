//! Peers that are dead, and binds that are refused by kind.

use std::time::{Duration, Instant};

use volley_pipeline::BindAs;

use crate::owner::Owner;

#[tokio::test]
async fn a_dead_peer_is_found_within_the_enquire_timeout() {
    let simulator = "answer-latency = \"1ms\"\n[faults]\nhalf-opens = { after-submits = 200 }\n";
    let (interval, wait) = (Duration::from_millis(700), Duration::from_millis(800));
    let mut owner = Owner::start(simulator, |smpp| {
        smpp.window = 50;
        (smpp.timers.enquire_interval, smpp.timers.enquire_timeout) = (interval, wait);
    });
    owner.wait_for(|log| log.n_bound == 1).await;
    owner.submit(400);
    owner.wait_for(|log| log.lost_binds.len() == 1).await;
    let silent_for = Instant::now() - owner.log.answered_at.unwrap();
    assert_eq!(owner.log.lost_binds, ["enquire_link was not answered in time"]);
    eprintln!("found after {silent_for:?}");
    assert!(silent_for < interval + wait + Duration::from_millis(500), "{silent_for:?}");
    assert!((1..=50).contains(&owner.log.n_lost), "{:?}", owner.log);
    // The rest goes over a new bind.
    let n_lost = owner.log.n_lost;
    owner.wait_for(|log| log.n_answers + n_lost == 400).await;
    assert_eq!((owner.log.n_bound, owner.log.n_lost), (2, n_lost));
}

#[tokio::test]
async fn a_refused_receiver_is_told_and_the_transmitter_goes_on() {
    let mut owner = Owner::start("refuse-binds = { receiver = \"0x0d\" }\n", |smpp| {
        smpp.bind_as = BindAs::Pair { receiver: None };
    });
    owner.wait_for(|log| log.n_bound == 1 && log.refused.len() == 1).await;
    owner.submit(100);
    owner.wait_for(|log| log.n_answers == 100).await;
    assert_eq!(owner.log.refused, ["0x0D ESME_RBINDFAIL"]);
    assert_eq!(owner.log.n_receipts, 0, "they wait for a receiver");
}
