//! Reads journals for itself: which whole records lie on the platter. It shares no code with the
//! journal: a record is whole when its octets are those that were once written under its number.

use std::{collections::BTreeMap, path::Path};

/// Octets before a segment's first record, and before a record's payload (format 1).
const HEAD: usize = 40;
const HEADER: usize = 40;

/// Everything that was ever handed to the disk as a record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(BTreeMap<u64, Vec<Vec<u8>>>);

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its number.
    pub(crate) sequence: u64,
    /// Header and payload.
    pub(crate) frame: Vec<u8>,
}

impl Seen {
    /// What was appended.
    #[must_use]
    pub(crate) fn payload(&self) -> &[u8] {
        self.frame.get(HEADER..).unwrap_or_default()
    }
}

fn number(octets: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(octets.get(at..at + 8)?.try_into().ok()?))
}

/// The frame at the head of `octets`, and its number.
fn frame(octets: &[u8]) -> Option<(u64, &[u8])> {
    let len = u32::from_le_bytes(octets.get(..4)?.try_into().ok()?) as usize;
    if len == 0 {
        return None;
    }
    Some((number(octets, 16)?, octets.get(..HEADER + len)?))
}

impl Written {
    /// Remembers the records in what is about to be written.
    pub(crate) fn learn(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some((sequence, frame)) = frame(rest) {
            let known = self.0.entry(sequence).or_default();
            if !known.iter().any(|known| known == frame) {
                known.push(frame.to_vec());
            }
            rest = rest.get(frame.len()..).unwrap_or_default();
        }
    }

    /// The whole records of these files, as far as they follow each other.
    pub(crate) fn read<'a>(&self, files: impl Iterator<Item = (&'a Path, &'a [u8])>) -> Vec<Seen> {
        let mut seen: Vec<Seen> = Vec::new();
        for (_, octets) in files.filter(|(path, _)| is_segment(path)) {
            let mut rest = octets.get(HEAD..).unwrap_or_default();
            while let Some((sequence, frame)) = frame(rest) {
                let is_next = seen.last().is_none_or(|last| last.sequence + 1 == sequence);
                let is_whole = self.0.get(&sequence).is_some_and(|known| known.iter().any(|known| known == frame));
                if !is_next || !is_whole {
                    break;
                }
                seen.push(Seen { sequence, frame: frame.to_vec() });
                rest = rest.get(frame.len()..).unwrap_or_default();
            }
        }
        seen
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "journal")
}
