//! Base files: what follows from all records up to one of them, so that those need not be kept.
//! What stands in a base is its owner's; the journal sees to it that it is whole and belongs here.
//!
//! | octets | field |
//! |---|---|
//! | 7, 1 | magic, format version |
//! | 8, 16, 4 | the record that it stands for: its sequence, the chain behind it, its epoch |
//! | 4 | CRC32C of the head |
//! | 4, 4, n | each block: its length (at least 1), its CRC32C, its octets |
//! | 4, 4, 8, 16 | the end: 0, CRC32C of what follows, number of blocks, SHA-256 of all blocks (16 octets) |
//!
//! All numbers are little-endian.

mod write;

use std::{
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use crate::{
    Error, MAX_RECORD_BYTES, Sequence,
    disk::{Access, Disk, Forward},
    frame::{Chain, take},
    segment,
};

pub use write::BaseWriter;

const MAGIC: &[u8; 7] = b"VLYBASE";
const VERSION: u8 = 1;
const HEAD: usize = 40;
const END: usize = 24;
const READ_AHEAD: usize = 256 << 10;

/// A base file, by its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub(crate) path: PathBuf,
    pub(crate) at: At,
}

/// The record that a base stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) sequence: Sequence,
    pub(crate) chain: Chain,
    pub(crate) epoch: u32,
}

impl Base {
    /// The last record that it stands for.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.at.sequence
    }

    pub(crate) fn refused(&self, what: &'static str) -> Error {
        Error::Damaged { path: self.path.clone(), offset: 0, what }
    }

    /// The segments must begin at the record behind it, or before.
    pub(crate) fn check_first(&self, disk: &dyn Disk, segments: &[(Sequence, PathBuf)]) -> Result<(), Error> {
        let behind = Sequence(self.sequence().0 + 1);
        let Some((first, path)) = segments.first() else { return Ok(()) };
        if *first > behind {
            let what = "records are missing between the base and this segment";
            return Err(Error::Damaged { path: path.clone(), offset: 0, what });
        }
        let follows = |segment: &(Sequence, PathBuf)| -> Result<bool, Error> {
            let head = segment::read_head(disk, &segment.1)?;
            // One that was torn off within its head is looked at elsewhere.
            Ok(head.is_none_or(|head| head.chain == self.at.chain))
        };
        match segments.iter().find(|(first, _)| *first == behind).map(follows).transpose()? {
            Some(false) => Err(self.refused("this base is not of this journal")),
            Some(true) | None => Ok(()),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl At {
    fn to_octets(self) -> [u8; HEAD] {
        let mut octets = Vec::with_capacity(HEAD);
        octets.extend_from_slice(MAGIC);
        octets.push(VERSION);
        octets.extend(self.sequence.0.to_le_bytes());
        octets.extend(self.chain);
        octets.extend(self.epoch.to_le_bytes());
        octets.extend(crc32c::crc32c(&octets).to_le_bytes());
        take(&octets, 0)
    }

    fn parse(path: &Path, octets: &[u8; HEAD]) -> Result<Self, Error> {
        let damaged = |what| Err(Error::Damaged { path: path.to_owned(), offset: 0, what });
        if !octets.starts_with(MAGIC) {
            return damaged("no base of a journal begins here");
        }
        let (covered, crc) = octets.split_at(HEAD - 4);
        if crc32c::crc32c(covered) != u32::from_le_bytes(take(crc, 0)) {
            return damaged("wrong checksum of the base's head");
        }
        match take::<1>(octets, 7) {
            [VERSION] => Ok(Self {
                sequence: Sequence(u64::from_le_bytes(take(octets, 8))),
                chain: take(octets, 16),
                epoch: u32::from_le_bytes(take(octets, 32)),
            }),
            [found] => Err(Error::UnknownVersion { path: path.to_owned(), offset: 0, found }),
        }
    }
}

fn name_of(sequence: Sequence) -> String {
    format!("{:020}.base", sequence.0)
}

/// The bases in a folder, oldest first.
pub(crate) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<(Sequence, PathBuf)>, Error> {
    let mut bases = Vec::new();
    for name in disk.list(dir).map_err(Error::io(dir, "can't list the journal"))? {
        let sequence = name.to_str().and_then(|name| name.strip_suffix(".base")).and_then(|digits| digits.parse().ok());
        if let Some(sequence) = sequence {
            bases.push((Sequence(sequence), dir.join(name)));
        }
    }
    bases.sort_unstable();
    Ok(bases)
}

/// The newest base, if there is one. Its head is checked, not its blocks.
pub(crate) fn newest(disk: &dyn Disk, dir: &Path) -> Result<Option<Base>, Error> {
    let Some((sequence, path)) = list(disk, dir)?.pop() else { return Ok(None) };
    let file = disk.open(&path, Access::Read).map_err(Error::io(&path, "can't open"))?;
    let mut octets = [0; HEAD];
    Forward::new(file, 0).read_exact(&mut octets).map_err(Error::io(&path, "can't read"))?;
    let at = At::parse(&path, &octets)?;
    if at.sequence != sequence {
        return Err(Error::Damaged { path, offset: 8, what: "the base has another's name" });
    }
    Ok(Some(Base { path, at }))
}

/// Reads the blocks of a base in order, checking each; at the end, that none is missing.
#[derive(Debug)]
pub struct BaseReader {
    path: PathBuf,
    file: BufReader<Forward>,
    offset: u64,
    n_blocks: u64,
    hash: Sha256,
    block: Vec<u8>,
}

impl BaseReader {
    pub(crate) fn open(disk: &Arc<dyn Disk>, base: &Base) -> Result<Self, Error> {
        let path = base.path.clone();
        let file = disk.open(&path, Access::Read).map_err(Error::io(&path, "can't open"))?;
        let file = BufReader::with_capacity(READ_AHEAD, Forward::new(file, HEAD as u64));
        Ok(Self { path, file, offset: HEAD as u64, n_blocks: 0, hash: Sha256::new(), block: Vec::new() })
    }

    /// The next block; `None` when all were read and none is missing.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    #[expect(clippy::should_implement_trait, reason = "a block is borrowed from the reader's buffer")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        let mut head = [0; 8];
        self.read(&mut head)?;
        let len = u32::from_le_bytes(take(&head, 0));
        let crc = u32::from_le_bytes(take(&head, 4));
        let is_end = len == 0;
        if len > MAX_RECORD_BYTES {
            return Err(self.damaged("an impossible block"));
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(if is_end { END } else { len as usize }, 0);
        self.read(&mut block)?;
        if crc32c::crc32c(&block) != crc {
            return Err(self.damaged("wrong checksum"));
        }
        if !is_end {
            self.offset += 8 + u64::from(len);
            self.n_blocks += 1;
            self.hash.update(&block);
            self.block = block;
            return Ok(Some(&self.block));
        }
        let hash: Chain = take(&self.hash.clone().finalize(), 0);
        if u64::from_le_bytes(take(&block, 0)) != self.n_blocks || take::<16>(&block, 8) != hash {
            return Err(self.damaged("blocks are missing"));
        }
        match self.file.read(&mut [0]).map_err(Error::io(&self.path, "can't read"))? {
            0 => Ok(None),
            _ => Err(self.damaged("octets behind the end")),
        }
    }

    fn read(&mut self, octets: &mut [u8]) -> Result<(), Error> {
        self.file.read_exact(octets).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return self.damaged("the base ends here");
            }
            Error::io(&self.path, "can't read")(error)
        })
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::Damaged { path: self.path.clone(), offset: self.offset, what }
    }
}
