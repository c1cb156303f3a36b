//! What was erased, and what is put on suppression lists in bulk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use volley_core::{RecipientCheck, UnixMicros};

use super::{Cursor, Entries, SuppressChange, checked};
use crate::{
    suppress::{ListIndex, NumberHash, SuppressCause},
    varint::{put_prefixed, put_u64},
};

/// Personal data was erased. From here on the files named are what their hashes say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// Why.
    pub cause: ErasedCause,
    /// The keyed hash of the number in hex; `None` when it was no single person.
    pub number: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// What for, in words.
    pub why: String,
    /// Which campaigns changed.
    pub campaigns: Vec<ErasedCampaign>,
    /// Replies that have no sender and no text any more.
    pub replies: u64,
    /// Other files of the data directory that were rewritten.
    pub files: u64,
}

/// Why something was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasedCause {
    /// A person was.
    Person,
    /// A campaign's time was over.
    Retention,
}

/// What was erased of one campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedCampaign {
    /// Its number.
    pub campaign: u32,
    /// Rows of the frozen list.
    pub rows: u64,
    /// Rejected rows.
    pub rejected: u64,
    /// Values in rows of others.
    pub mentions: u64,
    /// SHA-256 in hex of each rewritten file that is held to what was approved.
    pub files: BTreeMap<String, String>,
}

/// Numbers that go on one list together, or off it.
#[derive(Debug, Clone)]
pub struct SuppressBatch<'a> {
    /// The list.
    pub list: ListIndex,
    /// When.
    pub at: UnixMicros,
    /// Whether they go on the list, or off it.
    pub change: SuppressChange,
    /// How.
    pub cause: SuppressCause,
    /// The numbers.
    pub entries: SuppressEntries<'a>,
}

/// One number of a [`SuppressBatch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchEntry {
    /// Its keyed hash.
    pub number: NumberHash,
    /// Its check.
    pub check: RecipientCheck,
    /// From when on it counts no more, to the second.
    pub expires: Option<UnixMicros>,
}

/// The numbers of a [`SuppressBatch`], borrowed from its record.
#[derive(Debug, Clone)]
pub struct SuppressEntries<'a> {
    cursor: Cursor<'a>,
}

impl Entries for SuppressEntries<'_> {
    type Entry = BatchEntry;

    fn entry(&mut self) -> Option<Option<BatchEntry>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let number = NumberHash(self.cursor.prefixed()?.try_into().ok()?);
        let check = RecipientCheck(self.cursor.u16()?);
        let seconds = self.cursor.u64()?;
        let expires = (seconds > 0).then(|| seconds.checked_mul(1_000_000).map(UnixMicros));
        let expires = if seconds > 0 { Some(expires.flatten()?) } else { None };
        Some(Some(BatchEntry { number, check, expires }))
    }
}

impl Iterator for SuppressEntries<'_> {
    type Item = BatchEntry;

    fn next(&mut self) -> Option<BatchEntry> {
        self.entry().flatten()
    }
}

pub(super) fn batch<'a>(body: &mut Cursor<'a>) -> Option<SuppressBatch<'a>> {
    Some(SuppressBatch {
        list: ListIndex(body.u16()?),
        at: UnixMicros(body.u64()?),
        change: SuppressChange::ALL.get(usize::from(body.u8()?)).copied()?,
        cause: SuppressCause::ALL.get(usize::from(body.u8()?)).copied()?,
        entries: checked(SuppressEntries { cursor: *body })?,
    })
}

impl super::EventWriter {
    /// See [`super::Event::Erased`].
    ///
    /// # Panics
    /// Never: numbers and words can always be written as JSON.
    pub fn erased(&mut self, erased: &Erased) {
        let json = serde_json::to_vec(erased).expect("numbers and words are always JSON");
        self.event(super::kind::ERASED, |body| put_prefixed(body, &json));
    }

    /// See [`super::Event::SuppressList`].
    pub fn suppress_list(&mut self, list: ListIndex, name: &str) {
        self.event(super::kind::SUPPRESS_LIST, |body| {
            body.extend(list.0.to_le_bytes());
            put_prefixed(body, name.as_bytes());
        });
    }

    /// See [`super::Event::SuppressBatch`].
    pub fn suppress_batch(
        &mut self,
        list: ListIndex,
        at: UnixMicros,
        change: SuppressChange,
        cause: SuppressCause,
        entries: impl IntoIterator<Item = BatchEntry>,
    ) {
        self.event(super::kind::SUPPRESS_BATCH, |body| {
            body.extend(list.0.to_le_bytes());
            put_u64(body, at.0);
            body.extend([change as u8, cause as u8]);
            for entry in entries {
                put_prefixed(body, &entry.number.0);
                body.extend(entry.check.0.to_le_bytes());
                put_u64(body, entry.expires.map_or(0, |at| (at.0 / 1_000_000).max(1)));
            }
        });
    }
}
