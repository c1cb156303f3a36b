//! Segment files: their names and heads.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    Error, Sequence,
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
pub(crate) fn list(dir: &Path) -> Result<Vec<(Sequence, PathBuf)>, Error> {
    let failed = |source| Error::Io { path: dir.to_owned(), action: "can't list the journal", source };
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".journal"));
        if let Some(first) = name.and_then(|digits| digits.parse().ok()) {
            segments.push((Sequence(first), path));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Creates a segment so that it survives a power cut: its head and its name in the folder.
pub(crate) fn create(dir: &Path, head: Head) -> Result<(PathBuf, File), Error> {
    let path = path_of(dir, head.first);
    let create = || -> io::Result<File> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        file.write_all(&head.to_octets())?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(file)
    };
    let file = create().map_err(Error::io(&path, "can't create a journal segment"))?;
    Ok((path, file))
}
