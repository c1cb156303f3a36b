//! Which numbers stood in the list before, and in which line: exact, in 8 octets and a little for
//! each number.
//!
//! A number has at most 50 bits. They are scattered one to one over 50 bits; the upper 16 choose a
//! small table, the other 34 are kept there beside 30 bits of the line.

use volley_core::Msisdn;

/// Bits that choose a shard, which grows as a whole.
const SHARD_BITS: u32 = 6;
/// Bits that choose a table within a shard.
const TABLE_BITS: u32 = 10;
/// Bits of a scattered number that its entry keeps.
const KEY_BITS: u32 = 50 - SHARD_BITS - TABLE_BITS;
const LINE_BITS: u32 = 64 - KEY_BITS;
/// Lines from here on are known to be earlier, and no more.
pub(crate) const MAX_LINE: u64 = (1 << LINE_BITS) - 1;
const N_TABLES: usize = 1 << TABLE_BITS;
/// Entries of a table at least.
const MIN_ENTRIES: usize = 4;

/// Numbers with their lines.
pub(crate) struct Seen {
    shards: Vec<Shard>,
}

/// Tables of the same size, one behind the other. An entry of 0 is free: lines begin with 1.
#[derive(Default)]
struct Shard {
    entries: Vec<u64>,
    n_entries: usize,
    /// Numbers in each table.
    n_used: Vec<u32>,
}

impl Seen {
    /// With room for about as many numbers; more find room too.
    pub(crate) fn with_room_for(n_numbers: u64) -> Self {
        let n_each = n_numbers >> (SHARD_BITS + TABLE_BITS);
        // The fullest of all tables has some five deviations more than the mean.
        let n_entries = n_each + 5 * n_each.isqrt() + n_each / 16;
        let n_entries = usize::try_from(n_entries).unwrap_or(MIN_ENTRIES).max(MIN_ENTRIES);
        let shards = (0..1 << SHARD_BITS).map(|_| Shard { n_entries, ..Shard::default() }).collect();
        Self { shards }
    }

    /// Has the entries of some numbers brought near before they are asked for one by one: what one
    /// waits for memory, all do, instead of each after the other.
    pub(crate) fn bring_near(&self, numbers: impl Iterator<Item = Msisdn>) {
        let entry_of = |number| {
            let (shard, table, key) = place_of(number);
            let shard = self.shards.get(shard)?;
            shard.entries.get(table * shard.n_entries + home_of(key, shard.n_entries)).copied()
        };
        std::hint::black_box(numbers.filter_map(entry_of).fold(0, |all, entry| all ^ entry));
    }

    /// The line in which this number stood before; else it is kept with its line.
    pub(crate) fn first(&mut self, msisdn: Msisdn, line: u64) -> Option<u64> {
        let (shard, table, key) = place_of(msisdn);
        self.shards.get_mut(shard)?.find_or_keep(table, key, line, false)
    }

    /// Keeps the number with this line in place of an earlier one.
    pub(crate) fn keep_last(&mut self, msisdn: Msisdn, line: u64) {
        let (shard, table, key) = place_of(msisdn);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.find_or_keep(table, key, line, true);
        }
    }

    /// The line that is kept for this number.
    pub(crate) fn line_of(&mut self, msisdn: Msisdn) -> Option<u64> {
        self.first(msisdn, MAX_LINE)
    }
}

/// Shard, table and key. Multiplying by an odd number and folding the upper half into the lower
/// can both be undone, so that no two numbers meet.
fn place_of(msisdn: Msisdn) -> (usize, usize, u64) {
    const MASK: u64 = (1 << 50) - 1;
    let mut bits = msisdn.as_u64();
    bits = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) & MASK;
    bits ^= bits >> 25;
    bits = bits.wrapping_mul(0xD6E8_FEB8_6659_FD93) & MASK;
    bits ^= bits >> 25;
    let shard = bits >> (50 - SHARD_BITS);
    let table = bits >> KEY_BITS & (N_TABLES as u64 - 1);
    (shard as usize, table as usize, bits & ((1 << KEY_BITS) - 1))
}

