//! How many segments each row was approved with. A list whose rows all have the same number needs no
//! file; else `segments.bin` holds one octet for each row that can be sent.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use volley_core::CHUNK_ROWS;
use volley_ingest::Frozen;

use crate::{Error, seal::SEGMENTS};

/// Where planned segments come from.
pub(crate) enum PlannedSegments {
    /// All rows have so many; 0 where it is not known.
    Same(u8),
    /// One octet a row.
    File(File),
}

/// One chunk's segments.
#[derive(Default)]
pub(crate) struct SegmentsChunk {
    same: u8,
    each: Vec<u8>,
}

impl SegmentsChunk {
    /// Of the row at `offset`.
    pub(crate) fn of(&self, offset: u16) -> u8 {
        self.each.get(usize::from(offset)).copied().unwrap_or(self.same)
    }
}

impl PlannedSegments {
    pub(crate) fn open(folder: &Path, frozen: &Frozen) -> Result<Self, Error> {
        if let Some(same) = same(frozen) {
            return Ok(Self::Same(same));
        }
        let path = folder.join(SEGMENTS);
        match File::open(&path) {
            Ok(file) => Ok(Self::File(file)),
            // A campaign of a version before this file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Same(0)),
            Err(source) => Err(Error::Io { path, action: "can't open the planned segments", source }),
        }
    }

    pub(crate) const fn is_known(&self) -> bool {
        match self {
            Self::Same(n) => *n > 0,
            Self::File(_) => true,
        }
    }

    /// Reads the segments of chunk `number`.
    pub(crate) fn read(&self, number: u32, chunk: &mut SegmentsChunk) -> Result<(), Error> {
        chunk.each.clear();
        match self {
            Self::Same(same) => chunk.same = *same,
            Self::File(file) => {
                chunk.each.resize(CHUNK_ROWS as usize, 0);
                let start = u64::from(number) * u64::from(CHUNK_ROWS);
                let failed =
                    |source| Error::Io { path: SEGMENTS.into(), action: "can't read the planned segments", source };
                // The last chunk is shorter.
                let mut filled = 0;
                while let Some(rest) = chunk.each.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                    match file.read_at(rest, start + filled as u64).map_err(failed)? {
                        0 => break,
                        n => filled += n,
                    }
                }
            }
        }
        Ok(())
    }
}

/// What all rows have, if they have the same.
pub(crate) fn same(frozen: &Frozen) -> Option<u8> {
    let mut numbers = frozen.by_segments.keys().copied();
    numbers.next().filter(|_| numbers.next().is_none())
}
