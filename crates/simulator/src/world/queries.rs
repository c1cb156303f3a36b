//! query_sm: where a message stands.

use std::{rc::Rc, time::Instant};

use volley_smpp::{
    pdu::{CommandId, CommandStatus, Header, Pdu, QuerySm, QuerySmResp, encode_header_only},
    receipt::MessageState,
    time::absolute_utc,
};

use super::{AccountState, World};
use crate::{encode::put_id, options::QuerySmForm};

/// What a message comes to.
pub(super) struct Known {
    state: MessageState,
    /// Enroute before.
    settled_at: Instant,
    /// Only its sender is told.
    source: Rc<str>,
}

impl AccountState {
    /// A message was taken, for whom one may ask.
    pub(super) fn know(&mut self, id: u64, state: MessageState, settled_at: Instant, source: &Rc<str>) {
        if self.options.query_sm == QuerySmForm::Answered {
            let mut text = [0; 40];
            let id = put_id(self.options.message_ids, id, &mut text).to_vec();
            self.known.insert(id, Known { state, settled_at, source: Rc::clone(source) });
        }
    }
}

impl World {
    pub(super) fn on_query(
        &mut self,
        account: usize,
        session: usize,
        sequence: u32,
        query: &QuerySm<'_>,
        now: Instant,
    ) -> Option<()> {
        self.witness.seen.queries += 1;
        let unix_s = self.unix_s(now);
        let state = self.accounts.get_mut(account)?;
        let slot = state.sessions.get_mut(session)?.as_mut()?;
        let refuse = |status, out: &mut Vec<u8>| encode_header_only(CommandId::QuerySmResp, status, sequence, out);
        match state.options.query_sm {
            QuerySmForm::Unsupported => {
                encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence, &mut slot.output);
            }
            QuerySmForm::Silent => {}
            QuerySmForm::Refused => refuse(CommandStatus::RQUERYFAIL, &mut slot.output),
            QuerySmForm::Answered => {
                let known = state.known.get(query.message_id);
                let Some(known) = known.filter(|known| known.source.as_bytes() == query.source.addr) else {
                    refuse(CommandStatus::RQUERYFAIL, &mut slot.output);
                    return Some(());
                };
                let is_settled = known.settled_at <= now;
                let message_state = if is_settled { known.state } else { MessageState::Enroute };
                let date = absolute_utc(unix_s);
                let delivered = matches!(message_state, MessageState::Delivered | MessageState::Enroute);
                let resp = QuerySmResp {
                    message_id: query.message_id,
                    final_date: if is_settled { &date } else { &[] },
                    message_state: message_state as u8,
                    error_code: u8::from(!delivered),
                    ..QuerySmResp::default()
                };
                let (command_id, command_status) = (CommandId::QuerySmResp, CommandStatus::ROK);
                let header = Header { command_length: 0, command_id, command_status, sequence_number: sequence };
                // Never too long: the id came in the question.
                let _ = Pdu::QuerySmResp(resp).encode(&header, &mut slot.output);
            }
        }
        Some(())
    }
}
