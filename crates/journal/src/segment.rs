//! Segment files: their names and heads.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    Error, Sequence,
    disk::{Access, Disk, DiskFile, Forward},
    frame::{Chain, VERSION, take},
};

/// Octets before the first record: magic, version, first sequence, chain before it, CRC32C.
pub(crate) const HEAD: usize = 40;
const MAGIC: &[u8; 7] = b"VLYJRNL";

/// What stands at the beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: Sequence,
    pub(crate) chain: Chain,
}

impl Head {
    fn to_octets(self) -> [u8; HEAD] {
        let mut octets = Vec::with_capacity(HEAD);
        octets.extend_from_slice(MAGIC);
        octets.push(VERSION);
        octets.extend(self.first.0.to_le_bytes());
        octets.extend(self.chain);
        octets.extend([0; 4]);
        octets.extend(crc32c::crc32c(&octets).to_le_bytes());
        take(&octets, 0)
    }

    /// `Err` says what is wrong.
    pub(crate) fn parse(octets: &[u8; HEAD]) -> Result<Self, HeadError> {
        if !octets.starts_with(MAGIC) {
            return Err(HeadError::Damaged("no journal segment begins here"));
        }
        let (covered, crc) = octets.split_at(HEAD - 4);
        if crc32c::crc32c(covered) != u32::from_le_bytes(take(crc, 0)) {
            return Err(HeadError::Damaged("wrong checksum of the segment's head"));
        }
        match take::<1>(octets, 7) {
            [VERSION] => Ok(Self { first: Sequence(u64::from_le_bytes(take(octets, 8))), chain: take(octets, 16) }),
            [other] => Err(HeadError::Version(other)),
        }
    }
}

pub(crate) enum HeadError {
    Damaged(&'static str),
    Version(u8),
}

impl HeadError {
    pub(crate) fn at(self, path: &Path) -> Error {
        match self {
            Self::Damaged(what) => Error::Damaged { path: path.to_owned(), offset: 0, what },
            Self::Version(found) => Error::UnknownVersion { path: path.to_owned(), offset: 0, found },
        }
    }
}

pub(crate) fn path_of(dir: &Path, first: Sequence) -> PathBuf {
    dir.join(format!("{:020}.journal", first.0))
}

/// The segments in `dir` by their first record, in order.
pub(crate) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<(Sequence, PathBuf)>, Error> {
    let mut segments = Vec::new();
    for name in disk.list(dir).map_err(Error::io(dir, "can't list the journal"))? {
        let first = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        if let Some(first) = first.and_then(|digits| digits.parse().ok()) {
            segments.push((Sequence(first), dir.join(name)));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// A segment's head; `None` when it isn't whole.
pub(crate) fn read_head(disk: &dyn Disk, path: &Path) -> Result<Option<Head>, Error> {
    let mut octets = [0; HEAD];
    let file = disk.open(path, Access::Read).map_err(Error::io(path, "can't open"))?;
    match Forward::new(file, 0).read_exact(&mut octets) {
        Ok(()) => Ok(Head::parse(&octets).ok()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(Error::io(path, "can't read")(error)),
    }
}

/// Creates a segment so that it survives a power cut: its head and its name in the folder.
pub(crate) fn create(disk: &dyn Disk, dir: &Path, head: Head) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
    let path = path_of(dir, head.first);
    let create = || -> io::Result<_> {
        let file = disk.open(&path, Access::Create)?;
        file.write_at(0, &head.to_octets())?;
        file.sync_data()?;
        disk.sync_dir(dir)?;
        Ok(file)
    };
    // Half a head would be in the way of whoever only wants to read.
    let file = create().inspect_err(|_| drop(disk.remove(&path)))?;
    Ok((path, file))
}

/// The same, out of a file of zeros: it gets its name when its head is durable.
pub(crate) fn create_from(
    disk: &dyn Disk,
    dir: &Path,
    head: Head,
    from: &Path,
    file: Box<dyn DiskFile>,
) -> Result<(PathBuf, Box<dyn DiskFile>), Error> {
    let path = path_of(dir, head.first);
    file.write_at(0, &head.to_octets()).map_err(Error::io(from, "can't write the journal"))?;
    file.sync_data().map_err(Error::io(from, "can't sync the journal"))?;
    let renamed = disk.rename(from, &path).and_then(|()| disk.sync_dir(dir));
    renamed.map_err(Error::io(&path, "can't name a journal segment"))?;
    Ok((path, file))
}
