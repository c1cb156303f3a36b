//! The carriers file.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    num::{NonZeroU16, NonZeroU32},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use volley_core::Rate;
use volley_simulator::SimulatorOptions;
use volley_smpp::text::Language;

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
    /// Account name (SMPP 3.4, 5.2.1: at most 15 characters).
    #[serde(default)]
    pub system_id: String,
    /// Where the password comes from.
    #[serde(default)]
    pub password: Option<SecretSource>,
    /// SMPP 3.4, 5.2.3. Usually empty.
    #[serde(default)]
    pub system_type: String,
    /// Binds per host. Default 1.
    #[serde(default = "one_u16")]
    pub binds: NonZeroU16,
    /// Unanswered submits allowed on each bind. Default 10 (HANDBOOK A.4).
    #[serde(default = "ten")]
    pub window: NonZeroU16,
    /// Segments that the account allows; without it only the window limits.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// Segments that may leave back to back. Default 1: evenly spaced.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
    /// After this an answer counts as unknown. Default 60s (HANDBOOK A.3).
    #[serde(default)]
    pub response_timeout: Option<HumanDuration>,
    /// Idle time after which enquire_link is sent. Default 30s.
    #[serde(default)]
    pub enquire_interval: Option<HumanDuration>,
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

/// Where a secret comes from: never the file itself.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the carriers file; a line feed at its end doesn't count.
    File(PathBuf),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

const fn one_u16() -> NonZeroU16 {
    NonZeroU16::MIN
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
        for (name, carrier) in &file.carriers {
            carrier.check(path, &text, name)?;
        }
        Ok(Self { path: path.to_owned(), by_name: file.carriers, text })
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
    pub fn password(&self, name: &str, carrier: &CarrierOptions) -> Result<String, FileError> {
        let wrong =
            |message: String| FileError::new(&self.path, message).at_key(&self.text, &format!("carriers.{name}"));
        match &carrier.password {
            None => Ok(String::new()),
            Some(SecretSource::Env(variable)) => env::var(variable).map_err(|_| {
                wrong(format!("the password of carrier `{name}` should stand in ${variable}, which is not set"))
            }),
            Some(SecretSource::File(file)) => {
                let file = self.path.parent().unwrap_or(Path::new("")).join(file);
                let secret = fs::read_to_string(&file).map_err(|source| {
                    wrong(format!("the password of carrier `{name}` should stand in {}: {source}", file.display()))
                })?;
                Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

impl CarrierOptions {
    fn check(&self, path: &Path, text: &str, name: &str) -> Result<(), FileError> {
        let wrong = |message: String| Err(FileError::new(path, message).at_key(text, &format!("carriers.{name}")));
        match self.kind {
            CarrierKind::Smpp => {
                if self.hosts.is_empty() {
                    return wrong(format!("carrier `{name}` has no `hosts`: write `hosts = [\"smsc.example:2775\"]`"));
                }
                if self.simulator.is_some() {
                    return wrong(format!("carrier `{name}` is of kind smpp and can't have a `simulator` table"));
                }
            }
            CarrierKind::Simulated => {
                if !self.hosts.is_empty() {
                    return wrong(format!(
                        "carrier `{name}` is of kind simulated and can't have `hosts`: use `kind = \"smpp\"`"
                    ));
                }
            }
        }
        if !self.languages.is_empty() && matches!(self.concatenation, Concatenation::Sar | Concatenation::Payload) {
            return wrong(format!(
                "carrier `{name}`: `languages` need a header before the text, which `concatenation` udh8 or udh16 allows alone"
            ));
        }
        for host in &self.hosts {
            let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none_or(|port| port == 0) {
                return wrong(format!("carrier `{name}`: host `{host}` has no port: write \"smsc.example:2775\""));
            }
        }
        if self.system_id.len() > 15 {
            return wrong(format!("carrier `{name}`: `system-id` has more than 15 characters (SMPP 3.4, 5.2.1)"));
        }
        if self.system_type.len() > 12 {
            return wrong(format!("carrier `{name}`: `system-type` has more than 12 characters (SMPP 3.4, 5.2.3)"));
        }
        Ok(())
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
