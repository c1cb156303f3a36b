//! Time zones by the leading digits of a number.

use std::sync::LazyLock;

const DATA: &str = include_str!("../../data/time-zones.txt");

/// The time zones that a number may be in: a small number for a set of IANA names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ZoneSet(u16);

impl ZoneSet {
    /// IANA names; none where nothing is known.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        usize::from(self.0).checked_sub(1).and_then(|at| ZONES.sets.get(at)).map_or(&[], Vec::as_slice)
    }

    /// From [`ZoneSet::index`] of this version.
    pub(crate) const fn from_index(index: u16) -> Self {
        Self(index)
    }

    /// As plans store it: 0 where nothing is known. Other versions may number the sets otherwise.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0
    }
}

/// A tree over digits.
struct Zones {
    /// For each node the next by digit, 0 where no prefix goes on; the root is node 0.
    next: Vec<[u16; 10]>,
    /// The set of the prefix that ends at a node.
    at: Vec<ZoneSet>,
    sets: Vec<Vec<&'static str>>,
}

static ZONES: LazyLock<Zones> = LazyLock::new(|| {
    let mut zones = Zones { next: vec![[0; 10]], at: vec![ZoneSet::default()], sets: Vec::new() };
    for line in DATA.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        zones.sets.push(words.next().unwrap_or_default().split('&').collect());
        let set = ZoneSet(zones.sets.len() as u16);
        words.for_each(|prefix| zones.add(prefix.as_bytes(), set));
    }
    zones
});

impl Zones {
    fn add(&mut self, prefix: &[u8], set: ZoneSet) {
        let mut node = 0;
        for digit in prefix {
            let n_nodes = self.next.len() as u16;
            let Some(next) = self.next.get_mut(node).and_then(|next| next.get_mut(digit_of(*digit))) else { return };
            if *next == 0 {
                *next = n_nodes;
                self.next.push([0; 10]);
                self.at.push(ZoneSet::default());
            }
            node = usize::from(*self.next.get(node).and_then(|next| next.get(digit_of(*digit))).unwrap_or(&0));
        }
        self.at.get_mut(node).into_iter().for_each(|at| *at = set);
    }
}

fn digit_of(octet: u8) -> usize {
    usize::from(octet.wrapping_sub(b'0'))
}

/// Whether a time zone is one that numbers are known to be in, or UTC.
#[must_use]
pub fn is_time_zone(name: &str) -> bool {
    name == "UTC" || name.contains('/') && ZONES.sets.iter().flatten().any(|zone| *zone == name)
}

/// The zones of the longest prefix of these digits.
pub(super) fn of_digits(digits: &[u8]) -> ZoneSet {
    let zones = &*ZONES;
    let (mut node, mut longest) = (0, ZoneSet::default());
    for digit in digits {
        node = match zones.next.get(node).and_then(|next| next.get(digit_of(*digit))) {
            Some(next) if *next != 0 => usize::from(*next),
            Some(_) | None => break,
        };
        match zones.at.get(node) {
            Some(set) if *set != ZoneSet::default() => longest = *set,
            Some(_) | None => {}
        }
    }
    longest
}

/// The zones of the country whose code these digits begin with.
pub(super) fn of_country_code(digits: &[u8]) -> ZoneSet {
    let n_code = super::ranges::split_code(digits).map_or(0, |(_, national)| digits.len() - national.len());
    of_digits(digits.get(..n_code).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_counts() {
        assert_eq!(of_digits(b"12025550143").names(), ["America/New_York"]);
        assert_eq!(of_digits(b"4930123456").names(), ["Europe/Berlin"]);
        assert!(of_digits(b"7").names().len() > 10 && of_digits(b"74951234567").names() == ["Europe/Moscow"]);
        assert_eq!(of_digits(b"999").names(), [""; 0]);
        assert_eq!(of_country_code(b"4915112345678").names(), ["Europe/Berlin"]);
    }

    #[test]
    fn the_data_is_read_whole() {
        let n_prefixes = ZONES.at.iter().filter(|set| **set != ZoneSet::default()).count();
        assert_eq!((n_prefixes, ZONES.sets.len()), (3240, 315));
        assert!(ZONES.sets.iter().flatten().all(|zone| zone.contains('/')));
    }
}
