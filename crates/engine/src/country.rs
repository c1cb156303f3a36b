//! Countries by name, for prices and reports. Which one a number belongs to stands in its row of the
//! frozen list.

use std::{fmt, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use volley_ingest::{PlanRow, number};

const TABLE: &str = include_str!("../data/countries.txt");
const NONE: u8 = u8::MAX;

/// A country or territory with telephone numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(u8);

struct Entry {
    code: &'static str,
    name: &'static str,
}

struct Countries {
    entries: Vec<Entry>,
    /// By the number that rows have ([`number::Country::index`]); [`NONE`] for no country.
    of_rows: Vec<u8>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let entries: Vec<_> =
        lines.filter_map(|line| line.split_once(' ')).map(|(code, name)| Entry { code, name }).collect();
    let mut of_rows = vec![NONE; usize::from(number::Country::NON_GEOGRAPHIC.index()) + 1];
    for (entry, index) in entries.iter().zip(0..NONE) {
        let at = number::Country::from_code(entry.code).map_or(0, |country| usize::from(country.index()));
        of_rows.get_mut(at).into_iter().for_each(|known| *known = index);
    }
    Countries { entries, of_rows }
});

impl Country {
    /// The country of a row of a frozen list, also of one whose number was erased; none for numbers
    /// that belong to no country.
    #[must_use]
    pub(crate) fn of_row(row: &PlanRow<'_>) -> Option<Self> {
        let index = *COUNTRIES.of_rows.get(usize::from(row.country.index()))?;
        (index != NONE).then_some(Self(index))
    }

    /// The country with this ISO 3166 code, in capital letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let at = COUNTRIES.entries.binary_search_by(|entry| entry.code.cmp(code)).ok()?;
        Some(Self(at as u8))
    }

    /// Its ISO 3166 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.entry().map_or("", |entry| entry.code)
    }

    /// Its name in English.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().map_or("", |entry| entry.name)
    }

    /// A small number of its own, below 256.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// The country with this number.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        let index = u8::try_from(index).ok().map(Self)?;
        index.entry().map(|_| index)
    }

    fn entry(self) -> Option<&'static Entry> {
        COUNTRIES.entries.get(usize::from(self.0))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| {
            let hint = "write two capital letters (ISO 3166), such as DE";
            serde::de::Error::custom(format!("`{code}` is no country with telephone numbers: {hint}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_lead_back() {
        let codes: Vec<_> = COUNTRIES.entries.iter().map(|entry| entry.code).collect();
        assert!(codes.is_sorted() && codes.len() > 230 && codes.len() < usize::from(NONE));
        assert!(codes.iter().all(|code| Country::from_code(code).is_some_and(|country| country.code() == *code)));
        assert_eq!(Country::from_code("DE").map(Country::name), Some("Germany"));
        assert_eq!((Country::from_code("de"), Country::from_code("ZZ")), (None, None));
    }

    /// Every country that a row may have has a name here, and leads to itself.
    #[test]
    fn every_country_of_the_library_has_a_name() {
        let (mut n_valid, mut random) = (0, 1_u64);
        for _ in 0..40_000 {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let digits = format!("+{}{:08}", 1 + (random >> 33) % 999, (random >> 13) % 100_000_000);
            let Ok(read) = number::normalise(&digits, None) else { continue };
            let Some(region) = read.region().filter(|region| read.is_valid() && region.len() == 2) else { continue };
            n_valid += 1;
            let row = number::Country::from_code(&region).map_or(0, |country| usize::from(country.index()));
            let found = COUNTRIES.of_rows.get(row).and_then(|index| Country::from_index(usize::from(*index)));
            assert_eq!(found.map(Country::code), Some(region.as_str()), "{digits}");
        }
        assert!(n_valid > 3_000, "{n_valid} valid numbers");
    }
}
