//! One session: what each PDU means and what is due when, without any I/O. Its owner feeds it with
//! octets and the time, writes what it appends to the write buffer, and passes its batches on.

use std::time::Instant;

use volley_core::{MessageToken, ReceiptState, RecipientCheck};
use volley_smpp::{
    pdu::{
        self, CommandId, CommandStatus, FrameError, MAX_PDU_LEN, MessageResp, Pdu, RawPdu, ShortMessage, StatusClass,
        encode_header_only, patch_sequence, split_frame,
    },
    receipt::{self, IdMode, MessageState, Side, fold_id},
};

use crate::{
    Timers,
    event::{AnswerBatch, Delivery, NewReply, Receipt, ReceiptBatch, ReceiptHandle, ReplyBatch, ReplyKind},
    window::Window,
};

/// Octets kept of a message that can't be read.
const UNREADABLE_MAX: usize = 4_096;

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum End {
    #[error("{0}")]
    Framing(FrameError),
    #[error("no answer to a submit in time")]
    NoAnswer,
    #[error("no answer to enquire_link in time")]
    Dead,
    #[error("unbound")]
    Unbound,
}

/// What one turn of reading found.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    pub(crate) answers: AnswerBatch,
    pub(crate) receipts: ReceiptBatch,
    pub(crate) replies: ReplyBatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// We want to stop: no more submits; unbind when the window is empty.
    Draining {
        until: Instant,
    },
    /// unbind is written.
    Unbinding {
        until: Instant,
    },
    /// The carrier wants to stop: what is under way may still be answered.
    PeerUnbinding {
        until: Instant,
    },
}

#[derive(Debug)]
pub(crate) struct Session {
    bind: u16,
    generation: u32,
    id_mode: IdMode,
    timers: Timers,
    window: Window,
    phase: Phase,
    /// No submits before this: the carrier told us to slow down.
    paused_until: Option<Instant>,
    last_read: Instant,
    enquired_at: Option<Instant>,
    /// Receipts and replies given out and not acknowledged.
    n_unacknowledged: usize,
    /// Responses to nothing that we know of.
    pub(crate) n_stray: u64,
}

impl Session {
    pub(crate) fn new(
        bind: u16,
        generation: u32,
        id_mode: IdMode,
        timers: Timers,
        window: usize,
        now: Instant,
    ) -> Self {
        Self {
            bind,
            generation,
            id_mode,
            timers,
            window: Window::new(window, now),
            phase: Phase::Open,
            paused_until: None,
            last_read: now,
            enquired_at: None,
            n_unacknowledged: 0,
            n_stray: 0,
        }
    }

    /// Submits that may be written now, as far as the session is concerned.
    pub(crate) fn room(&self, now: Instant) -> usize {
        if self.phase != Phase::Open || self.paused_until.is_some_and(|until| now < until) {
            return 0;
        }
        self.window.n_free()
    }

    pub(crate) const fn n_pending(&self) -> usize {
        self.window.n_pending()
    }