impl Shard {
    fn find_or_keep(&mut self, table: usize, key: u64, line: u64, replace: bool) -> Option<u64> {
        if self.entries.is_empty() {
            self.entries = vec![0; N_TABLES * self.n_entries];
            self.n_used = vec![0; N_TABLES];
        }
        let start = table * self.n_entries;
        let entries = self.entries.get_mut(start..start + self.n_entries)?;
        let (at, found) = search(entries, key);
        let entry = entries.get_mut(at)?;
        let new = key << LINE_BITS | line.clamp(1, MAX_LINE);
        if found {
            let before = *entry & MAX_LINE;
            if replace {
                *entry = new;
            }
            return Some(before);
        }
        *entry = new;
        let n_used = self.n_used.get_mut(table)?;
        *n_used += 1;
        // One entry stays free: it ends every search.
        if *n_used as usize + 1 + self.n_entries / 16 >= self.n_entries {
            self.grow();
        }
        None
    }

    /// An eighth more for each table. Only one shard is there twice meanwhile.
    fn grow(&mut self) {
        let n_entries = self.n_entries + self.n_entries / 8 + 4;
        let mut entries = vec![0; N_TABLES * n_entries];
        for (old, new) in self.entries.chunks_exact(self.n_entries).zip(entries.chunks_exact_mut(n_entries)) {
            for entry in old.iter().filter(|entry| **entry != 0) {
                let (at, _) = search(new, entry >> LINE_BITS);
                new.get_mut(at).into_iter().for_each(|free| *free = *entry);
            }
        }
        self.entries = entries;
        self.n_entries = n_entries;
    }
}

/// Where the search for a key begins.
const fn home_of(key: u64, n_entries: usize) -> usize {
    (key.wrapping_mul(n_entries as u64) >> KEY_BITS) as usize
}

/// Where the key's entry is, or the free one where it belongs.
fn search(entries: &[u64], key: u64) -> (usize, bool) {
    let home = home_of(key, entries.len());
    let (before, from) = entries.split_at_checked(home).unwrap_or_default();
    let is_end = |entry: &u64| *entry == 0 || entry >> LINE_BITS == key;
    let at = match from.iter().position(is_end) {
        Some(at) => home + at,
        None => before.iter().position(is_end).unwrap_or(0),
    };
    (at, entries.get(at).is_some_and(|entry| *entry != 0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Against a plain map, whatever was promised of the size.
    #[test]
    fn it_is_exact_at_any_size() {
        for (room, n, dense) in [(0, 300_000_u64, true), (300_000, 300_000, false), (1_000_000_000, 1_000, true)] {
            let mut seen = Seen::with_room_for(if room > 1_000_000 { 5_000_000 } else { room });
            let mut known = HashMap::new();
            let mut random = 42_u64;
            for line in 1..=n {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = match dense {
                    true => 4_915_100_000_000 + (random >> 33) % (n / 2),
                    false => 1_000_000 + (random >> 8) % 999_999_998_000_000,
                };
                let msisdn = Msisdn::from_u64(number).unwrap();
                let before = *known.entry(number).or_insert(line);
                assert_eq!(seen.first(msisdn, line), (before != line).then_some(before), "{number}");
            }
        }
    }

    #[test]
    fn no_two_numbers_share_a_place() {
        let numbers = (0..200_000_u64).map(|n| 1_000_000 + n * 4_999_999);
        let mut places: Vec<_> = numbers.filter_map(Msisdn::from_u64).map(place_of).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 200_000);
    }

    #[test]
    fn the_last_line_replaces_the_first() {
        let mut seen = Seen::with_room_for(10);
        let msisdn = Msisdn::from_u64(4_915_112_345_678).unwrap();
        seen.keep_last(msisdn, 2);
        seen.keep_last(msisdn, 9);
        assert_eq!(seen.line_of(msisdn), Some(9));
        seen.keep_last(msisdn, u64::MAX);
        assert_eq!(seen.line_of(msisdn), Some(MAX_LINE));
    }
}
