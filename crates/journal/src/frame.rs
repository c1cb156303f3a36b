//! One record on disk.
//!
//! | octets | field |
//! |---|---|
//! | 4 | length of the payload |
//! | 4 | CRC32C of everything behind it, payload included |
//! | 1 | format version |
//! | 3 | zero |
//! | 4 | epoch |
//! | 8 | sequence |
//! | 16 | chain: of the record before, this header and the payload |
//! | n | payload |
//!
//! All numbers are little-endian.

use sha2::{Digest, Sha256};

use crate::{MAX_RECORD_BYTES, Sequence};

/// Format version of records and segment heads.
pub(crate) const VERSION: u8 = 1;
/// Octets before the payload.
pub(crate) const HEADER: usize = 40;

/// A hash of everything up to a record: 16 octets of SHA-256.
pub(crate) type Chain = [u8; 16];

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_len: u32,
    crc: u32,
    pub(crate) version: u8,
    pub(crate) epoch: u32,
    pub(crate) sequence: Sequence,
    chain: Chain,
}

impl Header {
    pub(crate) fn parse(octets: &[u8; HEADER]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes(take(octets, at));
        Self {
            payload_len: u32_at(0),
            crc: u32_at(4),
            version: take::<1>(octets, 8)[0],
            epoch: u32_at(12),
            sequence: Sequence(u64::from_le_bytes(take(octets, 16))),
            chain: take(octets, 24),
        }
    }

    /// Why this can't be the record after (`sequence`, `chain`), or the chain behind it.
    pub(crate) fn check(
        &self,
        octets: &[u8; HEADER],
        payload: &[u8],
        expected: Expected,
    ) -> Result<Chain, &'static str> {
        if !self.has_right_checksum(octets, payload) {
            return Err("wrong checksum");
        }
        if self.sequence != expected.sequence {
            return Err("wrong sequence number");
        }
        if self.epoch < expected.epoch {
            return Err("an older epoch");
        }
        if chain_of(expected.chain, self.epoch, self.sequence, payload) != self.chain {
            return Err("wrong chain");
        }
        Ok(self.chain)
    }

    pub(crate) fn has_right_checksum(&self, octets: &[u8; HEADER], payload: &[u8]) -> bool {
        let (_, covered) = octets.split_at(8);
        crc32c::crc32c_append(crc32c::crc32c(covered), payload) == self.crc
    }

    /// Whether the length can be a record's.
    pub(crate) const fn has_possible_len(&self) -> bool {
        self.payload_len > 0 && self.payload_len <= MAX_RECORD_BYTES
    }
}

/// What the next record must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) sequence: Sequence,
    pub(crate) epoch: u32,
    pub(crate) chain: Chain,
}

/// Appends a record to `out` and gives the chain behind it.
pub(crate) fn put(out: &mut Vec<u8>, previous: Chain, epoch: u32, sequence: Sequence, payload: &[u8]) -> Chain {
    let chain = chain_of(previous, epoch, sequence, payload);
    let start = out.len();
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend([0; 4]);
    out.extend([VERSION, 0, 0, 0]);
    out.extend(epoch.to_le_bytes());
    out.extend(sequence.0.to_le_bytes());
    out.extend(chain);
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(out.get(start + 8..).unwrap_or_default());
    if let Some(place) = out.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
    chain
}

fn chain_of(previous: Chain, epoch: u32, sequence: Sequence, payload: &[u8]) -> Chain {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(epoch.to_le_bytes());
    hash.update(sequence.0.to_le_bytes());
    hash.update(payload);
    take(&hash.finalize(), 0)
}

/// `N` octets at `at`; zeros beyond the end, which no caller asks for.
pub(crate) fn take<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    octets.get(at..at + N).and_then(|slice| slice.try_into().ok()).unwrap_or([0; N])
}