    /// Until when submits are paused, if they are.
    pub(crate) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| now < *until)
    }

    /// Appends an encoded submit with its sequence number.
    pub(crate) fn submit(&mut self, token: MessageToken, pdu: &[u8], now: Instant, out: &mut Vec<u8>) {
        let sequence = self.window.insert(token, now);
        let start = out.len();
        out.extend_from_slice(pdu);
        patch_sequence(out.get_mut(start..).unwrap_or_default(), sequence);
    }

    /// Appends the response to a receipt or reply that is durable now.
    pub(crate) fn acknowledge(&mut self, handle: ReceiptHandle, out: &mut Vec<u8>) {
        if handle.generation != self.generation {
            return; // Its session is gone: the carrier offers it again.
        }
        self.n_unacknowledged = self.n_unacknowledged.saturating_sub(1);
        // Never fails: it has no content.
        let id = match handle.request {
            Delivery::DeliverSm => CommandId::DeliverSmResp,
            Delivery::DataSm => CommandId::DataSmResp,
        };
        let _ = MessageResp::default().encode(id, CommandStatus::ROK, handle.sequence_number, out);
    }

    /// Reads whole PDUs off `octets` and gives how many octets they took.
    pub(crate) fn read(
        &mut self,
        octets: &[u8],
        now: Instant,
        batches: &mut Batches,
        out: &mut Vec<u8>,
    ) -> Result<usize, End> {
        let mut n_read = 0;
        while let Some(rest) = octets.get(n_read..) {
            match split_frame(rest, MAX_PDU_LEN) {
                Ok(Some(raw)) => {
                    n_read += raw.n_octets();
                    self.on_pdu(&raw, now, batches, out)?;
                }
                Ok(None) => break,
                Err(error) => {
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0, out);
                    return Err(End::Framing(error));
                }
            }
        }
        if n_read > 0 {
            self.last_read = now;
        }
        Ok(n_read)
    }

    fn on_pdu(&mut self, raw: &RawPdu<'_>, now: Instant, batches: &mut Batches, out: &mut Vec<u8>) -> Result<(), End> {
        let header = raw.header;
        let sequence = header.sequence_number;
        match raw.decode() {
            Ok(Pdu::SubmitSmResp(resp)) => {
                self.on_answer(sequence, header.command_status, resp.message_id, now, batches)
            }
            Ok(Pdu::GenericNack) => self.on_answer(sequence, header.command_status, &[], now, batches),
            Ok(Pdu::DeliverSm(message)) => self.on_deliver(Delivery::DeliverSm, sequence, &message, batches),
            Ok(Pdu::DataSm(data)) => {
                let message = ShortMessage {
                    source: data.source,
                    destination: data.destination,
                    esm_class: data.esm_class,
                    data_coding: data.data_coding,
                    tlvs: data.tlvs,
                    ..ShortMessage::default()
                };
                self.on_deliver(Delivery::DataSm, sequence, &message, batches);
            }
            Ok(Pdu::EnquireLink) => {
                encode_header_only(CommandId::EnquireLinkResp, CommandStatus::ROK, sequence, out);
            }
            Ok(Pdu::EnquireLinkResp) => self.enquired_at = None,
            Ok(Pdu::Unbind) => {
                encode_header_only(CommandId::UnbindResp, CommandStatus::ROK, sequence, out);
                self.phase = Phase::PeerUnbinding { until: now + self.timers.unbind };
            }
            Ok(Pdu::UnbindResp) => return Err(End::Unbound),
            Ok(Pdu::BindResp(_) | Pdu::DeliverSmResp(_) | Pdu::DataSmResp(_)) => self.n_stray += 1,
            Ok(Pdu::Bind(_) | Pdu::SubmitSm(_) | Pdu::Other(_)) => {
                if header.command_id.is_response() || header.command_id == CommandId::AlertNotification {
                    self.n_stray += 1;
                } else {
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence, out);
                }
            }
            // Refusing it would make the carrier offer it for ever: it is kept as it came instead.
            Err(_) if header.command_id == CommandId::DeliverSm => {
                let reply = NewReply::of(self.handle(Delivery::DeliverSm, sequence), &ShortMessage::default());
                let raw = raw.body.get(..UNREADABLE_MAX).unwrap_or(raw.body);
                batches.replies.push(NewReply { kind: ReplyKind::Unreadable, raw, ..reply });
            }
            Err(_) if header.command_id.is_response() => self.n_stray += 1,
            Err(_) => encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, sequence, out),
        }
        Ok(())
    }

    fn on_answer(&mut self, sequence: u32, status: CommandStatus, id: &[u8], now: Instant, batches: &mut Batches) {
        let Some((token, _)) = self.window.answer(sequence) else {
            self.n_stray += 1;
            return;
        };
        if status.class() == StatusClass::Throttle {
            self.paused_until = Some(now + self.timers.throttle_pause);
        }
        let mode = self.id_mode;
        match status {
            CommandStatus::ROK => {
                batches.answers.push_accepted(token, id, |out| fold_id(mode, Side::Response, id, out))
            }
            _ => batches.answers.push_refused(token, status),
        }
    }

    fn handle(&mut self, request: Delivery, sequence_number: u32) -> ReceiptHandle {
        self.n_unacknowledged += 1;
        ReceiptHandle { bind: self.bind, request, generation: self.generation, sequence_number }
    }

    fn on_deliver(&mut self, request: Delivery, sequence: u32, message: &ShortMessage<'_>, batches: &mut Batches) {
        let handle = self.handle(request, sequence);
        let Some(receipt) = receipt::from_deliver_sm(message) else {
            batches.replies.push(NewReply::of(handle, message));
            return;
        };
        // The recipient stands as the receipt's source (HANDBOOK C.1).
        let check = RecipientCheck::of_address(message.source.addr);
        let destination_check = RecipientCheck::of_address(message.destination.addr);
        // A word that we don't know is no final state (HANDBOOK C.3, rule 5).
        let state = receipt.state.map_or(ReceiptState::Enroute, state_of);
        let err = if receipt.err.iter().all(|digit| *digit == b'0') { &[][..] } else { receipt.err };
        let mode = self.id_mode;
        let item =
            Receipt { handle, id: receipt.id, state, err, check: check.or(destination_check), destination_check };
        batches.receipts.push(item, |out| fold_id(mode, Side::Receipt, receipt.id, out));
    }

    /// Stops submitting; unbinds when the window is empty.
    pub(crate) fn drain(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining { until: now + self.timers.drain };
        }
    }

    /// What the time brings: enquire_link, unbind, timeouts.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<u8>) -> Result<(), End> {
        if self.window.is_overdue(now, self.timers.response) {
            return Err(End::NoAnswer);
        }
        match self.enquired_at {
            Some(at) if now.saturating_duration_since(at) >= self.timers.enquire_timeout => return Err(End::Dead),
            None if now.saturating_duration_since(self.last_read) >= self.timers.enquire_interval => {
                let sequence = self.window.next_sequence();
                encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, sequence, out);
                self.enquired_at = Some(now);
            }
            Some(_) | None => {}
        }
        match self.phase {
            Phase::Open => {}
            Phase::Draining { until } => {
                let drained = self.window.n_pending() == 0 && self.n_unacknowledged == 0;
                if drained || now >= until {
                    let sequence = self.window.next_sequence();
                    encode_header_only(CommandId::Unbind, CommandStatus::ROK, sequence, out);
                    self.phase = Phase::Unbinding { until: now + self.timers.unbind };
                }
            }
            Phase::Unbinding { until } if now >= until => return Err(End::Unbound),
            Phase::PeerUnbinding { until } if now >= until || self.window.n_pending() == 0 => return Err(End::Unbound),
            Phase::Unbinding { .. } | Phase::PeerUnbinding { .. } => {}
        }
        Ok(())
    }

    /// The session is over: the fate of these is unknown.
    pub(crate) fn take_window(&mut self) -> Vec<MessageToken> {
        self.window.take_all()
    }
}

const fn state_of(state: MessageState) -> ReceiptState {
    match state {
        MessageState::Scheduled => ReceiptState::Scheduled,
        MessageState::Enroute => ReceiptState::Enroute,
        MessageState::Delivered => ReceiptState::Delivered,
        MessageState::Expired => ReceiptState::Expired,
        MessageState::Deleted => ReceiptState::Deleted,
        MessageState::Undeliverable => ReceiptState::Undeliverable,
        MessageState::Accepted => ReceiptState::Accepted,
        MessageState::Unknown => ReceiptState::Unknown,
        MessageState::Rejected => ReceiptState::Rejected,
        MessageState::Skipped => ReceiptState::Skipped,
    }
}

/// The bind request of a session, as its first PDU.
pub(crate) fn put_bind(options: &crate::SmppOptions, out: &mut Vec<u8>) -> Result<(), pdu::EncodeError> {
    let bind = pdu::Bind {
        system_id: options.system_id.as_bytes(),
        password: options.password.expose().as_bytes(),
        system_type: options.system_type.as_bytes(),
        interface_version: 0x34,
        ..pdu::Bind::default()
    };
    bind.encode(CommandId::BindTransceiver, 1, out)
}
