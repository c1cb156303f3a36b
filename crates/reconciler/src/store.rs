//! sled, and nothing but sled: the fold of the journal that must outlive memory.
//!
//! One tree, so that one batch is atomic over everything that it covers. Keys: `g` the global
//! record; `s` + campaign + chunk: a chunk's sums; `c` + campaign + chunk: its rows;
//! `a` + number: an order (the audit log); `y` + list + part: numbers on a suppression list (`x` + keyed hash: one of them, as older
//! versions wrote it). A base of the journal holds the same entries.
//!
//! What sled 0.34.7 is known for (DESIGN section 4), and what we do about it: it panics on some
//! damaged files (caught, the store is set aside), opens an emptied file as an empty store (the
//! ledger compares positions with the journal), and its flush is not power-safe (we sync its
//! data file ourselves).

use std::{
    any::Any,
    cell::Cell,
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use sled::IVec;
use volley_core::CampaignId;

use crate::{
    Error,
    campaign::Sums,
    record::Ordered,
    suppress::{ListIndex, NumberHash},
    varint::Cursor,
};

/// Memory that sled may use for its cache.
const CACHE_BYTES: u64 = 16 << 20;

/// True while sled opens its files: a panic in there is damage to be set aside, no bug of ours.
static OPENING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// True while this thread lets sled write: it panics where a disk fails.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic just now, on this thread, comes from sled: it reads damaged files, or its disk
/// fails. A panic hook that ends the process must let this one pass.
#[must_use]
pub fn is_in_sled() -> bool {
    OPENING.load(Ordering::SeqCst) || WRITING.get()
}

#[derive(Debug)]
pub(crate) struct Store {
    /// `None` only while it is being dropped.
    db: Option<sled::Db>,
    path: PathBuf,
}

impl Store {
    /// Opens or creates the store. One that can't be opened is moved aside, and its new place given.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<PathBuf>), Error> {
        match Self::try_open(path) {
            Ok(store) => Ok((store, None)),
            // It is as whole as before.
            Err(sled::Error::Io(source))
                if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
            {
                Err(Error::Store { path: path.to_owned(), source: sled::Error::Io(source) })
            }
            Err(_damaged) => {
                let aside = set_aside(path)?;
                let store = Self::try_open(path).map_err(|source| Error::Store { path: path.to_owned(), source })?;
                Ok((store, aside))
            }
        }
    }

    fn try_open(path: &Path) -> Result<Self, sled::Error> {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        OPENING.store(true, Ordering::SeqCst);
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        OPENING.store(false, Ordering::SeqCst);
        let db = opened.unwrap_or_else(|_panic| {
            Err(sled::Error::ReportableBug("sled panicked while opening its files".to_owned()))
        })?;
        Ok(Self { db: Some(db), path: path.to_owned() })
    }

    /// Moves this store aside and begins an empty one.
    pub(crate) fn start_over(self) -> Result<(Self, PathBuf), Error> {
        let path = self.path.clone();
        drop(self);
        let aside = set_aside(&path)?.unwrap_or_default();
        let store = Self::try_open(&path).map_err(|source| Error::Store { path: path.clone(), source })?;
        Ok((store, aside))
    }

    pub(crate) fn global(&self) -> Result<Option<IVec>, Error> {
        self.guarded(|db| db.get(b"g"))
    }

    pub(crate) fn chunk(&self, campaign: CampaignId, chunk: u32) -> Result<Option<IVec>, Error> {
        self.guarded(|db| db.get(key(b'c', campaign, chunk)))
    }

    /// Every chunk's sums.
    pub(crate) fn sums(&self) -> impl Iterator<Item = Result<(CampaignId, u32, StoredSums), Error>> {
        self.db.iter().flat_map(|db| db.scan_prefix(b"s")).map(|entry| {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            let parsed = split_key(&key).zip(StoredSums::decode(&value));
            let ((campaign, chunk), sums) = parsed.ok_or_else(|| self.damaged(&key))?;
            Ok((campaign, chunk, sums))
        })
    }

    /// The suppression lists, part by part.
    pub(crate) fn suppressions(&self) -> impl Iterator<Item = Result<(ListIndex, IVec), Error>> {
        self.db.iter().flat_map(|db| db.scan_prefix(b"y")).map(|entry| {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            let list = key.get(1..3).and_then(|list| list.try_into().ok()).map(u16::from_be_bytes);
            Ok((ListIndex(list.ok_or_else(|| self.damaged(&key))?), value))
        })
    }

    /// Numbers on the suppression list as older versions wrote them: each one's hash and value.
    pub(crate) fn single_suppressions(&self) -> impl Iterator<Item = Result<(Vec<u8>, IVec), Error>> {
        self.db.iter().flat_map(|db| db.scan_prefix(b"x")).map(|entry| {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value))
        })
    }

    /// What was ordered, oldest first.
    pub(crate) fn orders(&self) -> impl Iterator<Item = Result<Ordered, Error>> {
        self.db.iter().flat_map(|db| db.scan_prefix(b"a")).map(|entry| {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            serde_json::from_slice(&value).map_err(|_| self.damaged(&key))
        })
    }

    /// Everything, in the order of the keys.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Result<(IVec, IVec), Error>> {
        self.db.iter().flat_map(|db| db.iter()).map(|entry| entry.map_err(|source| self.failed(source)))
    }

    /// Removes everything.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        self.guarded(|db| db.clear())
    }

    /// Writes one batch, all of it or nothing.
    pub(crate) fn write(&self, batch: Batch) -> Result<(), Error> {
        self.guarded(|db| db.apply_batch(batch.0))
    }

    /// Returns when everything written would survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.guarded(|db| db.flush().map(drop))?;
        let file = self.path.join("db");
        File::open(&file).and_then(|db| db.sync_data()).map_err(|source| Error::Io {
            path: file,
            action: "can't sync the store",
            source,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn damaged_chunk(&self, campaign: CampaignId, chunk: u32) -> Error {
        self.damaged(&key(b'c', campaign, chunk))
    }

    fn damaged(&self, key: &[u8]) -> Error {
        let key = key.iter().map(|octet| format!("{octet:02x}")).collect();
        Error::DamagedValue { path: self.path.clone(), key }
    }

    fn failed(&self, source: sled::Error) -> Error {
        Error::Store { path: self.path.clone(), source }
    }

    /// Lets sled work. A panic of its own, over a disk that fails, is an error as others are.
    fn guarded<T>(&self, work: impl FnOnce(&sled::Db) -> Result<T, sled::Error>) -> Result<T, Error> {
        let closed = || self.failed(sled::Error::Unsupported("it is closed".to_owned()));
        let db = self.db.as_ref().ok_or_else(closed)?;
        let worked = in_sled(|| work(db)).unwrap_or_else(|panic| {
            // Its end would write, and panic, once more: it never comes.
            std::mem::forget(db.clone());
            Err(sled::Error::Io(io::Error::other(words_of(panic.as_ref()))))
        });
        worked.map_err(|source| self.failed(source))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let db = self.db.take();
        // What fails here fails again at the next opening, which says so; the journal has everything.
        drop(in_sled(move || drop(db)));
    }
}

/// Panics of sled's are caught, and pass the hook that ends the process.
fn in_sled<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    WRITING.set(true);
    let worked = catch_unwind(AssertUnwindSafe(work));
    WRITING.set(false);
    worked
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    format!("sled gave up: {}", text.unwrap_or("it does not say why"))
}

