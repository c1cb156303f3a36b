//! `refuse-binds`: which binds are refused, and how.

use serde::{Deserialize, Deserializer, de};
use volley_smpp::pdu::{CommandId, CommandStatus};

use super::values::{ShortOrTable, maybe_status, parse_status, short_or_table};

/// Statuses that binds are refused with, by kind: `"0x0e"` refuses every bind, `{ receiver =
/// "0x0d", first = 3 }` the first three of receivers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefuseBinds {
    /// Of bind_transmitter.
    pub transmitter: Option<CommandStatus>,
    /// Of bind_receiver.
    pub receiver: Option<CommandStatus>,
    /// Of bind_transceiver.
    pub transceiver: Option<CommandStatus>,
    /// Only the first so many; `None`: all.
    pub first: Option<u32>,
}

impl RefuseBinds {
    /// The status for one more bind, when `n_refused` were refused before it.
    pub(crate) fn status(&self, command: CommandId, n_refused: u32) -> Option<CommandStatus> {
        if self.first.is_some_and(|first| n_refused >= first) {
            return None;
        }
        if command == CommandId::BindTransmitter {
            self.transmitter
        } else if command == CommandId::BindReceiver {
            self.receiver
        } else {
            self.transceiver
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RefuseBindsTable {
    #[serde(default, deserialize_with = "maybe_status")]
    status: Option<CommandStatus>,
    #[serde(default, deserialize_with = "maybe_status")]
    transmitter: Option<CommandStatus>,
    #[serde(default, deserialize_with = "maybe_status")]
    receiver: Option<CommandStatus>,
    #[serde(default, deserialize_with = "maybe_status")]
    transceiver: Option<CommandStatus>,
    first: Option<u32>,
}

impl ShortOrTable for RefuseBinds {
    type Table = RefuseBindsTable;
    const EXPECTED: &'static str = "a status such as \"0x0e\", or { status = \"0x0d\", first = 3 }";

    fn of_text<E: de::Error>(text: &str) -> Result<Self, E> {
        let status = Some(parse_status(text)?);
        Ok(Self { transmitter: status, receiver: status, transceiver: status, first: None })
    }

    fn of_table<E: de::Error>(table: RefuseBindsTable) -> Result<Self, E> {
        let RefuseBindsTable { status, transmitter, receiver, transceiver, first } = table;
        let refuse = Self {
            transmitter: transmitter.or(status),
            receiver: receiver.or(status),
            transceiver: transceiver.or(status),
            first,
        };
        if refuse == (Self { first, ..Self::default() }) {
            return Err(E::custom("one of `status`, `transmitter`, `receiver` and `transceiver` is needed"));
        }
        Ok(refuse)
    }
}

impl<'de> Deserialize<'de> for RefuseBinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short_or_table(deserializer)
    }
}
