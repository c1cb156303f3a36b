//! `[carriers.NAME]`: all that is to be known of one carrier (HANDBOOK A.9).

use std::{
    collections::BTreeMap,
    num::{NonZeroU16, NonZeroU32},
};

use serde::Deserialize;
use volley_core::Rate;
use volley_simulator::SimulatorOptions;

use super::{
    BindType, CarrierKind, Concatenation, DefaultAlphabet, DestinationPrefix, IdMode, InterfaceVersion, MessageMode,
    NationalLanguage, Prices, QueryOptions, ReceiptOptions, ReceiverOptions, ReconnectOptions, RegisteredDelivery,
    SecretSource, StatusCodes, StatusRule, StripPattern, TimerOptions, TlsForm, TlvOptions, TlvTag, TonNpiOptions,
    ValidityForm,
};
use crate::options::HumanDuration;

/// `[carriers.NAME]`. Everything that is not given has the default of HANDBOOK A.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CarrierOptions {
    /// What it speaks.
    pub kind: CarrierKind,
    /// `host:port` of each SMSC. Needed for `kind = "smpp"`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Whether and how connections are encrypted: true, or a table. Default false.
    #[serde(default)]
    pub tls: TlsForm,
    /// Account name (SMPP 3.4, 5.2.1: at most 15 characters).
    #[serde(default)]
    pub system_id: String,
    /// Where the password comes from.
    #[serde(default)]
    pub password: Option<SecretSource>,
    /// SMPP 3.4, 5.2.3. Usually empty.
    #[serde(default)]
    pub system_type: String,
    /// Default 3.4.
    #[serde(default)]
    pub interface_version: InterfaceVersion,
    /// Type of number of `address-range`. Default 0.
    #[serde(default)]
    pub bind_ton: u8,
    /// Numbering plan of `address-range`. Default 0.
    #[serde(default)]
    pub bind_npi: u8,
    /// Which numbers are ours, as some carriers want it in the bind. Default empty.
    #[serde(default)]
    pub address_range: String,
    /// Default transceiver.
    #[serde(default)]
    pub bind_type: BindType,
    /// What differs for the receivers of pairs.
    #[serde(default)]
    pub receiver: Option<ReceiverOptions>,
    /// Binds (or pairs) per host. Default 1.
    #[serde(default = "one_u16")]
    pub binds: NonZeroU16,
    /// Unanswered submits allowed on each bind. Default 10 (HANDBOOK A.4).
    #[serde(default = "ten")]
    pub window: NonZeroU16,
    /// Finds the window from the answer time, up to `window`, instead of always using all of it.
    /// Default false.
    #[serde(default)]
    pub adaptive_window: bool,
    /// Segments that the account allows, over all binds; without it only the windows limit.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// Segments that each bind allows, where the contract counts so.
    #[serde(default)]
    pub bind_rate: Option<Rate>,
    /// Segments that may leave back to back. Default 1: evenly spaced.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
    /// How long to wait for what.
    #[serde(default)]
    pub timers: TimerOptions,
    /// How long to wait before binding again.
    #[serde(default)]
    pub reconnect: ReconnectOptions,
    /// The same as `timers.response`: after this an answer counts as unknown. Default 60s.
    #[serde(default)]
    pub response_timeout: Option<HumanDuration>,
    /// The same as `timers.enquire-interval`. Default 30s.
    #[serde(default)]
    pub enquire_interval: Option<HumanDuration>,
    /// Waits before a message that was refused for now is tried again, within its validity.
    /// Default 30s, 2m, 10m; codes that nobody can read only the first two (HANDBOOK A.7).
    #[serde(default)]
    pub retry: Option<Vec<HumanDuration>>,
    /// What refusals mean, where that differs from HANDBOOK A.7.
    #[serde(default)]
    pub statuses: BTreeMap<StatusCodes, StatusRule>,
    /// So many refusals of class config without an acceptance between them pause the carrier:
    /// what it refuses so, it would refuse for every message. Default 20.
    #[serde(default = "twenty")]
    pub pause_after: NonZeroU32,
    /// How ids in answers and receipts are written (HANDBOOK C.5). Default as-is.
    #[serde(default)]
    pub id_mode: IdMode,
    /// What is taken out of ids on both sides first, such as "^MSG_". Default nothing.
    #[serde(default)]
    pub id_strip: Option<StripPattern>,
    /// How receipts are read.
    #[serde(default)]
    pub receipts: ReceiptOptions,
    /// Whether and how it is asked (query_sm) for messages whose receipt doesn't come. Default not.
    #[serde(default)]
    pub query: Option<QueryOptions>,
    /// What data_coding 0 means. Default gsm.
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// Languages whose national tables handsets and SMSC know, such as ["tr"]. Default none.
    #[serde(default)]
    pub languages: Vec<NationalLanguage>,
    /// How long texts are cut. Default udh8.
    #[serde(default)]
    pub concatenation: Concatenation,
    /// SMPP 3.4, 5.2.11, at most 5 characters. Default empty.
    #[serde(default)]
    pub service_type: String,
    /// Default 0.
    #[serde(default)]
    pub protocol_id: u8,
    /// 0 to 3. Default 0: some carriers refuse or bill others.
    #[serde(default)]
    pub priority: u8,
    /// Default default.
    #[serde(default)]
    pub message_mode: MessageMode,
    /// Which receipts we ask for. Default all.
    #[serde(default)]
    pub registered_delivery: RegisteredDelivery,
    /// Asks for intermediate notifications too. Default false.
    #[serde(default)]
    pub intermediate_receipts: bool,
    /// TON and NPI of senders and recipients.
    #[serde(default)]
    pub ton_npi: TonNpiOptions,
    /// What stands before a recipient's digits. Default none.
    #[serde(default)]
    pub destination_prefix: DestinationPrefix,
    /// The carrier's own fields, as constants or from columns of the list.
    #[serde(default)]
    pub tlvs: BTreeMap<TlvTag, TlvOptions>,
    /// How the validity period is written. Default absolute.
    #[serde(default)]
    pub validity_form: ValidityForm,
    /// The shortest validity that the carrier takes: shorter ones are lengthened to it.
    #[serde(default)]
    pub min_validity: Option<HumanDuration>,
    /// The longest validity that the carrier takes.
    #[serde(default)]
    pub max_validity: Option<HumanDuration>,
    /// What a segment costs, by country; without it the report says "no price".
    #[serde(default)]
    pub price_per_segment: Option<Prices>,
    /// How the simulated carrier behaves. Only for `kind = "simulated"`.
    #[serde(default)]
    pub simulator: Option<SimulatorOptions>,
}

const fn one_u16() -> NonZeroU16 {
    NonZeroU16::MIN
}

const fn twenty() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(19)
}

const fn ten() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(9)
}

impl CarrierOptions {
    /// Binds over all hosts; a pair counts as two.
    #[must_use]
    pub fn n_binds(&self) -> u32 {
        let n_sessions = match self.bind_type {
            BindType::Transceiver => 1,
            BindType::Pair => 2,
        };
        self.hosts.len().max(1) as u32 * u32::from(self.binds.get()) * n_sessions
    }

    /// Unanswered submits over all binds.
    #[must_use]
    pub fn total_window(&self) -> u32 {
        let n_hosts = self.hosts.len().max(1) as u32;
        u32::from(self.window.get()) * u32::from(self.binds.get()) * n_hosts
    }
}
