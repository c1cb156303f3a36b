//! Writing a frozen list. Checksums, the content's hash and the disk are left to a thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use sha2::{Digest, Sha256};
use volley_core::CHUNK_ROWS;

use super::{CHUNK_HEAD, FORMAT, LIST, PLAN, PlanFile, RowHead};
use crate::{Error, Frozen, number::ZoneSet, source::hex};

/// Chunks that wait for the disk at most.
const WAITING_CHUNKS: usize = 16;
/// Octets after which what was written is brought to the disk, so that the end doesn't wait for all.
const SYNC_OCTETS: u64 = 32 << 20;

/// Appends a field as rows hold it.
pub(crate) fn put_field(field: &[u8], out: &mut Vec<u8>) {
    put_varint(field.len() as u64, out);
    out.extend_from_slice(field);
}

pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a frozen list.
pub(crate) struct PlanWriter {
    path: PathBuf,
    chunk: Vec<u8>,
    n_in_chunk: u32,
    /// Of the last row of the chunk.
    line: u64,
    n_valid: u32,
    zones: BTreeSet<u16>,
    last_zones: Option<u16>,
    waiting: Option<SyncSender<Vec<u8>>>,
    used: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<io::Result<Written>>>,
}

/// What the thread has come to.
struct Written {
    hash: Sha256,
    chunks: Vec<(u64, u32)>,
}

impl PlanWriter {
    pub(crate) fn create(dir: &Path, columns: &[String]) -> Result<Self, Error> {
        let path = dir.join(LIST);
        // Durably, before a new list overwrites what the old plan speaks of.
        let removed = fs::remove_file(dir.join(PLAN)).and_then(|()| File::open(dir)?.sync_all());
        removed.or_else(gone_is_fine).map_err(Error::io(dir, "can't remove the older plan"))?;
        let file = File::create(&path).map_err(Error::io(&path, "can't create the frozen list"))?;
        // The same values under other names are another content.
        let hash = columns.iter().fold(Sha256::new(), |hash, name| hash.chain_update(name).chain_update([0]));
        let (waiting, chunks) = sync_channel(WAITING_CHUNKS);
        let (give_back, used) = sync_channel(WAITING_CHUNKS);
        let thread = thread::Builder::new().name("plan".to_owned());
        let thread = thread.spawn(move || write_chunks(file, hash, &chunks, &give_back));
        let thread = thread.map_err(Error::io(&path, "can't start the thread that writes the frozen list"))?;
        Ok(Self {
            path,
            chunk: Vec::new(),
            n_in_chunk: 0,
            line: 0,
            n_valid: 0,
            zones: BTreeSet::new(),
            last_zones: None,
            waiting: Some(waiting),
            used,
            thread: Some(thread),
        })
    }

    /// Appends a row, whose fields were written by [`put_field`].
    pub(crate) fn push(&mut self, list: &Path, head: RowHead, line: u64, fields: &[u8]) -> Result<(), Error> {
        self.n_valid = self.n_valid.checked_add(1).ok_or_else(|| Error::TooLong { path: list.to_owned() })?;
        if self.last_zones != Some(head.zones) {
            self.last_zones = Some(head.zones);
            self.zones.insert(head.zones);
        }
        self.chunk.extend_from_slice(&head.to_octets());
        put_varint(line - self.line, &mut self.chunk);
        self.line = line;
        self.chunk.extend_from_slice(fields);
        self.n_in_chunk += 1;
        if self.n_in_chunk == CHUNK_ROWS {
            self.finish_chunk()?;
        }
        Ok(())
    }

    fn finish_chunk(&mut self) -> Result<(), Error> {
        if self.n_in_chunk == 0 {
            return Ok(());
        }
        let next = self.used.try_recv().unwrap_or_default();
        let chunk = std::mem::replace(&mut self.chunk, next);
        self.chunk.clear();
        (self.n_in_chunk, self.line) = (0, 0);
        match self.waiting.as_ref().map(|waiting| waiting.send(chunk)) {
            Some(Ok(())) => Ok(()),
            // The thread ends only with an error.
            Some(Err(_)) | None => self.join().map(drop),
        }
    }

    fn join(&mut self) -> Result<Written, Error> {
        self.waiting = None;
        let ended = self.thread.take().map(JoinHandle::join);
        let gone = || Err(io::Error::other("the thread that writes it is gone"));
        let written = ended.and_then(Result::ok).unwrap_or_else(gone);
        written.map_err(Error::io(&self.path, "can't write the frozen list"))
    }

    pub(crate) fn finish(mut self, dir: &Path, frozen: &mut Frozen) -> Result<(), Error> {
        self.finish_chunk()?;
        let Written { hash, chunks } = self.join()?;
        frozen.n_valid = self.n_valid;
        let names = |set: u16| ZoneSet::from_index(set).names().iter().map(|name| (*name).to_owned()).collect();
        let zones: BTreeMap<u16, Vec<String>> = self.zones.iter().map(|set| (*set, names(*set))).collect();
        // What the rows' numbers for sets of zones mean belongs to the content.
        let hash = zones.iter().fold(hash, |hash, (set, names)| {
            hash.chain_update(set.to_le_bytes()).chain_update(names.join("&")).chain_update([0])
        });
        frozen.content_hash = hex(&hash.finalize());
        let plan = PlanFile { format: FORMAT, frozen: frozen.clone(), zones, chunks, erased: 0 };
        let (path, unfinished) = (dir.join(PLAN), dir.join("plan.json.new"));
        let write = || {
            let mut file = BufWriter::new(File::create(&unfinished)?);
            serde_json::to_writer(&mut file, &plan)?;
            file.into_inner()?.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(Error::io(&path, "can't write the plan"))
    }
}

impl Drop for PlanWriter {
    /// What was given up is not written to any more when a new plan begins in the same folder.
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.join();
        }
    }
}

/// Writes chunks until no more come, and brings them to the disk.
fn write_chunks(
    mut file: File,
    mut hash: Sha256,
    waiting: &Receiver<Vec<u8>>,
    used: &SyncSender<Vec<u8>>,
) -> io::Result<Written> {
    let mut chunks = Vec::new();
    let (mut offset, mut synced) = (0_u64, 0);
    let mut octets = Vec::new();
    // Beside the writing: the disk must not make who reads the list wait.
    let mut syncing: Option<JoinHandle<io::Result<()>>> = None;
    while let Ok(chunk) = waiting.recv() {
        let len = chunk.len() as u32;
        octets.clear();
        octets.extend_from_slice(&len.to_le_bytes());
        octets.extend_from_slice(&crc32c::crc32c(&chunk).to_le_bytes());
        octets.extend_from_slice(&chunk);
        hash.update(&chunk);
        file.write_all(&octets)?;
        chunks.push((offset, len + CHUNK_HEAD as u32));
        offset += octets.len() as u64;
        if offset - synced >= SYNC_OCTETS && syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            syncing.take().map_or(Ok(()), joined)?;
            let file = file.try_clone()?;
            syncing = Some(thread::spawn(move || file.sync_data()));
            synced = offset;
        }
        // A buffer too many is dropped.
        let _ = used.try_send(chunk);
    }
    syncing.take().map_or(Ok(()), joined)?;
    file.sync_all()?;
    Ok(Written { hash, chunks })
}

fn joined(syncing: JoinHandle<io::Result<()>>) -> io::Result<()> {
    syncing.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs it is gone")))
}

fn gone_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