/// What is written together.
#[derive(Debug, Default)]
pub(crate) struct Batch(sled::Batch);

impl Batch {
    pub(crate) fn global(&mut self, value: Vec<u8>) {
        self.0.insert(b"g".as_slice(), value);
    }

    /// The `number`-th order, from 0.
    ///
    /// # Panics
    /// Never: numbers and words can always be written as JSON.
    pub(crate) fn order(&mut self, number: u64, ordered: &Ordered) {
        let json = serde_json::to_vec(ordered).expect("numbers and words are always JSON");
        self.0.insert([&b"a"[..], &number.to_be_bytes()].concat(), json);
    }

    /// A part of a suppression list.
    pub(crate) fn suppressions(&mut self, list: ListIndex, part: u16, octets: Vec<u8>) {
        let key = [&b"y"[..], &list.0.to_be_bytes(), &part.to_be_bytes()].concat();
        if octets.is_empty() { self.0.remove(key) } else { self.0.insert(key, octets) }
    }

    /// Takes away a number that lies in a part now.
    pub(crate) fn remove_single(&mut self, number: &NumberHash) {
        self.0.remove([&b"x"[..], &number.0].concat());
    }

    /// An entry as [`Store::entries`] gave it.
    pub(crate) fn raw(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key, value);
    }

    pub(crate) fn remove_chunk(&mut self, campaign: CampaignId, chunk: u32) {
        self.0.remove(&key(b'c', campaign, chunk));
        self.0.remove(&key(b's', campaign, chunk));
    }

    pub(crate) fn chunk(&mut self, campaign: CampaignId, chunk: u32, rows: Vec<u8>, sums: &StoredSums) {
        self.0.insert(&key(b'c', campaign, chunk), rows);
        self.0.insert(&key(b's', campaign, chunk), sums.encode());
    }
}

