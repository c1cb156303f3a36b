//! Writing a base: it gets its name when all of it is durable.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{At, Base, HEAD, name_of};
use crate::{
    Error, MAX_RECORD_BYTES,
    disk::{Access, Disk, DiskFile},
    frame::{Chain, take},
};

/// A base being written. Dropped before [`BaseWriter::finish`], it never was.
#[derive(Debug)]
pub struct BaseWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    at: At,
    partial: PathBuf,
    file: Box<dyn DiskFile>,
    offset: u64,
    n_blocks: u64,
    hash: Sha256,
}

impl BaseWriter {
    pub(crate) fn begin(disk: Arc<dyn Disk>, dir: &Path, at: At) -> Result<Self, Error> {
        let partial = dir.join("base.partial");
        let file = disk.open(&partial, Access::Create).map_err(Error::io(&partial, "can't create a base"))?;
        let (dir, offset) = (dir.to_owned(), HEAD as u64);
        let writer = Self { disk, dir, at, partial, file, offset, n_blocks: 0, hash: Sha256::new() };
        writer.write(0, &at.to_octets())?;
        Ok(writer)
    }

    /// The record that it will stand for.
    #[must_use]
    pub const fn sequence(&self) -> crate::Sequence {
        self.at.sequence
    }

    /// Adds a block; a few hundred kilobytes are best.
    ///
    /// # Errors
    /// When it can't be written.
    ///
    /// # Panics
    /// When the block is empty or longer than [`MAX_RECORD_BYTES`]: our own bug.
    pub fn put(&mut self, block: &[u8]) -> Result<(), Error> {
        assert!(!block.is_empty() && block.len() <= MAX_RECORD_BYTES as usize, "a block of {}", block.len());
        let mut octets = Vec::with_capacity(8 + block.len());
        octets.extend((block.len() as u32).to_le_bytes());
        octets.extend(crc32c::crc32c(block).to_le_bytes());
        octets.extend_from_slice(block);
        self.write(self.offset, &octets)?;
        self.offset += octets.len() as u64;
        self.n_blocks += 1;
        self.hash.update(block);
        Ok(())
    }

    /// Makes the base durable under its name. From here on it may stand for its records.
    ///
    /// # Errors
    /// When it can't be written, synced or named.
    pub fn finish(self) -> Result<Base, Error> {
        let hash: Chain = take(&self.hash.clone().finalize(), 0);
        let mut end = self.n_blocks.to_le_bytes().to_vec();
        end.extend(hash);
        let mut octets = vec![0; 4];
        octets.extend(crc32c::crc32c(&end).to_le_bytes());
        octets.extend(end);
        self.write(self.offset, &octets)?;
        self.file.sync_data().map_err(Error::io(&self.partial, "can't sync a base"))?;
        let path = self.dir.join(name_of(self.at.sequence));
        let named = self.disk.rename(&self.partial, &path).and_then(|()| self.disk.sync_dir(&self.dir));
        named.map_err(Error::io(&path, "can't name a base"))?;
        Ok(Base { path, at: self.at })
    }

    fn write(&self, offset: u64, octets: &[u8]) -> Result<(), Error> {
        self.file.write_at(offset, octets).map_err(Error::io(&self.partial, "can't write a base"))
    }
}
