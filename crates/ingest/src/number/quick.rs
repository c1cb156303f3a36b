//! Numbers of a list: plain ones by our own tables, all others by the library. Both give the same.

use std::sync::OnceLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use volley_core::Msisdn;

use super::{
    Country, Number, NumberError, NumberKind, ZoneSet, normalise, ranges,
    ranges::{Dialling, Range},
    zone_set, zones,
};

/// Digits that a plain number has at most: an international prefix and 15.
const MAX_PLAIN: usize = 18;

/// What a list needs to know of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Its E.164 digits.
    pub msisdn: Msisdn,
    /// What kind of line it is.
    pub kind: NumberKind,
    /// The country of its range.
    pub country: Country,
    /// As [`Number::time_zones`].
    pub zones: ZoneSet,
    /// As [`Number::has_letters`].
    pub has_letters: bool,
    /// As [`Number::is_possible`].
    pub is_possible: bool,
}

impl Reading {
    fn in_range(msisdn: Msisdn, digits: &[u8], range: Range) -> Self {
        let zones =
            if is_geographical(digits, range) { zones::of_digits(digits) } else { zones::of_country_code(digits) };
        let Range { country, kind } = range;
        Self { msisdn, kind, country, zones, has_letters: false, is_possible: true }
    }
}

impl From<&Number> for Reading {
    fn from(number: &Number) -> Self {
        let Number { msisdn, kind, has_letters, parsed } = number;
        let country = number.region().and_then(|code| Country::from_code(&code)).unwrap_or_default();
        let zones = zone_set(parsed, *kind);
        let is_possible = number.is_possible();
        Self { msisdn: *msisdn, kind: *kind, country, zones, has_letters: *has_letters, is_possible }
    }
}

/// Reads numbers of one default country.
#[derive(Debug, Clone, Default)]
pub struct NumberReader {
    default_country: Option<String>,
    dialling: Option<Dialling>,
}

impl NumberReader {
    /// `default_country` as in [`normalise`].
    #[must_use]
    pub fn new(default_country: Option<&str>) -> Self {
        let dialling = default_country.and_then(Country::from_code).and_then(ranges::dialling);
        Self { default_country: default_country.map(str::to_owned), dialling }
    }

    /// Reads a number.
    ///
    /// # Errors
    /// As [`normalise`].
    pub fn read(&self, raw: &str) -> Result<Reading, NumberError> {
        match self.read_plain(raw) {
            Some(reading) => Ok(reading),
            None => normalise(raw, self.default_country.as_deref()).map(|number| Reading::from(&number)),
        }
    }

    /// A number that is said to be clean E.164, with or without its plus: its digits are taken as
    /// they stand, and country and kind are what its range says.
    #[must_use]
    pub fn read_clean(raw: &str) -> Option<Reading> {
        let digits = raw.strip_prefix('+').unwrap_or(raw).as_bytes();
        let msisdn = Msisdn::from_digits(digits)?;
        let unknown = || {
            let country = ranges::split_code(digits).and_then(|(code, _)| ranges::main_country(code));
            Range { country: country.unwrap_or_default(), kind: NumberKind::Unknown }
        };
        Some(Reading::in_range(msisdn, digits, ranges::of_digits(digits).unwrap_or_else(unknown)))
    }

    /// What consists of digits and of the signs between them, and is in use.
    fn read_plain(&self, raw: &str) -> Option<Reading> {
        let text = raw.trim_ascii();
        let plain = Plain::of(text.as_bytes())?;
        let digits = plain.digits();
        let international = |digits: &[u8]| {
            let range = ranges::of_digits(digits)?;
            Some(Reading::in_range(Msisdn::from_digits(digits)?, digits, range))
        };
        let Some(dialling) = self.dialling.filter(|_| !plain.has_plus) else {
            // Without a plus and a country: a plus that a spreadsheet has eaten.
            return if plain.has_plus || self.default_country.is_none() { international(digits) } else { None };
        };
        match digits {
            [b'0', b'0', b'1'..=b'9', ..] if dialling.is_double_zero => international(digits.get(2..)?),
            [b'0', b'1'..=b'9', ..] if dialling.is_zero => national(dialling, digits.get(1..)?),
            [b'1'..=b'9', ..] if begins_with_code(digits, dialling.code) => {
                // The signs between the digits may stand in the code: the library decides.
                let is_whole = text.bytes().take(3).all(|octet| octet.is_ascii_digit());
                international(digits).filter(|reading| is_whole && reading.kind.can_get_sms())
            }
            [b'1'..=b'9', ..] if dialling.is_bare => national(dialling, digits),
            _ => None,
        }
    }
}

/// A national number of the default country itself.
fn national(dialling: Dialling, national: &[u8]) -> Option<Reading> {
    let range = ranges::of_national(dialling.code, national).filter(|range| range.country == dialling.country)?;
    let mut whole = Plain::default();
    for octet in dialling.code.to_string().bytes().chain(national.iter().copied()) {
        whole.push(octet)?;
    }
    Some(Reading::in_range(Msisdn::from_digits(whole.digits())?, whole.digits(), range))
}

fn begins_with_code(digits: &[u8], code: u16) -> bool {
    digits.starts_with(code.to_string().as_bytes())
}

/// Digits without the signs between them.
#[derive(Default)]
struct Plain {
    octets: [u8; MAX_PLAIN],
    n: usize,
    has_plus: bool,
}

impl Plain {
    fn of(text: &[u8]) -> Option<Self> {
        let mut plain = Self::default();
        let rest = match text {
            [b'+', rest @ ..] => {
                plain.has_plus = true;
                rest
            }
            [b'0'..=b'9' | b'(', ..] => text,
            _ => return None,
        };
        for octet in rest {
            match octet {
                b'0'..=b'9' => plain.push(*octet)?,
                b' ' | b'-' | b'(' | b')' | b'.' => {}
                _ => return None,
            }
        }
        Some(plain)
    }

    fn push(&mut self, digit: u8) -> Option<()> {
        *self.octets.get_mut(self.n)? = digit;
        self.n += 1;
        Some(())
    }

    fn digits(&self) -> &[u8] {
        self.octets.get(..self.n).unwrap_or_default()
    }
}

/// Whether the number stands for a place: landlines do, and mobiles in a few countries.
fn is_geographical(digits: &[u8], range: Range) -> bool {
    static MOBILES: [OnceLock<bool>; 1000] = [const { OnceLock::new() }; 1000];
    match range.kind {
        NumberKind::FixedLine | NumberKind::FixedLineOrMobile => true,
        NumberKind::Mobile => {
            let ask = || {
                let text = format!("+{}", String::from_utf8_lossy(digits));
                PHONE_NUMBER_UTIL.parse(text, None::<Region>).is_ok_and(|number| number.is_geographical())
            };
            let code = ranges::split_code(digits).map_or(0, |(code, _)| code);
            MOBILES.get(usize::from(code)).is_some_and(|known| *known.get_or_init(ask))
        }
        NumberKind::TollFree
        | NumberKind::PremiumRate
        | NumberKind::SharedCost
        | NumberKind::Voip
        | NumberKind::Personal
        | NumberKind::Pager
        | NumberKind::Company
        | NumberKind::Voicemail
        | NumberKind::Unknown => false,
    }
}
