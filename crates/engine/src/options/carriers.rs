//! The carriers file.

mod check;
mod connection;
mod kinds;
mod prices;
mod profile;
mod query;
mod receipts;
mod secret;
mod statuses;
mod submit;
mod tls;
mod tlvs;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use volley_pipeline::{ReceiverAccount, Secret};

pub use self::{
    connection::{BindType, InterfaceVersion, ReceiverOptions, ReconnectOptions, TimerOptions},
    kinds::{CarrierKind, Concatenation, DefaultAlphabet, IdMode, NationalLanguage},
    prices::{Currency, Money, Prices},
    profile::CarrierOptions,
    query::QueryOptions,
    receipts::{ClockSkew, ReceiptOptions, ReceiptStateName, ReceiptZone, StripPattern, ValuePattern},
    secret::SecretSource,
    statuses::{StatusClassName, StatusCodes, StatusRule},
    submit::{DestinationPrefix, MessageMode, RegisteredDelivery, TonNpiOptions, ValidityForm},
    tls::{TlsForm, TlsTable},
    tlvs::{TlvOptions, TlvTag, TlvType},
};
use super::{FileError, file_error};

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

    /// The file's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
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

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
