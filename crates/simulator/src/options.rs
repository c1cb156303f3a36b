//! How a simulated carrier behaves: `simulator.toml`. Every key is optional; without any it
//! accepts all and delivers all at once.

mod binds;
mod faults;
mod replies;
mod values;

use std::path::Path;

use serde::Deserialize;
use volley_smpp::{pdu::CommandStatus, receipt::MessageState};

use self::values::{per_second, statuses};
pub use self::{
    binds::RefuseBinds,
    faults::{Faults, SlowReading, TimedWhen, When},
    replies::{Replies, ReplyAtBind},
    values::{Delay, Share},
};
use crate::Error;

/// `simulator.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SimulatorOptions {
    /// Same seed, same decisions.
    pub seed: u64,
    /// From submit to answer.
    pub answer_latency: Delay,
    /// From answer to receipt.
    pub receipt_delay: Delay,
    /// Above so many submits in any sliding second, answers 0x58. "50/s".
    #[serde(deserialize_with = "per_second")]
    pub throttle_above: Option<u32>,
    /// Share of each final state; what is left is delivered.
    pub final_states: FinalStates,
    /// Share of each error status, such as `"0x08" = 0.001`.
    #[serde(deserialize_with = "statuses")]
    pub answer_errors: Vec<(CommandStatus, Share)>,
    /// How ids are written in answers.
    pub message_ids: IdForm,
    /// How ids are written in receipts; as in answers when not given.
    pub receipt_ids: Option<IdForm>,
    /// Where a receipt says what it says.
    pub receipt_form: ReceiptForm,
    /// Minutes that the dates of receipts lie before (-) or behind UTC: the SMSC's local time.
    pub receipt_utc_offset_min: i16,
    /// Whom receipts go to, in place of the message's sender.
    pub receipt_sender: Option<String>,
    /// What it says to query_sm.
    pub query_sm: QuerySmForm,
    /// Binds beyond so many are refused with 0x0D.
    pub max_binds: Option<u32>,
    /// Binds that are refused: `"0x0e"` is every one, `{ status = "0x08", first = 2 }` the first
    /// two, `{ receiver = "0x0d" }` one kind.
    pub refuse_binds: RefuseBinds,
    /// Messages to the ESME that are no receipts.
    pub replies: Replies,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// `final-states`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FinalStates {
    /// Reached the handset: what the others leave, whatever stands here.
    pub delivered: Share,
    /// Can't be delivered.
    pub undelivered: Share,
    /// Validity passed.
    pub expired: Share,
    /// Refused after acceptance.
    pub rejected: Share,
    /// The carrier doesn't know.
    pub unknown: Share,
}

impl FinalStates {
    pub(crate) fn others(&self) -> [(MessageState, Share); 4] {
        [
            (MessageState::Undeliverable, self.undelivered),
            (MessageState::Expired, self.expired),
            (MessageState::Rejected, self.rejected),
            (MessageState::Unknown, self.unknown),
        ]
    }
}

/// How ids are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// Decimal.
    #[default]
    Decimal,
    /// Hexadecimal, upper case.
    Hex,
    /// Decimal with leading zeros to 12 digits.
    Padded,
    /// 36 characters.
    Uuid,
}

/// What is said to query_sm (SMPP 3.4, 4.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuerySmForm {
    /// The operation is not known: generic_nack with 0x03.
    #[default]
    Unsupported,
    /// Where the message stands, for who sent it; messages of this process alone.
    Answered,
    /// 0x67, whatever is asked for.
    Refused,
    /// Nothing.
    Silent,
}

/// Where a receipt says what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptForm {
    /// In its text and in TLVs.
    #[default]
    Both,
    /// In its text.
    Text,
    /// In TLVs.
    Tlv,
}

