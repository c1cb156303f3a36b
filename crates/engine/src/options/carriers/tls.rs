//! `tls`: `true`, or a table that says whom to trust and who we are (HANDBOOK A.8).

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use volley_pipeline::{ClientCertificate, HostNameCheck, TlsOptions};

/// Whether and how connections are encrypted. Default: not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TlsForm {
    /// `false`: they are not.
    #[default]
    Off,
    /// `true`, or a table.
    On(TlsTable),
}

/// The table; all keys are optional.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TlsTable {
    /// PEM file with the authorities to trust instead of the system's, relative to the carriers
    /// file.
    pub ca: Option<PathBuf>,
    /// PEM file with our certificate, for carriers that want one.
    pub client_certificate: Option<PathBuf>,
    /// PEM file with its key.
    pub client_key: Option<PathBuf>,
    /// The name that the carrier's certificate is for. Default: the host's.
    pub host_name: Option<String>,
    /// Default true. Without it, whoever has any certificate of a trusted authority can pose as
    /// the carrier: a warning says so at each start.
    pub verify_host_name: bool,
}

impl Default for TlsTable {
    fn default() -> Self {
        Self { ca: None, client_certificate: None, client_key: None, host_name: None, verify_host_name: true }
    }
}

impl<'de> Deserialize<'de> for TlsForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = TlsForm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a table such as { ca = \"carrier-ca.pem\" }")
            }

            fn visit_bool<E>(self, on: bool) -> Result<TlsForm, E> {
                Ok(if on { TlsForm::On(TlsTable::default()) } else { TlsForm::Off })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TlsForm, A::Error> {
                TlsTable::deserialize(MapAccessDeserializer::new(map)).map(TlsForm::On)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl TlsForm {
    /// What can't work, in words.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self::On(table) = self else { return Ok(()) };
        if table.client_certificate.is_some() != table.client_key.is_some() {
            return Err("`tls` needs `client-certificate` and `client-key` together");
        }
        if table.host_name.is_some() && !table.verify_host_name {
            return Err("`tls.host-name` says which name to verify, and `verify-host-name` is false: leave out one");
        }
        Ok(())
    }

    /// As the pipeline wants it; `folder` is what paths are relative to.
    #[must_use]
    pub fn options(&self, folder: &Path) -> Option<TlsOptions> {
        let Self::On(table) = self else { return None };
        let client = table.client_certificate.as_ref().zip(table.client_key.as_ref());
        Some(TlsOptions {
            ca: table.ca.as_ref().map(|ca| folder.join(ca)),
            client: client.map(|(chain, key)| ClientCertificate { chain: folder.join(chain), key: folder.join(key) }),
            host_name: match &table.host_name {
                _ if !table.verify_host_name => HostNameCheck::Off,
                Some(name) => HostNameCheck::Name(name.clone()),
                None => HostNameCheck::Host,
            },
        })
    }

    /// What a person must know of it at each start.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::On(table) if !table.verify_host_name => Some(
                "`verify-host-name = false`: anyone with a certificate of a trusted authority can pose as the carrier",
            ),
            Self::On(_) | Self::Off => None,
        }
    }

    /// For tables: "off", "system roots", "own CA", with what else is out of the ordinary.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self::On(table) = self else { return "off".to_owned() };
        let mut words = if table.ca.is_some() { "own CA" } else { "system roots" }.to_owned();
        if table.client_certificate.is_some() {
            words.push_str(", client certificate");
        }
        if !table.verify_host_name {
            words.push_str(", any host name");
        }
        words
    }
}
