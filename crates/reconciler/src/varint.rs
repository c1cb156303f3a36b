//! Variable-length integers (LEB128) and length-prefixed octets, for records and packed chunks.

/// Reads from a slice; every method gives `None` when the octets run out or make no sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.octets(2)?.try_into().ok()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let octet = self.u8()?;
            value |= u64::from(octet & 0x7F) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.u64()?).ok()
    }

    pub(crate) fn usize(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        let value = self.u64()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn octets(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    /// Octets with their length before them.
    pub(crate) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let n = self.usize()?;
        self.octets(n)
    }
}

pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, (value << 1 ^ value >> 63).cast_unsigned());
}

pub(crate) fn put_prefixed(out: &mut Vec<u8>, octets: &[u8]) {
    put_u64(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64, octets: Vec<u8>) {
            let mut out = Vec::new();
            put_u64(&mut out, unsigned);
            put_i64(&mut out, signed);
            put_prefixed(&mut out, &octets);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.u64(), Some(unsigned));
            prop_assert_eq!(cursor.i64(), Some(signed));
            prop_assert_eq!(cursor.prefixed(), Some(octets.as_slice()));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_octets_are_read_without_panic(octets: Vec<u8>) {
            let mut cursor = Cursor::new(&octets);
            while cursor.prefixed().is_some() {}
            let _ = (cursor.i64(), cursor.u16(), cursor.u32());
        }
    }
}
