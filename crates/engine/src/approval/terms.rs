//! What a plan consists of.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use volley_ingest::Frozen;

use crate::{
    options::{CampaignOptions, Carriers},
    seal,
};

/// Of the layout below.
const FORMAT: u32 = 1;

/// All that decides what a campaign sends: the campaign's keys, those of the carriers that it uses,
/// and the list as it was frozen. Written as JSON in a fixed order, whose SHA-256 is the plan's
/// hash: the same on any machine and wherever the files lie. Comments, the order of keys, where the
/// list lies, and secrets (`password`, the client's certificate and key) are no part of it; files
/// that keys name (`keywords`, `ca`) are, by their content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    format: u32,
    /// The campaign's name.
    pub name: String,
    /// The campaign file, by key: `message.text`, `route[1].carrier`.
    pub campaign: BTreeMap<String, String>,
    /// The carriers file, by key, without carriers that the campaign does not use.
    pub carriers: BTreeMap<String, String>,
    /// The list.
    pub list: ListTerms,
}

/// The list of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTerms {
    /// The column with the numbers.
    pub to: String,
    /// Records.
    pub rows: u64,
    /// Rows that can be sent.
    pub ready: u32,
    /// Segments of all of them.
    pub segments: u64,
    /// Rows that can't be sent, by the code of the reason.
    pub rejected: BTreeMap<String, u64>,
    /// SHA-256 of the frozen rows, in hex.
    pub content: String,
    /// SHA-256 of the file as it lies there, in hex.
    pub source: String,
}

impl Terms {
    /// `campaign_text`: what `options` were read from, at `campaign_file`.
    pub(crate) fn of(
        (campaign_file, campaign_text): (&Path, &str),
        options: &CampaignOptions,
        carriers: &Carriers,
        frozen: &Frozen,
    ) -> Self {
        let folder = campaign_file.parent().unwrap_or(Path::new(""));
        let list = ListTerms {
            to: frozen.options.to.clone(),
            rows: frozen.n_rows,
            ready: frozen.n_valid,
            segments: frozen.n_segments,
            rejected: frozen.rejected.clone(),
            content: frozen.content_hash.clone(),
            source: frozen.source_hash.clone(),
        };
        let is_used = |name: &str| options.routes.iter().any(|route| route.carrier == name);
        Self {
            format: FORMAT,
            name: options.name.clone(),
            campaign: campaign_keys(campaign_text, folder),
            carriers: carrier_keys(carriers.text(), carriers.folder(), is_used),
            list,
        }
    }

    /// SHA-256 of [`Terms::to_octets`], in hex.
    #[must_use]
    pub fn hash(&self) -> String {
        seal::hash_of(&self.to_octets())
    }

    /// As they are written: to the octet the same for the same terms.
    ///
    /// # Panics
    /// Never: words and numbers can always be written as JSON.
    #[must_use]
    #[expect(clippy::expect_used, reason = "words and numbers are always JSON")]
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = serde_json::to_vec_pretty(self).expect("words and numbers are always JSON");
        octets.push(b'\n');
        octets
    }
}

fn campaign_keys(text: &str, folder: &Path) -> BTreeMap<String, String> {
    let mut table = table_of(text);
    if let Some(audience) = table_in(&mut table, "audience") {
        audience.remove("list");
    }
    if let Some(replies) = table_in(&mut table, "replies") {
        by_content(replies, "keywords", folder);
    }
    flat(table)
}

fn carrier_keys(text: &str, folder: &Path, is_used: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut table = table_of(text);
    // Without the table's own name: a carrier is called by its own.
    let carriers = table.remove("carriers").and_then(|carriers| carriers.try_into::<Table>().ok());
    for (name, mut carrier) in carriers.unwrap_or_default().into_iter().filter(|(name, _)| is_used(name)) {
        if let Some(carrier) = carrier.as_table_mut() {
            carrier.remove("password");
            if let Some(receiver) = table_in(carrier, "receiver") {
                receiver.remove("password");
            }
            if let Some(tls) = table_in(carrier, "tls") {
                tls.remove("client-certificate");
                tls.remove("client-key");
                by_content(tls, "ca", folder);
            }
        }
        table.insert(name, carrier);
    }
    flat(table)
}

/// It was read as a table before.
fn table_of(text: &str) -> Table {
    toml::from_str(text).unwrap_or_default()
}

fn table_in<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    table.get_mut(key).and_then(Value::as_table_mut)
}

/// Puts the hash of a file in place of its path; a file that can't be read stays as it is named.
fn by_content(table: &mut Table, key: &str, folder: &Path) {
    let Some(value) = table.get_mut(key) else { return };
    let content = value.as_str().and_then(|path| fs::read(folder.join(path)).ok());
    if let Some(content) = content {
        *value = Value::String(format!("sha256:{}", seal::hash_of(&content)));
    }
}

fn flat(table: Table) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    flatten("", Value::Table(table), &mut keys);
    keys
}

fn flatten(place: &str, value: Value, keys: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) if !table.is_empty() || place.is_empty() => {
            for (key, value) in table {
                let is_bare = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
                let key = if is_bare { key } else { format!("\"{key}\"") };
                let place = if place.is_empty() { key } else { format!("{place}.{key}") };
                flatten(&place, value, keys);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
            for (item, n) in items.into_iter().zip(1_u32..) {
                flatten(&format!("{place}[{n}]"), item, keys);
            }
        }
        value @ (Value::Table(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)) => {
            keys.insert(place.to_owned(), value.to_string());
        }
    }
}
