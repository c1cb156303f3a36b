//! Sessions: opened, bound, read, closed.

use std::{collections::HashMap, rc::Rc, time::Instant};

use tokio::sync::Notify;
use volley_smpp::pdu::{
    Bind, BindResp, CommandId, CommandStatus, MAX_PDU_LEN, Pdu, RawPdu, Tlvs, encode_header_only, split_frame,
};

use super::{End, Slot, World, intern};
use crate::server::now;

impl World {
    pub(crate) fn open_session(&mut self, account: usize, wake: Rc<Notify>) -> usize {
        let slot = Slot {
            esme: Rc::from(""),
            output: Vec::new(),
            wake,
            can_receive: false,
            unacknowledged: HashMap::new(),
            next_sequence: 1,
            is_bound: false,
            held: Vec::new(),
            is_silent: false,
            end: None,
        };
        let Some(state) = self.accounts.get_mut(account) else { return 0 };
        state.sessions.push(Some(slot));
        state.sessions.len() - 1
    }

    pub(crate) fn close_session(&mut self, account: usize, session: usize) {
        let Some(state) = self.accounts.get_mut(account) else { return };
        if let Some(slot) = state.sessions.get_mut(session).and_then(Option::take) {
            state.n_bound -= u32::from(slot.is_bound);
            // What was not acknowledged is still owed.
            for owed in slot.unacknowledged.into_values() {
                state.owe(owed);
            }
        }
        self.send_receipts(account);
    }

    /// Reads what came on a session; gives the octets taken, or `None` to close it.
    pub(crate) fn read(&mut self, account: usize, session: usize, input: &[u8]) -> Option<usize> {
        let now = now();
        let mut n_read = 0;
        loop {
            match split_frame(input.get(n_read..)?, MAX_PDU_LEN) {
                Ok(Some(raw)) => {
                    n_read += raw.n_octets();
                    self.on_pdu(account, session, &raw, now)?;
                    if self.slot(account, session)?.end.is_some_and(|end| end != End::Closed) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    let slot = self.slot(account, session)?;
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0, &mut slot.output);
                    slot.end = Some(End::Closed);
                    return Some(input.len());
                }
            }
        }
        self.send_receipts(account);
        if let Some(spool) = &mut self.spool {
            spool.flush();
        }
        Some(n_read)
    }

    fn on_pdu(&mut self, account: usize, session: usize, raw: &RawPdu<'_>, now: Instant) -> Option<()> {
        let (id, sequence) = (raw.header.command_id, raw.header.sequence_number);
        let Ok(pdu) = raw.decode() else {
            let slot = self.slot(account, session)?;
            encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, sequence, &mut slot.output);
            return Some(());
        };
        match pdu {
            Pdu::SubmitSm(message) => self.on_submit(account, session, sequence, &message, now),
            Pdu::DeliverSmResp(_) => self.on_acknowledgement(account, session, sequence, raw.header.command_status),
            Pdu::Bind(bind) => return self.on_bind(account, session, id, sequence, &bind),
            Pdu::QuerySm(query) => return self.on_query(account, session, sequence, &query, now),
            Pdu::EnquireLink => {
                let slot = self.slot(account, session)?;
                encode_header_only(CommandId::EnquireLinkResp, CommandStatus::ROK, sequence, &mut slot.output);
            }
            Pdu::Unbind => {
                let slot = self.slot(account, session)?;
                encode_header_only(CommandId::UnbindResp, CommandStatus::ROK, sequence, &mut slot.output);
                slot.can_receive = false;
                slot.end = Some(End::Closed);
            }
            Pdu::UnbindResp => self.slot(account, session)?.end = Some(End::Closed),
            Pdu::BindResp(_)
            | Pdu::SubmitSmResp(_)
            | Pdu::DeliverSm(_)
            | Pdu::DataSm(_)
            | Pdu::DataSmResp(_)
            | Pdu::Outbind(_)
            | Pdu::QuerySmResp(_)
            | Pdu::CancelSm(_)
            | Pdu::CancelSmResp
            | Pdu::ReplaceSm(_)
            | Pdu::ReplaceSmResp
            | Pdu::SubmitMulti(_)
            | Pdu::SubmitMultiResp(_)
            | Pdu::AlertNotification(_)
            | Pdu::EnquireLinkResp
            | Pdu::GenericNack
            | Pdu::Other(_) => {
                if !id.is_response() {
                    let slot = self.slot(account, session)?;
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence, &mut slot.output);
                }
            }
        }
        Some(())
    }

    fn on_bind(&mut self, account: usize, session: usize, id: CommandId, sequence: u32, bind: &Bind<'_>) -> Option<()> {
        let state = self.accounts.get_mut(account)?;
        let by_kind =
            state.options.refuse_binds.status(id, state.n_refused_binds).map(|status| ("refuse-binds", status));
        let refused = by_kind.or_else(|| {
            let is_full = state.options.max_binds.is_some_and(|max| state.n_bound >= max);
            is_full.then_some(("max-binds", CommandStatus::RBINDFAIL))
        });
        let slot = state.sessions.get_mut(session)?.as_mut()?;
        if let Some((key, status)) = refused {
            state.n_refused_binds += 1;
            self.witness.fault(key);
            encode_header_only(id.response(), status, sequence, &mut slot.output);
            slot.end = Some(End::Closed);
            return Some(());
        }
        state.n_bound += 1;
        self.witness.seen.binds += 1;
        slot.is_bound = true;
        slot.esme = intern(&mut state.sources, &String::from_utf8_lossy(bind.system_id));
        slot.can_receive = id != CommandId::BindTransmitter;
        let receiver = slot.can_receive.then(|| Rc::clone(&slot.esme));
        let resp = BindResp { system_id: b"SIMULATOR", tlvs: Tlvs::new(&[0x02, 0x10, 0x00, 0x01, 0x34]) };
        resp.encode(id.response(), CommandStatus::ROK, sequence, &mut slot.output).ok()?;
        if let Some(esme) = receiver {
            self.owe_at_bind(account, &esme);
        }
        Some(())
    }
}
