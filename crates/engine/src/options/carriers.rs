//! The carriers file.

mod check;
mod connection;
mod secret;
mod statuses;
mod tls;

use std::{
    collections::BTreeMap,
    num::{NonZeroU16, NonZeroU32},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use volley_core::Rate;
use volley_pipeline::{ReceiverAccount, Secret};
use volley_simulator::SimulatorOptions;
use volley_smpp::text::Language;

pub use self::{
    connection::{BindType, InterfaceVersion, ReceiverOptions, ReconnectOptions, TimerOptions},
    secret::SecretSource,
    statuses::{StatusClassName, StatusCodes, StatusRule},
    tls::{TlsForm, TlsTable},
};
use super::{FileError, HumanDuration, file_error};

/// `carriers.toml`.
#[derive(Debug)]
pub struct Carriers {
    /// The file.
    pub path: PathBuf,
    by_name: BTreeMap<String, CarrierOptions>,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CarriersFile {
    carriers: BTreeMap<String, CarrierOptions>,
}

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
    /// What data_coding 0 means. Default gsm.
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// Languages whose national tables handsets and SMSC know, such as ["tr"]. Default none.
    #[serde(default)]
    pub languages: Vec<NationalLanguage>,
    /// How long texts are cut. Default udh8.
    #[serde(default)]
    pub concatenation: Concatenation,
    /// The longest validity that the carrier takes.
    #[serde(default)]
    pub max_validity: Option<HumanDuration>,
    /// Price of a segment by country; kept for the report.
    #[serde(default)]
    pub price_per_segment: BTreeMap<String, String>,
    /// How the simulated carrier behaves. Only for `kind = "simulated"`.
    #[serde(default)]
    pub simulator: Option<SimulatorOptions>,
}

/// What a carrier speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierKind {
    /// SMPP 3.4 over TCP.
    Smpp,
    /// SMPP 3.4 over TCP to a simulator that volley starts on loopback.
    Simulated,
}

/// See HANDBOOK C.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the table's own")]
pub enum IdMode {
    #[default]
    AsIs,
    BothDec,
    RespHexReceiptDec,
    RespDecReceiptHex,
    BothHex,
    RespHexstring,
}

/// What data_coding 0 means, by name (HANDBOOK B.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefaultAlphabet(pub volley_smpp::text::DefaultAlphabet);

impl<'de> Deserialize<'de> for DefaultAlphabet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use volley_smpp::text::DefaultAlphabet as Alphabet;
        by_name(deserializer, "alphabet", Alphabet::ALL.into_iter().map(|known| (known.name(), Self(known))))
    }
}

/// A language with national tables, by its ISO 639-1 code (HANDBOOK B.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NationalLanguage(pub Language);

impl<'de> Deserialize<'de> for NationalLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name(
            deserializer,
            "language with tables",
            Language::ALL.into_iter().map(|known| (known.code(), Self(known))),
        )
    }
}

fn by_name<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: &str,
    known: impl Iterator<Item = (&'static str, T)>,
) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut names = Vec::new();
    for (its_name, value) in known {
        if its_name == name {
            return Ok(value);
        }
        names.push(its_name);
    }
    Err(serde::de::Error::custom(format!("`{name}` is no {what}: {} are", names.join(", "))))
}

/// See HANDBOOK B.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concatenation {
    /// User data header with an 8-bit reference.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference.
    Udh16,
    /// sar_* TLVs.
    Sar,
    /// The whole text in message_payload.
    Payload,
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

impl Carriers {
    /// Reads and checks a carriers file.
    ///
    /// # Errors
    /// When it can't be read, has a wrong, unknown or missing key, or a value that can't work.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let (file, text) = file_error::read::<CarriersFile>(path)?;
        let carriers = Self { path: path.to_owned(), by_name: file.carriers, text };
        for (name, carrier) in carriers.iter() {
            carrier.check().map_err(|what| carriers.wrong(name, format!("carrier `{name}`: {what}")))?;
        }
        Ok(carriers)
    }

    /// The carrier with this name.
    ///
    /// # Errors
    /// When there is none; the error names the nearest.
    pub fn get(&self, name: &str) -> Result<&CarrierOptions, FileError> {
        self.by_name.get(name).ok_or_else(|| {
            let known = || self.by_name.keys().map(String::as_str);
            let error = FileError::new(&self.path, format!("no carrier `{name}`: the file has {}", quoted(known())));
            match file_error::nearest(name, known()) {
                Some(nearest) => error.with_hint(format!("did you mean `{nearest}`?")),
                None => error,
            }
        })
    }

    /// The password of a carrier; empty when none is configured.
    ///
    /// # Errors
    /// When the variable or file that should hold it is missing.
    pub fn password(&self, name: &str, carrier: &CarrierOptions) -> Result<Secret, FileError> {
        self.secret(name, "password", carrier.password.as_ref())
    }

    /// Account and password of a carrier's receivers, where they differ from the carrier's own,
    /// whose account is `system_id`.
    ///
    /// # Errors
    /// When the variable or file that should hold the password is missing.
    pub fn receiver(
        &self,
        name: &str,
        carrier: &CarrierOptions,
        system_id: &str,
    ) -> Result<Option<ReceiverAccount>, FileError> {
        let Some(receiver) = &carrier.receiver else { return Ok(None) };
        let password = receiver.password.as_ref().or(carrier.password.as_ref());
        Ok(Some(ReceiverAccount {
            hosts: receiver.hosts.clone(),
            system_id: receiver.system_id.clone().unwrap_or_else(|| system_id.to_owned()),
            password: self.secret(name, "receiver's password", password)?,
        }))
    }

    /// Every carrier with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &CarrierOptions)> {
        self.by_name.iter().map(|(name, carrier)| (name.as_str(), carrier))
    }

    /// The folder that paths in the file are relative to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn secret(&self, name: &str, what: &str, source: Option<&SecretSource>) -> Result<Secret, FileError> {
        let Some(source) = source else { return Ok(Secret::default()) };
        source.read(self.folder()).map_err(|why| self.wrong(name, format!("the {what} of carrier `{name}` {why}")))
    }

    /// An error about a carrier, placed at its table.
    pub(crate) fn wrong(&self, name: &str, message: String) -> FileError {
        FileError::new(&self.path, message).at_key(&self.text, &format!("carriers.{name}"))
    }
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

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
