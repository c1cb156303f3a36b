//! What waits to be written to one connection.

use std::io;

use volley_smpp::pdu::{CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, split_frame};

/// Octets that were written are dropped from the buffer once they are so many.
const COMPACT_OCTETS: usize = 256 << 10;

/// Whole PDUs, the first of which may be written in part.
#[derive(Debug, Default)]
pub(super) struct Output {
    buffer: Vec<u8>,
    n_sent: usize,
    /// The last write did not take everything.
    stuck: bool,
}

impl Output {
    /// Where PDUs are appended.
    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.n_sent..).unwrap_or_default()
    }

    pub(super) const fn n_waiting(&self) -> usize {
        self.buffer.len() - self.n_sent
    }

    /// Whether the connection takes no more at the moment. What pace was asked for should leave
    /// now, not when the connection is free again.
    pub(super) const fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// The connection took `n` octets.
    pub(super) fn sent(&mut self, n: usize) -> io::Result<()> {
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.n_sent += n;
        self.stuck = self.n_sent < self.buffer.len();
        if !self.stuck {
            self.buffer.clear();
            self.n_sent = 0;
        } else if self.n_sent > COMPACT_OCTETS {
            let at = self.first_unsent().0;
            self.buffer.drain(..at);
            self.n_sent -= at;
        }
        Ok(())
    }

    /// Where the first PDU begins that was not written to its end, and whether it was begun.
    fn first_unsent(&self) -> (usize, bool) {
        let mut at = 0;
        while let Some(pdu) = frame(self.buffer.get(at..)) {
            if at + pdu > self.n_sent {
                break;
            }
            at += pdu;
        }
        (at, at < self.n_sent)
    }

    /// Each PDU that the connection did not take to its end. A PDU that was cut can't have been
    /// taken by the SMSC either.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.buffer.get(self.first_unsent().0..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (pdu, after) = rest.split_at_checked(frame(Some(rest))?)?;
            rest = after;
            Some(pdu)
        })
    }
}

fn frame(octets: Option<&[u8]>) -> Option<usize> {
    split_frame(octets?, MAX_PDU_LEN).ok().flatten().map(|pdu| pdu.n_octets())
}

/// deliver_sm_resp or data_sm_resp: taken.
pub(super) fn acknowledge(command: CommandId, sequence_number: u32, out: &mut Vec<u8>) {
    let encoded = MessageResp::default().encode(command, CommandStatus::ROK, sequence_number, out);
    debug_assert!(encoded.is_ok(), "an empty id fits");
}

#[cfg(test)]
mod tests {
    use volley_smpp::pdu::encode_header_only;

    use super::*;

    #[test]
    fn unsent_are_the_pdus_not_taken_to_their_end() {
        for n_sent in 0..=48 {
            let mut output = Output::default();
            for sequence in 1..=3 {
                encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, sequence, output.buffer());
            }
            if n_sent > 0 {
                output.sent(n_sent).unwrap();
            }
            let unsent: Vec<_> = output.unsent().map(|pdu| pdu[15]).collect();
            let expected: Vec<_> = (1..=3).filter(|n| usize::from(*n) * 16 > n_sent).collect();
            assert_eq!(unsent, expected, "{n_sent} octets written");
            assert_eq!((output.n_waiting(), output.is_stuck()), (48 - n_sent, (1..48).contains(&n_sent)));
        }
    }

    #[test]
    fn a_long_backlog_is_compacted_at_a_pdu() {
        let mut output = Output::default();
        for sequence in 0..40_000 {
            encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, sequence, output.buffer());
        }
        output.sent(COMPACT_OCTETS + 5).unwrap();
        assert_eq!((output.n_waiting(), output.n_sent), (640_000 - COMPACT_OCTETS - 5, 5));
        assert_eq!(output.unsent().count(), 40_000 - COMPACT_OCTETS / 16);
        assert!(output.sent(0).is_err());
    }
}
