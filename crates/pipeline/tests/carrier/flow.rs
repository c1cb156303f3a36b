//! Submits, answers, receipts, and their order.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use volley_core::ReceiptState;
use volley_pipeline::{Admitted, BindAs, BindPhase, Limit, Pacer, ReceiverAccount, Secret};
use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::smsc::{Owner, PATIENCE, Smsc, batch, batch_of_parts, deliver_sm, options, receipt, sorted, until};

#[tokio::test]
async fn answers_come_up_and_receipts_are_acknowledged_only_when_the_owner_says_so() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    assert!(owner.carrier.is_usable());
    owner.carrier.submit(batch(0..3));
    for submit in link.submits(3).await.iter().rev() {
        link.accept_submit(submit).await;
    }
    link.receipt(71, "1.0").await;
    owner.wait_for(|log| log.answers.len() == 3 && log.receipts.len() == 1).await;
    let answers: Vec<_> = [2, 1, 0].map(|row| (row, Ok(format!("{row}.0")))).into();
    assert_eq!(owner.log.answers, answers);
    assert_eq!(owner.log.receipts, [("1.0".to_owned(), ReceiptState::Delivered)]);
    assert!(link.is_silent_for(Duration::from_millis(200)).await, "nothing is durable yet");
    owner.carrier.acknowledge(&owner.log.handles);
    let ack = link.read().await.unwrap();
    assert_eq!((ack.id, ack.status, ack.sequence), (CommandId::DeliverSmResp, CommandStatus::ROK, 71));
    let status = owner.carrier.status();
    let [bind] = &status.binds[..] else { panic!("one bind") };
    assert_eq!((bind.phase, bind.n_submitted, bind.n_answered, bind.n_deliveries), (BindPhase::Bound, 3, 3, 1));
    assert_eq!((bind.n_in_flight, status.n_queued), (0, 0));
}

#[tokio::test]
async fn the_window_is_never_exceeded_and_frees_with_each_answer() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..25));
    let first = link.submits(10).await;
    assert!(link.is_silent_for(Duration::from_millis(100)).await, "ten are open");
    assert_eq!((owner.carrier.n_queued(), owner.carrier.status().binds[0].limit), (15, Limit::Window));
    link.accept_submit(&first[4]).await;
    let eleventh = link.submits(1).await;
    assert_eq!(eleventh[0].text(), "10.0");
    assert!(link.is_silent_for(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn a_throttled_answer_goes_up_and_pauses_the_session() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 1;
    settings.timers.throttle_pause = Duration::from_millis(300);
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..2));
    let first = link.submits(1).await.remove(0);
    link.header(CommandId::SubmitSmResp, CommandStatus::RTHROTTLED, first.sequence).await;
    owner.wait_for(|log| log.answers.len() == 1).await;
    assert_eq!(owner.log.answers, [(0, Err(CommandStatus::RTHROTTLED))]);
    assert!(link.is_silent_for(Duration::from_millis(150)).await);
    let second = link.submits(1).await.remove(0);
    assert_eq!(second.text(), "1.0", "what was throttled is the owner's business");
}

#[tokio::test]
async fn submit_front_goes_ahead() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 1;
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    owner.carrier.submit(batch(0..3));
    let first = link.submits(1).await.remove(0);
    owner.carrier.submit_front(batch(9..10));
    link.accept_submit(&first).await;
    assert_eq!(link.submits(1).await[0].text(), "9.0");
}

#[tokio::test]
async fn many_submits_leave_with_few_writes() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.window = 500;
    let mut owner = Owner::start(settings);
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    let n_before = link.n_reads;
    owner.carrier.submit(batch(0..500));
    until(|| owner.carrier.n_queued() == 0).await;
    assert_eq!(link.submits(500).await.len(), 500);
    assert!(link.n_reads - n_before <= 5, "{} reads", link.n_reads - n_before);
}

#[tokio::test]
async fn parts_of_a_message_stay_on_one_session_in_order() {
    let smsc = Smsc::new().await;
    let mut settings = options(&[&smsc]);
    settings.binds_per_host = 3;
    settings.window = 2;
    let mut owner = Owner::start(settings);
    let mut links = Vec::new();
    for _ in 0..3 {
        links.push(smsc.bound().await.serving());
    }
    owner.wait_bound(3).await;
    owner.carrier.submit(batch_of_parts(0..50, 5));
    owner.wait_for(|log| log.answers.len() == 250).await;
    owner.carrier.drain();
    owner.wait_for(|log| log.stopped).await;
    let mut session_of = HashMap::new();
    for (session, link) in links.into_iter().enumerate() {
        let mut next_part: HashMap<String, u8> = HashMap::new();
        for text in link.await.unwrap() {
            let (row, part) = text.split_once('.').unwrap();
            let next = next_part.entry(row.to_owned()).or_default();
            assert_eq!(part.parse(), Ok(*next), "row {row}");
            *next += 1;
            assert_eq!(*session_of.entry(row.to_owned()).or_insert(session), session, "row {row}");
        }
        assert!(next_part.values().all(|n_parts| *n_parts == 5));
    }
    assert_eq!(session_of.len(), 50);
}

/// Grants so many in all, then no more before an hour is over.
struct Budget(Mutex<u32>);

impl Pacer for Budget {
    fn admit(&self, _bind: u16, now: Instant, want: u32) -> Admitted {
        let mut left = self.0.lock().unwrap();
        let granted = want.min(*left);
        *left -= granted;
        let retry_at = (granted < want).then(|| now + Duration::from_secs(3_600));
        Admitted { granted, retry_at }
    }
}