/// A chunk's sums, and how many rows have each reason (by its index).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StoredSums {
    pub(crate) sums: Sums,
    pub(crate) reasons: Vec<(u16, u64)>,
}

/// Places beyond those of reasons, for counts that came later.
const INFERRED: u16 = u16::MAX;
const TAKEN_TWICE: u16 = u16::MAX - 1;

impl StoredSums {
    pub(crate) fn encode(&self) -> Vec<u8> {
        use crate::varint::put_u64;
        let mut out = Vec::new();
        for (_, n_rows) in self.sums.states.iter() {
            put_u64(&mut out, n_rows);
        }
        let sums = &self.sums;
        for n in [sums.submitted, sums.accepted, sums.delivered, sums.possible_duplicates, sums.awaiting] {
            put_u64(&mut out, n);
        }
        let counted = [(INFERRED, sums.inferred), (TAKEN_TWICE, sums.taken_twice)];
        for (reason, n_rows) in self.reasons.iter().chain(counted.iter().filter(|(_, n_rows)| *n_rows > 0)) {
            put_u64(&mut out, u64::from(*reason));
            put_u64(&mut out, *n_rows);
        }
        out
    }

    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let cursor = &mut Cursor::new(octets);
        let mut stored = Self::default();
        for state in volley_core::MessageState::ALL {
            stored.sums.states.add(state, cursor.u64()?);
        }
        let sums = &mut stored.sums;
        for n in [
            &mut sums.submitted,
            &mut sums.accepted,
            &mut sums.delivered,
            &mut sums.possible_duplicates,
            &mut sums.awaiting,
        ] {
            *n = cursor.u64()?;
        }
        while !cursor.is_empty() {
            match (u16::try_from(cursor.u64()?).ok()?, cursor.u64()?) {
                (INFERRED, n_rows) => stored.sums.inferred = n_rows,
                (TAKEN_TWICE, n_rows) => stored.sums.taken_twice = n_rows,
                reason => stored.reasons.push(reason),
            }
        }
        Some(stored)
    }
}

fn key(kind: u8, campaign: CampaignId, chunk: u32) -> [u8; 9] {
    let mut key = [kind; 9];
    for (to, from) in key.iter_mut().skip(1).zip(campaign.0.to_be_bytes().into_iter().chain(chunk.to_be_bytes())) {
        *to = from;
    }
    key
}

fn split_key(key: &[u8]) -> Option<(CampaignId, u32)> {
    let (_, numbers) = key.split_first()?;
    let (campaign, chunk) = numbers.split_at_checked(4)?;
    Some((CampaignId(u32::from_be_bytes(campaign.try_into().ok()?)), u32::from_be_bytes(chunk.try_into().ok()?)))
}

/// Moves a store aside and gives its new place; `None` when there is none.
pub(crate) fn set_aside(path: &Path) -> Result<Option<PathBuf>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let aside = free_name_beside(path);
    let action = "can't move the damaged store aside";
    fs::rename(path, &aside).map_err(|source| Error::Io { path: path.to_owned(), action, source })?;
    Ok(Some(aside))
}

fn free_name_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let candidates = (1..).map(|n: u32| path.with_file_name(format!("{name}.damaged-{n}")));
    let mut free = candidates.filter(|candidate| !candidate.exists());
    free.next().unwrap_or_else(|| path.with_extension("damaged"))
}
