//! The country of a number, by its prefix: for prices and reports, where looking up its whole range
//! would cost more than writing the row.

use std::{fmt, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use volley_core::Msisdn;
use volley_ingest::PlanRow;

const TABLE: &str = include_str!("../data/countries.txt");

/// Leading digits that the first step looks at; few countries need more.
const N_LEADING: u32 = 4;
const NONE: u8 = u8::MAX;

/// A country or territory with a telephone prefix of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(u8);

struct Entry {
    code: &'static str,
    name: &'static str,
}

struct Countries {
    entries: Vec<Entry>,
    /// By the leading four digits; [`NONE`] where no country begins so.
    by_leading: Vec<u8>,
    /// By the same: whether a longer prefix could decide.
    has_deep: Vec<bool>,
    /// Longer prefixes, with their number of digits.
    deep: Vec<(u64, u32, u8)>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let mut countries = Countries {
        entries: Vec::new(),
        by_leading: vec![NONE; 10_000],
        has_deep: vec![false; 10_000],
        deep: Vec::new(),
    };
    let mut prefixes = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.splitn(3, ' ');
        let (Some(code), Some(its), Some(name)) = (words.next(), words.next(), words.next()) else { continue };
        let index = countries.entries.len() as u8;
        prefixes.extend(its.split(',').filter_map(|digits| Some((digits.parse().ok()?, digits.len() as u32, index))));
        countries.entries.push(Entry { code, name });
    }
    prefixes.sort_by_key(|(_, n_digits, _)| *n_digits);
    for (prefix, n_digits, index) in prefixes {
        match N_LEADING.checked_sub(n_digits) {
            // A longer prefix comes later and overwrites what a shorter one said.
            Some(n_free) => {
                let (first, n) = (prefix as usize * 10_usize.pow(n_free), 10_usize.pow(n_free));
                countries.by_leading.iter_mut().skip(first).take(n).for_each(|known| *known = index);
            }
            None => {
                let first = prefix / 10_u64.pow(n_digits - N_LEADING);
                countries.has_deep.iter_mut().skip(first as usize).take(1).for_each(|known| *known = true);
                countries.deep.push((prefix, n_digits, index));
            }
        }
    }
    countries.deep.reverse();
    countries
});

impl Country {
    /// The country whose prefix the number has.
    #[must_use]
    pub fn of(number: Msisdn) -> Option<Self> {
        let n_digits = number.as_u64().ilog10() + 1;
        let leading = |n: u32| number.as_u64() / 10_u64.pow(n_digits.saturating_sub(n));
        let countries = &*COUNTRIES;
        let four = leading(N_LEADING) as usize;
        let mut index = *countries.by_leading.get(four)?;
        if countries.has_deep.get(four) == Some(&true) {
            let deeper = countries.deep.iter().find(|(prefix, n, _)| leading(*n) == *prefix);
            index = deeper.map_or(index, |(_, _, index)| *index);
        }
        (index != NONE).then_some(Self(index))
    }

    /// The country of a row of a frozen list, also of one whose number was erased.
    #[must_use]
    pub(crate) fn of_row(row: &PlanRow<'_>) -> Option<Self> {
        match row.msisdn {
            Some(number) => Self::of(number),
            None => Self::from_code(&row.country.code()?),
        }
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
    use volley_ingest::number;

    #[track_caller]
    fn check(digits: &str, code: &str) {
        let found = Msisdn::from_digits(digits.as_bytes()).and_then(Country::of);
        assert_eq!(found.map_or("", Country::code), code, "{digits}");
    }

    #[test]
    fn the_longest_prefix_decides() {
        for (digits, code) in [
            ("4915112345678", "DE"),
            ("447700900123", "GB"),
            ("447781123456", "GG"),
            ("441534123456", "JE"),
            ("12025550123", "US"),
            ("14165550123", "CA"),
            ("18765550123", "JM"),
            ("79161234567", "RU"),
            ("77011234567", "KZ"),
            ("35818123456", "AX"),
            ("358401234567", "FI"),
            ("390669812345", "VA"),
            ("393331234567", "IT"),
            ("2426123456", "CG"),
            ("8881234567", ""),
            ("2101234567", ""),
        ] {
            check(digits, code);
        }
    }

    #[test]
    fn codes_are_sorted_and_lead_back() {
        let codes: Vec<_> = COUNTRIES.entries.iter().map(|entry| entry.code).collect();
        assert!(codes.is_sorted() && codes.len() > 230 && codes.len() < usize::from(NONE));
        assert!(codes.iter().all(|code| Country::from_code(code).is_some_and(|country| country.code() == *code)));
        assert_eq!(Country::from_code("DE").map(Country::name), Some("Germany"));
        assert_eq!((Country::from_code("de"), Country::from_code("ZZ")), (None, None));
    }

    /// Numbers of every prefix, held beside the ranges that the library knows: territories that share
    /// a code with a larger neighbour are the only ones that may differ.
    #[test]
    fn the_library_agrees_on_valid_numbers() {
        let shares_code = ["BL", "MF", "EH", "CC", "CX", "SJ", "AX", "YT", "BQ", "VA", "GG", "JE", "IM", "TA", "KZ"];
        let (mut n_valid, mut random, mut differ) = (0, 1_u64, Vec::new());
        for _ in 0..40_000 {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let digits = format!("+{}{:08}", 1 + (random >> 33) % 999, (random >> 13) % 100_000_000);
            let Ok(read) = number::normalise(&digits, None) else { continue };
            let Some(region) = read.region().filter(|_| read.is_valid()) else { continue };
            if region.len() != 2 || shares_code.contains(&region.as_str()) {
                continue;
            }
            n_valid += 1;
            let found = Country::of(read.msisdn).map_or("", Country::code);
            if found != region {
                differ.push(format!("{digits}: {found}, not {region}"));
            }
        }
        assert!(differ.is_empty(), "{differ:#?}");
        assert!(n_valid > 3_000, "{n_valid} valid numbers");
    }
}