impl SimulatorOptions {
    /// Reads `simulator.toml`; `path` is for errors.
    ///
    /// # Errors
    /// When a key or value is wrong.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            Error::Options { path: path.to_owned(), line, column, message }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use volley_smpp::pdu::CommandId;

    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_whole_file_is_read() {
        let text = r#"
            seed = 7
            answer-latency = { min = "5ms", max = "80ms" }
            receipt-delay = "1s"
            throttle-above = "50/s"
            final-states = { delivered = 0.95, undelivered = 0.04, expired = 0.01 }
            answer-errors = { "0x08" = 0.001, "0x0b" = 0.002 }
            message-ids = "hex"
            receipt-ids = "decimal"
            refuse-binds = { receiver = "0x0d", first = 2 }
            [replies]
            share = 0.1
            texts = ["STOP"]
            at-bind = [{ from = "4915112345678", text = "STOP" }]
            [faults]
            lost-answers = 0.001
            resets = { after-submits = 300 }
            stalls = { share = 0.5, for = "2s" }
            slow-reading = { octets = 100, every = "5ms" }
        "#;
        let options = SimulatorOptions::from_toml(text, Path::new("sim.toml")).unwrap();
        assert_eq!((options.throttle_above, options.answer_errors.len()), (Some(50), 2));
        assert_eq!((options.receipt_delay.min, options.answer_latency.max.as_millis()), (Duration::from_secs(1), 80));
        assert_eq!((options.replies.share, options.replies.at_bind.len()), (Share(0.1), 1));
        let faults = &options.faults;
        assert_eq!((faults.lost_answers, faults.resets), (When::Share(Share(0.001)), When::At(300)));
        assert_eq!(faults.stalls, TimedWhen { when: When::Share(Share(0.5)), lasts: Some(Duration::from_secs(2)) });
        let refused = [(CommandId::BindReceiver, 1), (CommandId::BindReceiver, 2), (CommandId::BindTransceiver, 0)];
        let refused = refused.map(|(command, before)| options.refuse_binds.status(command, before));
        assert_eq!(refused, [Some(CommandStatus::RBINDFAIL), None, None]);
    }

    #[test]
    fn the_example_shows_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/simulator.toml");
        let example = std::fs::read_to_string(&path).unwrap();
        let options = SimulatorOptions::from_toml(&example, &path).unwrap();
        let armed: Vec<_> = options.faults.armed().into_iter().map(|(fault, _)| fault).collect();
        assert_eq!(armed, Fault::ALL);
        // An unknown key makes the error list all of them.
        for text in ["none = 1", "[faults]\nnone = 1", "[replies]\nnone = 1"] {
            let error = SimulatorOptions::from_toml(text, &path).unwrap_err().to_string();
            let (_, keys) = error.split_once("expected one of ").unwrap();
            for key in keys.split(", ").map(|key| key.trim_matches('`')) {
                let is_shown =
                    example.lines().any(|line| line.starts_with(&format!("{key} =")) || line == format!("[{key}]"));
                assert!(is_shown, "the example lacks `{key}`");
            }
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        for (text, expected) in [
            ("seed = 1\nanswer-latancy = \"1s\"", "sim.toml:2:1: unknown field `answer-latancy`"),
            ("throttle-above = \"fast\"", "sim.toml:1:18: `fast` is no rate"),
            ("final-states = { expired = 2.0 }", "is no share"),
            ("answer-latency = { min = \"5ms\" }", "missing field `max`"),
            ("answer-latency = 20", "expected a duration such as \"20ms\""),
            ("refuse-binds = \"0x00\"", "sim.toml:1:16: `0x00` is no error status"),
            ("refuse-binds = { first = 3 }", "one of `status`, `transmitter`"),
            (
                "[faults]\nlost-answer = 0.1",
                "sim.toml:2:1: unknown field `lost-answer`, expected one of `lost-answers`",
            ),
            ("[faults]\nresets = 7", "sim.toml:2:10: `7` is no share"),
            ("[faults]\nresets = \"often\"", "expected a share from 0 to 1, or { after-submits = N }"),
            ("[faults]\nresets = { after = 7 }", "unknown field `after`, expected `share` or `after-submits`"),
            ("[faults]\nresets = { after-submits = 0 }", "`after-submits` counts from 1"),
            ("[faults]\nresets = { share = 0.1, after-submits = 1 }", "one of `share` and `after-submits`"),
            ("[faults]\nstalls = { share = 0.1, for = \"long\" }", "`long` is no duration"),
            ("[faults]\nlate-receipts = 0.1", "`for` is missing"),
            ("[faults]\nslow-reading = { octets = 0, every = \"1ms\" }", "nonzero"),
        ] {
            let error = SimulatorOptions::from_toml(text, Path::new("sim.toml")).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
