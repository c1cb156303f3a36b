//! Questions (query_sm) for messages that were accepted and whose receipt doesn't come.

use std::time::Instant;

use volley_core::ReceiptState;
use volley_pipeline::{QueryAnswer, Told};
use volley_reconciler::record::{QueriedEntry, Told as Recorded};

use super::{Runner, Stop, TICK};

impl Runner {
    /// Asks for what is due, as far as each carrier's rate allows.
    pub(super) async fn ask(&mut self, now: Instant) -> Result<(), Stop> {
        if self.state.ending.is_some() || self.state.disk_full {
            return Ok(());
        }
        let (campaign, wall) = (self.campaign, self.clock.wall());
        // Until answers are folded, what they settle would be asked for again.
        let is_folded = self.ledger.view.borrow().applied >= self.state.told_in;
        for lane in &mut self.lanes {
            let carrier = lane.limits.carrier;
            let Some(asker) = lane.asker.as_mut().filter(|_| lane.carrier.is_usable()) else { continue };
            if let Some((from, limit)) = asker.look(now).filter(|_| is_folded) {
                let found = self.ledger.questions((campaign, carrier), from, limit, wall, asker.schedule()).await?;
                asker.found(found, now);
            }
            let questions = asker.take(now, TICK);
            if !questions.is_empty() {
                lane.carrier.query(questions);
            }
        }
        Ok(())
    }

    /// Records what carriers said.
    pub(super) fn on_told(&mut self, lane: usize, answers: &[QueryAnswer]) {
        let head = self.head(lane);
        let now = self.clock.now();
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        let Some(asker) = &mut lane.asker else { return };
        let was_given_up = asker.given_up();
        let counted = answers.iter().map(|answer| {
            let n_asked = asker.answered(answer.token, answer.told, now);
            (answer, n_asked, err(answer.told))
        });
        let counted: Vec<_> = counted.collect();
        if let Some(given_up) = asker.given_up().filter(|_| was_given_up.is_none()) {
            self.board.note(format!("carrier {} {}", lane.name, given_up.in_words()));
        }
        let accepted_is_delivered = asker.accepted_is_delivered;
        let entries = counted.iter().map(|(answer, n_asked, err)| QueriedEntry {
            token: answer.token,
            n_asked: *n_asked,
            told: match answer.told {
                Told::State { state: ReceiptState::Accepted, .. } if accepted_is_delivered => {
                    Recorded::State { state: ReceiptState::Delivered, err: b"" }
                }
                Told::State { state, .. } => Recorded::State { state, err: err.as_bytes() },
                Told::Refused { status } => Recorded::Refused { status: status.0 },
                Told::Nothing => Recorded::Nothing,
            },
        });
        self.state.turn.events.queried(head, entries);
        self.state.told_in = self.last_durable.0 + self.state.in_flight.len() as u64 + 1;
    }
}

/// The carrier's error code as receipts have it.
fn err(told: Told) -> String {
    match told {
        Told::State { error_code, .. } if error_code > 0 => format!("{error_code:03}"),
        Told::State { .. } | Told::Refused { .. } | Told::Nothing => String::new(),
    }
}
