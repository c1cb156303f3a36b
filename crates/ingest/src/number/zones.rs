//! Time zones by the leading digits of a number.

use std::sync::LazyLock;

const DATA: &str = include_str!("../../data/time-zones.txt");

/// Digits of the longest prefix.
const LONGEST: u32 = 9;

struct Zones {
    /// Prefix and place in `sets`, in order of prefixes. No country code begins with a zero, so
    /// that prefixes of different lengths are different numbers.
    prefixes: Vec<(u32, u16)>,
    sets: Vec<Vec<&'static str>>,
}

static ZONES: LazyLock<Zones> = LazyLock::new(|| {
    let mut zones = Zones { prefixes: Vec::new(), sets: Vec::new() };
    for line in DATA.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        zones.sets.push(words.next().unwrap_or_default().split('&').collect());
        let set = (zones.sets.len() - 1) as u16;
        zones.prefixes.extend(words.filter_map(|prefix| Some((prefix.parse().ok()?, set))));
    }
    zones.prefixes.sort_unstable();
    zones
});

/// The zones of the longest prefix of these digits (a whole number or a country code); none when
/// no prefix is known.
pub(super) fn of_digits(digits: &str) -> &'static [&'static str] {
    let zones = &*ZONES;
    (1..=LONGEST as usize)
        .rev()
        .filter_map(|n| digits.get(..n)?.parse::<u32>().ok())
        .find_map(|prefix| {
            let at = zones.prefixes.binary_search_by_key(&prefix, |(known, _)| *known).ok()?;
            zones.sets.get(usize::from(zones.prefixes.get(at)?.1))
        })
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_counts() {
        assert_eq!(of_digits("12025550143"), ["America/New_York"]);
        assert_eq!(of_digits("4930123456"), ["Europe/Berlin"]);
        assert!(of_digits("7").len() > 10 && of_digits("74951234567") == ["Europe/Moscow"]);
        assert_eq!(of_digits("999"), [""; 0]);
    }

    #[test]
    fn the_data_is_read_whole() {
        assert_eq!((ZONES.prefixes.len(), ZONES.sets.len()), (3240, 315));
        assert!(ZONES.sets.iter().flatten().all(|zone| zone.contains('/')));
        assert!(ZONES.prefixes.iter().all(|(prefix, _)| *prefix < 10_u32.pow(LONGEST)));
    }
}
