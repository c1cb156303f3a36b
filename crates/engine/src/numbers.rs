//! Numbers in the journal: as hashes under a key that never leaves the data directory.

use std::{
    fs::{self, File, OpenOptions},
    hash::Hasher as _,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher13;
use volley_core::{Msisdn, RecipientCheck, UnixMicros};
use volley_reconciler::{
    ListIndex, NumberHash, SuppressCause, SuppressLists, Suppression,
    record::{SuppressChange, SuppressEntry},
};

use crate::{DataDir, Error};

/// The data directory's own key. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct NumberKey([u8; 32]);

impl NumberKey {
    /// Reads the key, or makes one where there is none. `is_needed`: hashes exist that were made
    /// with it, so another key would let suppressed numbers through.
    pub(crate) fn open(dir: &DataDir, is_needed: bool) -> Result<Self, Error> {
        let path = dir.number_key();
        let failed = |action| {
            let path = path.clone();
            move |source| Error::Io { path, action, source }
        };
        match fs::read(&path) {
            Ok(octets) => {
                let wrong = || io::Error::new(io::ErrorKind::InvalidData, "it has not 32 octets");
                let key = octets.try_into().map_err(|_| wrong()).map_err(failed("is no key for numbers"))?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_needed => {
                Self::make(&path).map_err(failed("can't make the key for numbers"))
            }
            Err(error) => Err(failed("can't read the key that the suppression list needs")(error)),
        }
    }

    /// A new key, durable under its name before anything is hashed with it.
    fn make(path: &Path) -> io::Result<Self> {
        let mut key = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self(key))
    }

    /// A short keyed hash of a number's last digits ([`Msisdn::tail`]), for what is recorded by the
    /// million: some nanoseconds.
    pub(crate) fn short_hash(&self, tail: u64) -> u32 {
        let half = self.0.last_chunk::<16>().copied().unwrap_or_default();
        let mut hasher = SipHasher13::new_with_key(&half);
        hasher.write_u64(tail);
        hasher.finish() as u32
    }

    pub(crate) fn hash(&self, number: Msisdn) -> NumberHash {
        let digest = Sha256::new().chain_update(self.0).chain_update(number.as_u64().to_be_bytes()).finalize();
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(digest) {
            *to = from;
        }
        NumberHash(hash)
    }

    /// A change of the global list, to be recorded.
    pub(crate) fn entry(
        &self,
        number: Msisdn,
        change: SuppressChange,
        cause: SuppressCause,
        at: UnixMicros,
        reply: u64,
    ) -> SuppressEntry {
        let check: RecipientCheck = number.check();
        SuppressEntry { at, number: self.hash(number), check, change, cause, reply }
    }
}

/// The suppression lists that apply to a campaign, as whoever sends asks them.
#[derive(Clone)]
pub(crate) struct Suppressed {
    key: NumberKey,
    lists: SuppressLists,
    applying: Vec<ListIndex>,
}

impl Suppressed {
    /// `applying`: besides the global list.
    pub(crate) fn new(key: NumberKey, lists: &SuppressLists, applying: &[ListIndex]) -> Self {
        let mut applying = applying.to_vec();
        applying.push(ListIndex::GLOBAL);
        Self { key, lists: lists.only(&applying), applying }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// See [`NumberKey::short_hash`].
    pub(crate) fn short_hash(&self, tail: u64) -> u32 {
        self.key.short_hash(tail)
    }

    /// The key that hashes are made with.
    pub(crate) fn key(&self) -> NumberKey {
        self.key.clone()
    }

    /// How the number came on a list, if it is on one at `now`.
    pub(crate) fn cause(&self, number: Msisdn, now: UnixMicros) -> Option<SuppressCause> {
        self.get(number, now).map(|found| found.cause)
    }

    /// The weightiest entry that holds at `now`.
    pub(crate) fn get(&self, number: Msisdn, now: UnixMicros) -> Option<Suppression> {
        self.lists.get(&self.applying, number.check(), now, || self.key.hash(number))
    }

    /// A change of the global list, to be recorded. From here on it is known here.
    pub(crate) fn change(
        &mut self,
        number: Msisdn,
        change: SuppressChange,
        cause: SuppressCause,
        at: UnixMicros,
        reply: u64,
    ) -> SuppressEntry {
        let entry = self.key.entry(number, change, cause, at, reply);
        self.lists.apply(&entry);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_in_place_of_one_that_is_needed() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path());
        assert!(NumberKey::open(&dir, true).is_err());
        let number = Msisdn::from_digits(b"4915112345678").unwrap();
        let hash = NumberKey::open(&dir, false).unwrap().hash(number);
        assert_eq!(NumberKey::open(&dir, true).unwrap().hash(number), hash);
        let other = Msisdn::from_digits(b"4915112345679").unwrap();
        assert_ne!(NumberKey::open(&dir, true).unwrap().hash(other), hash);
        let key = NumberKey::open(&dir, true).unwrap();
        assert_ne!(key.short_hash(number.tail()), key.short_hash(other.tail()));
        // It stands in journals: it must never change.
        assert_eq!(NumberKey([7; 32]).short_hash(112_345_678), 1_008_885_668);
        fs::write(dir.number_key(), b"short").unwrap();
        assert!(NumberKey::open(&dir, false).is_err());
    }
}
