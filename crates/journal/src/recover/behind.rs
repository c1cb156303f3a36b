//! What lies behind a broken record: a torn write, or damage in the middle of what was durable.

use std::{
    io::{self, Read as _},
    path::Path,
};

use crate::{
    Error, Sequence,
    disk::{Access, Disk, Forward},
    frame::{HEADER, Header, VERSION},
};

/// How far ahead a sequence number may lie; a random one nearly never does.
const SEQUENCES_AHEAD: u64 = 1 << 24;

/// What lies in a segment from some octet on.
pub(crate) struct Behind {
    octets: Vec<u8>,
    /// Up to the last one that isn't zero: what comes then was never written.
    n_octets: usize,
}

impl Behind {
    pub(crate) fn read(disk: &dyn Disk, path: &Path, offset: u64) -> Result<Self, Error> {
        let read = || -> io::Result<_> {
            let mut octets = Vec::new();
            Forward::new(disk.open(path, Access::Read)?, offset).read_to_end(&mut octets)?;
            Ok(octets)
        };
        let octets = read().map_err(Error::io(path, "can't read"))?;
        let n_octets = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        Ok(Self { octets, n_octets })
    }

    /// Octets up to the last that isn't zero.
    pub(crate) const fn n_octets(&self) -> u64 {
        self.n_octets as u64
    }

    /// Whether a whole record numbered `from` or higher lies anywhere in them, but not at once.
    pub(crate) fn holds_whole_record(&self, from: u64) -> bool {
        (1..self.n_octets).any(|at| self.octets.get(at..).is_some_and(|octets| is_whole_record(octets, from)))
    }
}

fn is_whole_record(octets: &[u8], from: u64) -> bool {
    let Some((head, behind)) = octets.split_first_chunk::<HEADER>() else { return false };
    let header = Header::parse(head);
    let Sequence(sequence) = header.sequence;
    header.version == VERSION
        && (from..from + SEQUENCES_AHEAD).contains(&sequence)
        && header.has_possible_len()
        && behind.get(..header.payload_len as usize).is_some_and(|payload| header.has_right_checksum(head, payload))
}
