//! Sending the message, and telling each answer and receipt when it comes.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use volley_smpp::receipt::{IdRules, Side};

use super::TestMessage;
use crate::{
    Error, account,
    onboard::{
        CarrierVerdict, Steps, TestStep, Verdict,
        messages::printable,
        session::{SeenReceipt, Session},
        simulate,
    },
    options::{CarrierKind, RegisteredDelivery},
};

/// Longer than anybody waits.
const ALWAYS: Duration = Duration::from_secs(86_400);

impl TestMessage {
    /// Sends it. `say` hears of each step when it is done; answers, and then receipts, are waited
    /// for so long. Simulated carriers are played by the simulator.
    ///
    /// # Errors
    /// When the profile or a secret can't be used; what the carrier does is no error.
    pub async fn send(self, patience: Duration, say: &mut dyn FnMut(&TestStep)) -> Result<CarrierVerdict, Error> {
        let mut json = self.json();
        let Self { carriers, options, carrier, n_parts, batch, .. } = self;
        let is_simulated = options.kind == CarrierKind::Simulated;
        let simulator = is_simulated.then(|| simulate(&carrier, &options)).transpose()?;
        let address = simulator.as_ref().and_then(|simulator| simulator.addr(0));
        let mut smpp = account::smpp_options(&carrier, &options, &carriers, address)?;
        smpp.binds_per_host = 1;
        smpp.timers.drain = smpp.timers.drain.min(Duration::from_secs(2));
        let mut session = Session::start(&carrier, smpp.clone())?;
        let mut exchange = Exchange {
            steps: Steps { done: Vec::new(), say },
            ids: account::id_rules(&options),
            n_parts: usize::from(n_parts),
            accepted: Vec::new(),
        };
        session.bind(&smpp.timers, &mut exchange.steps).await;
        let was_bound = session.any_bound();
        if was_bound {
            session.submit(batch);
            exchange.answers(&mut session, patience).await;
            match options.registered_delivery {
                RegisteredDelivery::None => exchange.steps.add("receipts", Verdict::Skipped, "none are asked for"),
                RegisteredDelivery::All | RegisteredDelivery::Failure | RegisteredDelivery::Success => {
                    exchange.receipts(&mut session, patience).await;
                }
            }
        }
        session.end().await;
        drop(simulator);
        let steps = exchange.steps.done;
        let verdict = CarrierVerdict { steps, was_bound, json: json!(null) };
        if let Some(map) = json.as_object_mut() {
            map.insert("passed".to_owned(), json!(was_bound && verdict.passed()));
            map.insert("steps".to_owned(), json!(verdict.steps));
        }
        Ok(CarrierVerdict { json, ..verdict })
    }
}

struct Exchange<'a> {
    steps: Steps<'a>,
    ids: IdRules,
    n_parts: usize,
    /// Part and key of what was taken; and whether a final receipt came.
    accepted: Vec<(usize, Vec<u8>, bool)>,
}

impl Exchange<'_> {
    async fn answers(&mut self, session: &mut Session, patience: Duration) {
        let mut n_told = 0;
        let telling = async {
            while n_told < self.n_parts {
                session.watch(ALWAYS, |session| session.answers.len() > n_told).await;
                let Some((token, answer)) = session.answers.get(n_told) else { return };
                n_told += 1;
                let part = usize::from(token.segment()) + 1;
                let step = format!("part {part} of {}", self.n_parts);
                match answer {
                    Ok(id) => {
                        self.accepted.push((part, folded(&self.ids, Side::Response, id), false));
                        self.steps.add(step, Verdict::Ok, format!("accepted under {}", printable(id)));
                    }
                    Err(status) => self.steps.add(step, Verdict::Failed, format!("refused with {status}")),
                }
            }
        };
        // What did not come is told now.
        let _ = timeout(patience, telling).await;
        if n_told < self.n_parts {
            let detail = format!("{n_told} of {} were answered in time; the others may be delivered", self.n_parts);
            self.steps.add("answers", Verdict::Failed, detail);
        }
    }

    async fn receipts(&mut self, session: &mut Session, patience: Duration) {
        let mut n_seen = 0;
        let telling = async {
            loop {
                while let Some(receipt) = session.receipts.get(n_seen) {
                    n_seen += 1;
                    if self.tell(receipt) {
                        session.acknowledge_one(receipt);
                    }
                }
                if self.accepted.iter().all(|(_, _, is_final)| *is_final) {
                    return;
                }
                session.watch(ALWAYS, |session| session.receipts.len() > n_seen).await;
                if session.receipts.len() <= n_seen {
                    return;
                }
            }
        };
        let _ = timeout(patience, telling).await;
        let n_open = self.accepted.iter().filter(|(_, _, is_final)| !is_final).count();
        if n_open > 0 {
            let what = format!("none in time for {n_open} parts: `volley listen` takes them when they come");
            self.steps.add("receipts", Verdict::Skipped, what);
        }
    }

    /// Whether the receipt is for a part of ours.
    fn tell(&mut self, receipt: &SeenReceipt) -> bool {
        let ids = &self.ids;
        let key = folded(ids, Side::Receipt, &receipt.id);
        let Some((part, _, is_final)) = self.accepted.iter_mut().find(|(_, known, _)| *known == key) else {
            return false;
        };
        let (state, n_parts) = (receipt.state, self.n_parts);
        *is_final |= state.is_final();
        let verdict = match state.is_final() && state.name() != "delivered" {
            true => Verdict::Failed,
            false => Verdict::Ok,
        };
        let error =
            if receipt.error.is_empty() { String::new() } else { format!(", error {}", printable(&receipt.error)) };
        self.steps.add(format!("receipt for part {part} of {n_parts}"), verdict, format!("{}{error}", state.name()));
        true
    }
}

fn folded(ids: &IdRules, side: Side, id: &[u8]) -> Vec<u8> {
    let mut key = Vec::new();
    ids.fold(side, id, &mut key);
    key
}
