//! The end of a session: nothing that it held is forgotten.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use volley_core::planted::{Bug, is_planted};
use volley_smpp::pdu::{CommandId, MAX_PDU_LEN, patch_sequence, split_frame};

use super::{Ended, Wire};
use crate::{EventKind, SubmitBatch, smpp::session::Close};

/// For the last octets in both directions.
const FAREWELL: Duration = Duration::from_secs(1);

impl<R, W> Wire<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    /// Says farewell where that makes sense, gives back what was not written, and reports what
    /// was written and not answered.
    pub(super) async fn close(mut self, close: Close) -> Ended {
        self.farewell(&close).await;
        let close = self.session.reason(close);
        let n_returned = self.give_back_unwritten();
        self.give_back_staged();
        if self.is_up {
            self.is_up = false;
            self.shared.went_down();
        } else if n_returned > 0 {
            self.shared.ring_binds();
            self.shared.bell.notify_one();
        }
        // The counters still hold what a late answer brought.
        self.publish();
        let mut tokens = self.session.close();
        self.take_told();
        for kind in std::mem::take(&mut self.pending) {
            self.shared.send(self.origin.bind, kind).await;
        }
        if is_planted(Bug::ForgottenOnDisconnect) {
            tokens.clear();
        }
        if self.bound_at.is_some() {
            self.shared.send(self.origin.bind, EventKind::Lost { tokens, cause: close.lost_cause() }).await;
        }
        let bound_for = self.bound_at.map(|at| self.now.saturating_duration_since(at));
        Ended { close, bound_for, counters: self.session.counters }
    }

    /// What waits to be written is written where the SMSC still listens; and where the
    /// connection broke while we wrote, what had already come is still read: those are answers.
    async fn farewell(&mut self, close: &Close) {
        match close {
            Close::Drained | Close::PeerUnbound | Close::NoAnswer | Close::NotBound | Close::Frame(_) => {
                let has_submits = self.out.unsent().any(is_submit);
                if !has_submits {
                    let said = async {
                        self.writer.write_all(self.out.waiting()).await?;
                        self.writer.shutdown().await
                    };
                    // The session is over anyway.
                    drop(tokio::time::timeout(FAREWELL, said).await);
                }
            }
            Close::Io(_) => drop(tokio::time::timeout(FAREWELL, self.read_rest()).await),
            Close::Dropped
            | Close::Connect(_)
            | Close::Tls(_)
            | Close::BindRefused(_)
            | Close::BindUnanswered
            | Close::EnquireUnanswered
            | Close::Inactive
            | Close::PartialPdu
            | Close::PeerClosed => {}
        }
    }

    async fn read_rest(&mut self) {
        while self.reader.read_buf(&mut self.input).await.is_ok_and(|n_read| n_read > 0) {
            let over = self.take_input();
            self.read_deliveries();
            // A full channel keeps the events pending: they are sent below.
            if over.is_err() || self.hand_up().is_err() {
                return;
            }
        }
    }

    /// Submits that never reached the connection go back to the queue, ahead of all others.
    fn give_back_unwritten(&mut self) -> u32 {
        let mut batch = SubmitBatch::default();
        for pdu in self.out.unsent().filter(|pdu| is_submit(pdu)) {
            let Ok(Some(frame)) = split_frame(pdu, MAX_PDU_LEN) else { continue };
            let Some(token) = self.session.take_back(frame.header.sequence_number) else { continue };
            let start = batch.pdus.len();
            batch.pdus.extend_from_slice(pdu);
            patch_sequence(batch.pdus.get_mut(start..).unwrap_or_default(), 0);
            batch.finish_item(token);
        }
        let n_unwritten = batch.items.len() as u32;
        // The rest of the message that the last one begins follows it.
        self.staged.append_rest_to(&mut batch);
        self.shared.queue.give_back(batch, n_unwritten);
        n_unwritten
    }

    /// Parts of a message that are not written go back to the queue, ahead of all others.
    pub(super) fn give_back_staged(&mut self) {
        if self.staged.n_items() == 0 {
            return;
        }
        let mut batch = SubmitBatch::default();
        self.staged.append_rest_to(&mut batch);
        self.shared.queue.give_back(batch, 0);
        self.shared.bell.notify_one();
    }
}

fn is_submit(pdu: &[u8]) -> bool {
    matches!(split_frame(pdu, MAX_PDU_LEN), Ok(Some(pdu)) if pdu.header.command_id == CommandId::SubmitSm)
}
