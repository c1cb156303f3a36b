//! One pass over a frozen list on all cores, making every message as it will be sent.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use volley_core::{CHUNK_ROWS, UnixMicros};
use volley_ingest::{Plan, PlanChunk, PlanRow};
use volley_reconciler::SuppressCause;
use volley_smpp::text::{Encoding, Segments, Smart};

use super::{
    groups::{GroupCache, Groups},
    tally::{Load, MostParts, Tally},
};
use crate::{
    Error,
    country::Country,
    inspect::encoding_name,
    numbers::Suppressed,
    parallel,
    seal::SEGMENTS,
    segments,
    text::{Composed, HOLD_OUT, MessageFormat},
};

/// How rows are looked at.
pub(crate) struct Survey<'a, 'g> {
    pub(crate) format: &'a MessageFormat,
    pub(crate) suppressed: &'a Suppressed,
    /// When suppression entries must hold.
    pub(crate) now: UnixMicros,
    pub(crate) groups: &'a Groups<'g>,
}

/// What one thread uses again.
#[derive(Default)]
struct Scratch {
    chunk: PlanChunk,
    composed: Composed,
    otherwise: Segments,
    forcing: Vec<char>,
    groups: GroupCache,
}

impl Survey<'_, '_> {
    /// Counts all rows of the plan in `folder`, and writes the segments of each where they differ.
    /// `progress` hears rows done and all rows.
    pub(crate) fn take(&self, folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Tally, Error> {
        let plan = Plan::open(folder)?;
        let mut file = SegmentsFile::create(folder, segments::same(plan.frozen()).is_none())?;
        let make = |number: u32, scratch: &mut Scratch| self.chunk(&plan, number, scratch);
        let (mut tally, mut n_rows) = (Tally::default(), 0);
        parallel::in_order(plan.n_chunks(), make, |(of_rows, counted): (Vec<u8>, Tally)| {
            file.write(&of_rows)?;
            tally.merge(counted);
            n_rows += of_rows.len() as u64;
            progress(n_rows, plan.n_valid().into());
            Ok(())
        })?;
        file.finish()?;
        Ok(tally)
    }

    fn chunk(&self, plan: &Plan, number: u32, scratch: &mut Scratch) -> Result<(Vec<u8>, Tally), Error> {
        let mut chunk = std::mem::take(&mut scratch.chunk);
        plan.read_chunk(number, &mut chunk)?;
        let mut tally = Tally::default();
        let of_rows = (0..CHUNK_ROWS as u16).map_while(|offset| chunk.row(offset));
        let of_rows = of_rows.map(|row| self.row(plan, &row, scratch, &mut tally)).collect();
        scratch.chunk = chunk;
        Ok((of_rows, tally))
    }

    /// Counts a row, and gives its segments.
    fn row(&self, plan: &Plan, row: &PlanRow<'_>, scratch: &mut Scratch, tally: &mut Tally) -> u8 {
        let composed = &mut scratch.composed;
        // It was composed before, when the list was checked.
        let _ = self.format.compose(row.variant, |index| row.field(index), composed);
        let parts = u8::try_from(composed.segments.len()).unwrap_or(u8::MAX);
        if let Some(cause) = self.cause(row) {
            *tally.suppressed.entry(cause).or_default() += 1;
            return parts;
        }
        let group = self.groups.of_row(plan, row, &mut scratch.groups);
        if group.is_closed {
            tally.outside_windows += 1;
            return parts;
        }
        let country = Country::of_row(row);
        *tally.by_country.entry((country, parts)).or_default() += 1;
        tally.see_most(MostParts { parts, line: row.line });
        let load = Load { rows: 1, segments: parts.into() };
        let name = encoding_name(composed.segments.encoding(), self.format.segments.alphabet);
        tally.by_alphabet.entry(name).or_default().add(load);
        if composed.segments.encoding() != Encoding::Default || composed.segments.is_simplified() {
            self.otherwise(country, scratch, tally);
        }
        tally.by_group.entry(group.index).or_default().add(load);
        parts
    }

    fn cause(&self, row: &PlanRow<'_>) -> Option<SuppressCause> {
        let held = (row.variant == HOLD_OUT).then_some(SuppressCause::HoldOut);
        row.msisdn.and_then(|number| self.suppressed.cause(number, self.now)).or(held)
    }

    /// A message that is not in the default alphabet as it stands: why, and what other levels of
    /// smart encoding would make of it.
    fn otherwise(&self, country: Option<Country>, scratch: &mut Scratch, tally: &mut Tally) {
        let Scratch { composed, otherwise, forcing, .. } = scratch;
        let segments = &composed.segments;
        if segments.encoding() == Encoding::Ucs2 {
            forcing.clear();
            let alphabet = self.format.segments.alphabet;
            for c in segments.text(&composed.text).chars().filter(|c| !alphabet.has(*c)) {
                if !forcing.contains(&c) {
                    forcing.push(c);
                }
            }
            forcing.iter().for_each(|c| *tally.forcing.entry(*c).or_default() += 1);
        }
        let (is_ucs2, n_segments) = (i64::from(composed.is_ucs2()), segments.len() as i64);
        for (level, sums) in Smart::ALL.into_iter().zip(&mut tally.smart) {
            if level == self.format.segments.smart {
                continue;
            }
            self.format.cut_at(composed, level, otherwise);
            sums.ucs2_rows += i64::from(otherwise.encoding() == Encoding::Ucs2) - is_ucs2;
            let more = otherwise.len() as i64 - n_segments;
            if more != 0 {
                *sums.segments.entry(country).or_default() += more;
            }
        }
    }
}

/// `segments.bin`, where rows differ in their segments.
struct SegmentsFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl SegmentsFile {
    fn create(folder: &Path, is_needed: bool) -> Result<Self, Error> {
        let path = folder.join(SEGMENTS);
        let file = match is_needed {
            true => File::create(&path).map(|file| Some(BufWriter::new(file))),
            // What an earlier check of another text left there.
            false => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(None),
            },
        };
        let file = file.map_err(failed(&path))?;
        Ok(Self { path, file })
    }

    fn write(&mut self, of_rows: &[u8]) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(of_rows).map_err(failed(&self.path))
    }

    fn finish(self) -> Result<(), Error> {
        let Some(mut file) = self.file else { return Ok(()) };
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, action: "can't write the planned segments", source }
}
