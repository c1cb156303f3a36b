//! How many segments each row was approved with. A list whose rows all have the same number needs no
//! file; else `segments.bin` holds one octet for each row that can be sent.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use volley_core::CHUNK_ROWS;
use volley_ingest::{Frozen, Plan, PlanChunk};

use crate::{
    Error,
    cost::{NO_COUNTRY, SegmentsByCountry},
    country::Country,
    seal::SEGMENTS,
    text::{Composed, MessageFormat},
};

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
fn same(frozen: &Frozen) -> Option<u8> {
    let mut numbers = frozen.by_segments.keys().copied();
    numbers.next().filter(|_| numbers.next().is_none())
}

/// Reads the frozen list once more: segments by country, and the file where rows differ.
pub(crate) fn write(folder: &Path, format: &MessageFormat) -> Result<SegmentsByCountry, Error> {
    let plan = Plan::open(folder)?;
    let path = folder.join(SEGMENTS);
    let failed = |source| Error::Io { path: path.clone(), action: "can't write the planned segments", source };
    let same = same(plan.frozen());
    let mut file = match same {
        // What an earlier check of another text left there.
        Some(_) => {
            let removed = std::fs::remove_file(&path);
            removed
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(failed(error)) })?;
            None
        }
        None => Some(BufWriter::new(File::create(&path).map_err(failed)?)),
    };
    let mut by_country = vec![0_u64; usize::from(u8::MAX) + 1];
    let mut chunk = PlanChunk::default();
    let mut composed = Composed::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk)?;
        for row in (0..CHUNK_ROWS as u16).map_while(|offset| chunk.row(offset)) {
            let n_segments = match same {
                Some(same) => same,
                None => {
                    // It was composed before, when the list was checked.
                    let _ = format.compose(row.variant, |index| row.field(index), &mut composed);
                    u8::try_from(composed.segments.len()).unwrap_or(u8::MAX)
                }
            };
            let country = Country::of_row(&row).map_or(usize::from(u8::MAX), Country::as_usize);
            if let Some(sum) = by_country.get_mut(country) {
                *sum += u64::from(n_segments);
            }
            if let Some(file) = &mut file {
                file.write_all(&[n_segments]).map_err(failed)?;
            }
        }
    }
    if let Some(mut file) = file {
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed)?;
    }
    let code = |index: usize| Country::from_index(index).map_or(NO_COUNTRY, Country::code).to_owned();
    let counted = by_country.into_iter().enumerate().filter(|(_, n_segments)| *n_segments > 0);
    Ok(counted.map(|(index, n_segments)| (code(index), n_segments)).collect())
}
