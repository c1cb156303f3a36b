//! The carrier's side of the check: what it said, and what is acknowledged to it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use volley_core::{CarrierIndex, MessageToken, ReceiptState, SystemClock};
use volley_pipeline::{
    Answer, BindStatus, Carrier, CarrierEvent, EventKind, Receipt, ReceiptHandle, SmppOptions, SubmitBatch, Timers,
    Unpaced,
};
use volley_smpp::{
    pdu::CommandStatus,
    receipt::{IdMode, Side, fold_id},
};

use super::{Steps, Verdict};
use crate::{Error, carrier_status::kind_name};

/// Events that may wait.
const EVENTS: usize = 64;
/// A bind waits for the outcome of another one so long at most.
const TURN: Duration = Duration::from_secs(6);

pub(super) struct Session {
    carrier: Carrier,
    events: mpsc::Receiver<CarrierEvent>,
    /// What became of each bind's first attempt.
    outcomes: Vec<Option<Result<(), String>>>,
    pub(super) answers: Vec<(MessageToken, Result<Vec<u8>, CommandStatus>)>,
    pub(super) receipts: Vec<SeenReceipt>,
    /// Binds that were lost.
    n_lost: u32,
    n_replies: u32,
}

/// A receipt, as the carrier wrote its id.
pub(super) struct SeenReceipt {
    pub(super) id: Vec<u8>,
    pub(super) state: ReceiptState,
    /// The carrier's code for what went wrong; often `000`.
    pub(super) error: Vec<u8>,
    handle: ReceiptHandle,
}

impl Session {
    pub(super) fn start(name: &str, options: SmppOptions) -> Result<Self, Error> {
        let (sender, events) = mpsc::channel(EVENTS);
        let clock = Arc::new(SystemClock);
        let carrier = Carrier::start(CarrierIndex(0), name, options, Arc::new(Unpaced), sender, clock)?;
        let outcomes = vec![None; carrier.status().binds.len()];
        let (answers, receipts) = (Vec::new(), Vec::new());
        Ok(Self { carrier, events, outcomes, answers, receipts, n_lost: 0, n_replies: 0 })
    }

