//! Random SMSCs that answer, refuse, throttle, shuffle, fall silent, cut and unbind: whatever
//! they do, every submit comes back exactly once, and what comes back is true.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio_util::task::TaskTracker;
use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::smsc::{Link, Owner, PATIENCE, Seen, Smsc, answer, batch_of_parts, options, receipt};

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// How often each text was read by any SMSC, and what was answered.
type Truth = Arc<Mutex<HashMap<String, (u32, Option<CommandStatus>)>>>;

/// One session; `moods` says how likely it ends badly.
async fn play(mut link: Link, mut random: Random, truth: Truth) {
    link.answer_bind(CommandStatus::ROK).await;
    let mut open: Vec<Seen> = Vec::new();
    let (mut sequence, mut n_steps) = (0, 0);
    loop {
        let read = tokio::time::timeout(Duration::from_millis(2), link.read()).await;
        match read {
            Ok(None) => return,
            Ok(Some(pdu)) if pdu.id == CommandId::SubmitSm => {
                truth.lock().unwrap().entry(pdu.text()).or_default().0 += 1;
                open.push(pdu);
            }
            Ok(Some(pdu)) if pdu.id.is_response() => {}
            Ok(Some(pdu)) => {
                // What is still open is answered before our side says good-bye.
                let mut octets = answer_some(&mut open, u64::MAX, &mut random, &truth);
                volley_smpp::pdu::encode_header_only(pdu.id.response(), CommandStatus::ROK, pdu.sequence, &mut octets);
                if link.try_write(&octets).await.is_err() {
                    return;
                }
            }
            Err(_) => {}
        }
        n_steps += 1;
        let mut octets = Vec::new();
        match random.next(400) {
            0..=99 => octets = answer_some(&mut open, 8, &mut random, &truth),
            100..=119 => {
                sequence += 1;
                octets = receipt(sequence, "0.0");
            }
            120..=124 => octets = answer(random.next(1 << 31) as u32, b"nobody asked"),
            125..=129 => {
                volley_smpp::pdu::encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, 1, &mut octets);
            }
            130..=131 if n_steps > 50 => return,
            132 if n_steps > 50 => {
                octets = answer_some(&mut open, 4, &mut random, &truth);
                octets.truncate(random.next(1 + octets.len() as u64) as usize);
                // Cut in the middle: what was answered last may not have arrived.
                let _ = link.try_write(&octets).await;
                return;
            }
            133 if n_steps > 50 => {
                volley_smpp::pdu::encode_header_only(CommandId::Unbind, CommandStatus::ROK, 77, &mut octets);
            }
            134 if n_steps > 50 => octets = vec![0xFF; 40],
            _ => {}
        }
        if link.try_write(&octets).await.is_err() {
            return;
        }
    }
}

/// Answers up to `n` of the open submits in any order, mostly with success.
fn answer_some(open: &mut Vec<Seen>, n: u64, random: &mut Random, truth: &Truth) -> Vec<u8> {
    let mut octets = Vec::new();
    for _ in 0..n.min(open.len() as u64) {
        let submit = open.swap_remove(random.next(open.len() as u64) as usize);
        let status = match random.next(20) {
            0 => CommandStatus::RSYSERR,
            1 => CommandStatus::RINVDSTADR,
            _ => CommandStatus::ROK,
        };
        truth.lock().unwrap().entry(submit.text()).or_default().1 = Some(status);
        if status == CommandStatus::ROK {
            octets.extend(answer(submit.sequence, submit.text().as_bytes()));
        } else {
            volley_smpp::pdu::encode_header_only(CommandId::SubmitSmResp, status, submit.sequence, &mut octets);
        }
    }
    octets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_submit_comes_back_exactly_once_and_truly() {
    for seed in 0..12 {
        one_run(seed).await;
    }
}

async fn one_run(seed: u64) {
    const N_ROWS: u32 = 400;
    let mut random = Random(seed);
    let (first, second) = (Smsc::new().await, Smsc::new().await);
    let mut settings = options(&[&first, &second]);
    settings.seed = seed;
    settings.binds_per_host = 1 + random.next(3) as u16;
    settings.window = 1 + random.next(40) as u16;
    settings.backoff.first = Duration::from_millis(5);
    settings.backoff.max = Duration::from_millis(20);
    settings.timers.grace = Duration::from_millis(100);
    settings.timers.drain = Duration::from_millis(500);
    settings.timers.unbound_return = Duration::from_millis(5 + random.next(50));
    let truth = Truth::default();
    let tracker = TaskTracker::new();
    for (n, smsc) in [first, second].into_iter().enumerate() {
        let (truth, inner) = (Arc::clone(&truth), tracker.clone());
        let mut random = Random(seed * 1_000 + n as u64);
        // Dropped with the runtime: it accepts for ever.
        tracker.spawn(async move {
            loop {
                let link = smsc.accept_forever().await;
                inner.spawn(play(link, Random(random.next(u64::MAX)), Arc::clone(&truth)));
            }
        });
    }
    let mut owner = Owner::paced(settings, Arc::new(volley_pipeline::Unpaced), 1 + random.next(8) as usize);
    owner.wait_bound(1).await;
    let n_parts = 1 + random.next(3) as u8;
    for rows in (0..N_ROWS).step_by(50) {
        owner.carrier.submit(batch_of_parts(rows..rows + 50, n_parts));
        owner.take_ready();
        owner.carrier.acknowledge(&std::mem::take(&mut owner.log.handles));
        tokio::time::sleep(Duration::from_millis(random.next(10))).await;
    }
    let n_submits = N_ROWS as usize * usize::from(n_parts);
    let settled = owner.wait_for(|log| log.settled().len() >= n_submits / 2);
    tokio::time::timeout(PATIENCE, settled).await.unwrap_or_else(|_| panic!("seed {seed}: nothing moves"));
    owner.carrier.drain();
    let stopped = owner.wait_for(|log| log.stopped);
    tokio::time::timeout(PATIENCE, stopped).await.unwrap_or_else(|_| panic!("seed {seed}: no stop"));

    let log = &owner.log;
    let mut times_back: HashMap<u64, u32> = HashMap::new();
    for token in log.answer_tokens.iter().map(|(token, _)| token).chain(&log.lost_tokens).chain(&log.returned_tokens) {
        *times_back.entry(token.0).or_default() += 1;
    }
    assert_eq!(times_back.len(), n_submits, "seed {seed}: each came back");
    assert!(times_back.values().all(|n| *n == 1), "seed {seed}: once");
    let truth = truth.lock().unwrap();
    let text = |token: &volley_core::MessageToken| format!("{}.{}", token.row().0, token.segment());
    assert!(truth.values().all(|(n_reads, _)| *n_reads == 1), "seed {seed}: nothing is sent twice");
    for token in &log.returned_tokens {
        assert!(!truth.contains_key(&text(token)), "seed {seed}: {} was returned but read", text(token));
    }
    for (token, accepted) in &log.answer_tokens {
        let said = truth.get(&text(token)).and_then(|(_, status)| *status);
        assert_eq!(said.map(|status| status == CommandStatus::ROK), Some(*accepted), "seed {seed}: {}", text(token));
    }
}