#[tokio::test]
async fn the_pacer_has_the_last_word_and_loses_no_permission() {
    let smsc = Smsc::new().await;
    let pacer = Arc::new(Budget(Mutex::new(5)));
    let mut settings = options(&[&smsc]);
    settings.binds_per_host = 2;
    let mut owner = Owner::paced(settings, Arc::clone(&pacer) as Arc<dyn Pacer>, 64);
    let first = smsc.bound().await.serving();
    let second = smsc.bound().await.serving();
    owner.wait_bound(2).await;
    owner.carrier.submit(batch(0..3));
    owner.wait_for(|log| log.answers.len() == 3).await;
    assert_eq!(*pacer.0.lock().unwrap(), 2, "asked for no more than there was");
    owner.carrier.submit(batch(3..10));
    owner.wait_for(|log| log.answers.len() == 5).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    owner.take_ready();
    assert_eq!((owner.log.answers.len(), owner.carrier.n_queued()), (5, 5));
    *pacer.0.lock().unwrap() = 5;
    owner.carrier.nudge();
    owner.wait_for(|log| log.answers.len() == 10).await;
    owner.carrier.drain();
    owner.wait_for(|log| log.stopped).await;
    assert_eq!(first.await.unwrap().len() + second.await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_receipt_flood_waits_in_the_socket_while_nobody_takes_it() {
    const N: u32 = 50_000;
    let smsc = Smsc::new().await;
    let mut owner = Owner::paced(options(&[&smsc]), Arc::new(volley_pipeline::Unpaced), 1);
    let link = smsc.bound().await;
    owner.wait_bound(1).await;
    let flood: Vec<u8> = (1..=N).flat_map(|n| receipt(n, &n.to_string())).collect();
    let total = flood.len();
    let (reader, writing) = link.flood(flood);
    let mut acks = Acks { reader, input: Vec::with_capacity(1 << 20) };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let n_taken = owner.carrier.status().binds[0].n_deliveries;
    assert!(n_taken < u64::from(N) / 2, "{n_taken} of {N} receipts ({total} octets) were read for nobody");
    let mut n_acknowledged = 0;
    while n_acknowledged < N as usize {
        owner.wait_for(|log| !log.handles.is_empty()).await;
        owner.carrier.acknowledge(&std::mem::take(&mut owner.log.handles));
        n_acknowledged = owner.log.receipts.len();
    }
    let mut n_answered = 0;
    while n_answered < N as usize {
        n_answered += acks.next().await;
    }
    drop(writing.await.unwrap());
    let ids = sorted(owner.log.receipts.iter().map(|(id, _)| id.parse().unwrap()));
    assert!(ids.into_iter().eq(1..=N), "each came up exactly once");
}

struct Acks {
    reader: crate::smsc::Reader,
    input: Vec<u8>,
}

impl Acks {
    async fn next(&mut self) -> usize {
        let read = tokio::io::AsyncReadExt::read_buf(&mut self.reader, &mut self.input);
        assert!(tokio::time::timeout(PATIENCE, read).await.expect("acknowledgements").unwrap() > 0);
        let n = self.input.len() / 17;
        assert!(self.input.chunks_exact(17).all(|ack| ack[4..8] == 0x8000_0005_u32.to_be_bytes()));
        self.input.drain(..n * 17);
        n
    }
}

#[tokio::test]
async fn replies_and_unreadable_pdus_come_up_and_are_acknowledged_too() {
    let smsc = Smsc::new().await;
    let mut owner = Owner::start(options(&[&smsc]));
    let mut link = smsc.bound().await;
    owner.wait_bound(1).await;
    link.write(&deliver_sm(5, 0, b"STOP")).await;
    let mut cut = deliver_sm(6, 0, b"STOP");
    cut.truncate(40);
    cut[3] = 40;
    link.write(&cut).await;
    owner.wait_for(|log| log.replies.len() == 2).await;
    assert_eq!(owner.log.replies[0], (b"4915112345678".to_vec(), b"STOP".to_vec()));
    assert_eq!(owner.log.replies[1], (vec![], cut[16..].to_vec()));
    assert_eq!(owner.carrier.status().binds[0].n_unreadable, 1);
    owner.carrier.acknowledge(&owner.log.handles);
    for sequence in [5, 6] {
        let ack = link.read().await.unwrap();
        assert_eq!((ack.id, ack.status, ack.sequence), (CommandId::DeliverSmResp, CommandStatus::ROK, sequence));
    }
}

#[tokio::test]
async fn a_pair_submits_on_the_transmitter_and_takes_receipts_on_the_receiver() {
    let (out, back) = (Smsc::new().await, Smsc::new().await);
    let mut settings = options(&[&out]);
    settings.bind_as = BindAs::Pair {
        receiver: Some(ReceiverAccount {
            hosts: vec![back.addr.to_string()],
            system_id: "esme-rx".to_owned(),
            password: Secret::from("other"),
        }),
    };
    let mut owner = Owner::start(settings);
    let mut transmitter = out.accept().await;
    assert_eq!(transmitter.answer_bind(CommandStatus::ROK).await.id, CommandId::BindTransmitter);
    let mut receiver = back.accept().await;
    let bind = receiver.answer_bind(CommandStatus::ROK).await;
    assert_eq!(bind.id, CommandId::BindReceiver);
    assert!(bind.octets.windows(13).any(|octets| octets == b"esme-rx\0other"));
    owner.wait_bound(2).await;
    owner.carrier.submit(batch(0..1));
    let submit = transmitter.submits(1).await.remove(0);
    transmitter.accept_submit(&submit).await;
    receiver.receipt(3, "0.0").await;
    owner.wait_for(|log| log.answers.len() == 1 && log.receipts.len() == 1).await;
    owner.carrier.acknowledge(&owner.log.handles);
    assert_eq!(receiver.read().await.unwrap().id, CommandId::DeliverSmResp);
}