    fn take(&mut self, event: CarrierEvent) {
        let outcome = match event.kind {
            EventKind::Bound { .. } => Ok(()),
            EventKind::BindRefused { status, .. } => Err(format!("refused with {status}")),
            EventKind::ConnectFailed { error, .. } => Err(error),
            EventKind::Answers(answers) => {
                self.answers.extend(answers.iter().map(|(token, answer)| match answer {
                    Answer::Accepted { id, .. } => (token, Ok(id.to_vec())),
                    Answer::Refused { status } => (token, Err(status)),
                }));
                return;
            }
            EventKind::Receipts(receipts) => {
                let seen = |it: Receipt<'_>| SeenReceipt {
                    id: it.raw_id.to_vec(),
                    state: it.state,
                    error: it.err.to_vec(),
                    handle: it.handle,
                };
                self.receipts.extend(receipts.iter().map(seen));
                return;
            }
            EventKind::Replies(replies) => {
                // Not acknowledged: the carrier keeps them for whoever is there to store them.
                self.n_replies += replies.iter().count() as u32;
                return;
            }
            EventKind::Lost { .. } => {
                self.n_lost += 1;
                return;
            }
            EventKind::Told(_) | EventKind::Returned { .. } | EventKind::BindLost { .. } | EventKind::Stopped => return,
        };
        if let Some(first) = self.outcomes.get_mut(usize::from(event.bind)) {
            first.get_or_insert(outcome);
        }
    }

    /// Takes events until `done`, or for so long.
    pub(super) async fn watch(&mut self, patience: Duration, done: impl Fn(&Self) -> bool) {
        let watching = async {
            while !done(self) {
                match self.events.recv().await {
                    Some(event) => self.take(event),
                    None => return,
                }
            }
        };
        // What did not come is told by whoever looks.
        let _ = timeout(patience, watching).await;
    }

    /// Waits for each bind's outcome.
    pub(super) async fn bind(&mut self, timers: &Timers, steps: &mut Steps<'_>) {
        let patience = timers.connect + timers.bind + TURN * self.outcomes.len() as u32;
        let refused = |outcomes: &[Option<Result<(), String>>]| outcomes.iter().flatten().any(Result::is_err);
        self.watch(patience, |session| session.outcomes.iter().all(Option::is_some) || refused(&session.outcomes))
            .await;
        if refused(&self.outcomes) {
            // The others may be under way still.
            self.watch(TURN, |session| session.outcomes.iter().all(Option::is_some)).await;
        }
        let status = self.carrier.status();
        for (n, (bind, outcome)) in status.binds.iter().zip(&self.outcomes).enumerate() {
            let step = format!("bind {n}: {} at {}", kind_name(bind.kind), bind.host);
            match outcome {
                Some(Ok(())) => steps.add(step, Verdict::Ok, peer_in_words(bind)),
                Some(Err(error)) => {
                    let from = bind.source_address.map(|it| format!("; we come from {it}")).unwrap_or_default();
                    steps.add(step, Verdict::Failed, format!("{error}{from}"));
                }
                None if refused(&self.outcomes) => {
                    steps.add(step, Verdict::Skipped, "not tried: the account was refused on another bind");
                }
                None => steps.add(step, Verdict::Failed, "no outcome in time"),
            }
        }
    }

    pub(super) fn any_bound(&self) -> bool {
        self.outcomes.iter().flatten().any(Result::is_ok)
    }

    /// Leaves the binds idle, and looks whether keep-alives were answered in both directions.
    pub(super) async fn idle(&mut self, idle: Duration, steps: &mut Steps<'_>) {
        // A little longer, so that the last answer is in.
        self.watch(idle + idle / 10, |_| false).await;
        let binds = self.carrier.status().binds;
        let sum = |count: fn(&BindStatus) -> u64| binds.iter().map(count).sum::<u64>();
        let (sent, answered) = (sum(|bind| bind.n_enquiries_sent), sum(|bind| bind.n_enquiries_answered));
        let verdict = if self.n_lost == 0 && sent > 0 && answered >= sent { Verdict::Ok } else { Verdict::Failed };
        let lost = if self.n_lost > 0 { format!(", {} binds lost", self.n_lost) } else { String::new() };
        steps.add("keep-alives, ours", verdict, format!("{answered} of {sent} enquire_link were answered{lost}"));
        match sum(|bind| bind.n_enquiries_received) {
            0 => steps.add(
                "keep-alives, theirs",
                Verdict::Skipped,
                format!("the SMSC sent none in {} s", idle.as_secs()),
            ),
            n => steps.add("keep-alives, theirs", Verdict::Ok, format!("the SMSC sent {n}, all were answered")),
        }
    }

    pub(super) fn submit(&self, batch: SubmitBatch) {
        self.carrier.submit(batch);
    }

    /// Acknowledges the receipts whose ids are among `ids` in the reading `mode`. Others belong
    /// to messages that a campaign waits for: the carrier keeps those.
    pub(super) fn acknowledge(&self, ids: &[Vec<u8>], mode: IdMode) -> usize {
        let key = |side, id: &[u8]| folded(mode, side, id);
        let ours: Vec<_> = ids.iter().map(|id| key(Side::Response, id)).collect();
        let mine = self.receipts.iter().filter(|receipt| ours.contains(&key(Side::Receipt, &receipt.id)));
        let handles: Vec<_> = mine.map(|receipt| receipt.handle).collect();
        self.carrier.acknowledge(&handles);
        handles.len()
    }

    pub(super) fn acknowledge_one(&self, receipt: &SeenReceipt) {
        self.carrier.acknowledge(&[receipt.handle]);
    }

    pub(super) fn binds_json(&self) -> Vec<Value> {
        let binds = self.carrier.status().binds;
        let json = |(bind, outcome): (&BindStatus, &Option<Result<(), String>>)| {
            json!({
                "host": bind.host,
                "kind": kind_name(bind.kind),
                "bound": matches!(outcome, Some(Ok(()))),
                "system_id": bind.peer.as_ref().map(|peer| peer.system_id.as_str()),
                "interface_version": bind.peer.as_ref().and_then(|peer| peer.interface_version),
                "source_address": bind.source_address.map(|address| address.to_string()),
            })
        };
        binds.iter().zip(&self.outcomes).map(json).collect()
    }

    /// Unbinds.
    pub(super) async fn end(mut self) {
        self.carrier.drain();
        self.watch(Duration::from_secs(10), |session| session.carrier.status().binds.iter().all(is_stopped)).await;
        self.carrier.close().await;
    }
}

fn is_stopped(bind: &BindStatus) -> bool {
    bind.phase == volley_pipeline::BindPhase::Stopped
}

/// An id as it is matched.
pub(super) fn folded(mode: IdMode, side: Side, id: &[u8]) -> Vec<u8> {
    let mut key = Vec::new();
    fold_id(mode, side, id, &mut key);
    key
}

fn peer_in_words(bind: &BindStatus) -> String {
    let Some(peer) = &bind.peer else { return "bound".to_owned() };
    match peer.interface_version {
        Some(version) => format!("system_id `{}`, sc_interface_version {version:#04x}", peer.system_id),
        None => format!("system_id `{}`, no sc_interface_version: it may know no TLVs", peer.system_id),
    }
}
