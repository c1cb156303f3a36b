//! Whom an erasure is about, and whether a text speaks of them, however the number is written.

use std::path::{Path, PathBuf};

use volley_core::Msisdn;

use crate::number;

/// What stands where something was erased.
pub const GONE: &str = "erased";

/// Fewest digits by which a run of digits is looked at more closely.
const TAIL: usize = 4;
/// Signs that may stand between two digits of one number.
const SEPARATORS: [char; 10] = [' ', '\u{a0}', '-', '\u{2011}', '\u{2013}', '.', '/', '(', ')', '\''];
/// More of them in a row part two numbers.
const MAX_SEPARATORS: usize = 3;
/// Groups of digits that make up a number at most.
const MAX_GROUPS: usize = 8;

/// One number, in every form. It has no `Debug`: numbers stay out of logs.
pub struct Person {
    number: Msisdn,
    digits: String,
    region: Option<String>,
}

/// Who is erased.
pub enum Whose<'a> {
    /// Whoever has this number.
    Person(&'a Person),
    /// Everyone: a campaign's time is over.
    Everyone,
}

/// The same, where numbers without a country code are of a certain country.
pub struct Reading<'a> {
    whose: &'a Whose<'a>,
    country: Option<&'a str>,
}

impl Person {
    /// Whoever has this number.
    #[must_use]
    pub fn new(number: Msisdn) -> Self {
        let digits = number.to_string();
        let region = number::describe(&format!("+{digits}"), None).ok().and_then(|facts| facts.region);
        Self { number, digits, region: region.filter(|region| number::is_country(region)) }
    }

    /// The number.
    #[must_use]
    pub const fn number(&self) -> Msisdn {
        self.number
    }

    /// Whether the number stands in a text: its digits with the country code, or as people in
    /// `country` write it (in its own, where none is given), whatever stands between them.
    #[must_use]
    pub fn is_named_in(&self, text: &str, country: Option<&str>) -> bool {
        let country = country.or(self.region.as_deref());
        let mut groups: Vec<String> = Vec::new();
        let mut n_separators = 0;
        let mut follows_digit = false;
        for c in text.chars() {
            if let Some(digit) = digit(c) {
                match groups.last_mut().filter(|_| follows_digit) {
                    Some(group) => group.push(digit),
                    None => groups.push(digit.to_string()),
                }
                (follows_digit, n_separators) = (true, 0);
                continue;
            }
            follows_digit = false;
            n_separators += 1;
            if !SEPARATORS.contains(&c) || n_separators > MAX_SEPARATORS {
                if self.is_in_groups(&groups, country) {
                    return true;
                }
                groups.clear();
            }
        }
        self.is_in_groups(&groups, country)
    }

    /// The same of octets in an unknown coding: ASCII, or two octets for each sign.
    #[must_use]
    pub fn is_named_in_octets(&self, octets: &[u8]) -> bool {
        let text: String = octets.iter().filter(|octet| **octet != 0).map(|octet| char::from(*octet)).collect();
        self.is_named_in(&text, None)
    }

    fn is_in_groups(&self, groups: &[String], country: Option<&str>) -> bool {
        let tail = self.digits.get(self.digits.len().saturating_sub(TAIL)..).unwrap_or_default();
        let all = groups.concat();
        if !all.contains(tail) {
            return false;
        }
        if all.contains(&self.digits) {
            return true;
        }
        // As it is written at home: some neighbouring groups, and no others, are the number.
        (0..groups.len()).any(|from| {
            let to = groups.len().min(from + MAX_GROUPS);
            (from + 1..=to).any(|to| {
                let digits = groups.get(from..to).unwrap_or_default().concat();
                let is_number =
                    |raw: &str| number::normalise(raw, country).is_ok_and(|read| read.msisdn == self.number);
                digits.ends_with(tail) && digits.len() <= 20 && is_number(&digits)
            })
        })
    }
}

impl<'a> Whose<'a> {
    /// Read with this default country.
    #[must_use]
    pub const fn reading(&'a self, country: Option<&'a str>) -> Reading<'a> {
        Reading { whose: self, country }
    }
}

impl Reading<'_> {
    /// Whether this number is meant.
    #[must_use]
    pub fn is(&self, number: Msisdn) -> bool {
        match self.whose {
            Whose::Person(person) => person.number == number,
            Whose::Everyone => true,
        }
    }

    /// Whether a text names who is meant; of everyone each text does that isn't empty.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        match self.whose {
            Whose::Person(person) => person.is_named_in(text, self.country),
            Whose::Everyone => !text.is_empty() && text != GONE,
        }
    }
}

/// A digit of any script that numbers are written in.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 5] = ['\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'];
    if c.is_ascii_digit() {
        return Some(c);
    }
    let of = |zero: char| (c as u32).checked_sub(zero as u32).filter(|value| *value < 10);
    ZEROS.into_iter().find_map(of).and_then(|value| char::from_digit(value, 10))
}

/// Where what replaces a file is written first.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".erasing");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, country: Option<&str>, expected: bool) {
        let person = Person::new(Msisdn::from_digits(b"4915112345678").unwrap());
        assert_eq!(person.is_named_in(text, country), expected, "{text}");
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in [
            "+4915112345678",
            "004915112345678",
            "+49 (0)151 / 123-456-78",
            "call 0151 12345678, please",
            "015112345678",
            "2 x 0151-12345678",
            "４９15112345678",
            "٤٩١٥١١٢٣٤٥٦٧٨",
            "4.915112345678E+12",
            "{\"to\":4915112345678}",
        ] {
            check(text, None, true);
        }
        check("0151 12345678", Some("DE"), true);
        check("0151 12345678", Some("AT"), false);
        for text in ["4915112345679", "5678", "", "49151 2345678", "1512345678"] {
            check(text, None, false);
        }
        let person = Person::new(Msisdn::from_digits(b"4915112345678").unwrap());
        assert!(person.is_named_in_octets(b"\x004\x009\x001\x005\x001\x001\x002\x003\x004\x005\x006\x007\x008"));
        assert!(!person.is_named_in_octets(b"\xff\xfe4915112345670"));
    }

    #[test]
    fn everyone_is_named_wherever_something_stands() {
        let everyone = Whose::Everyone;
        let reading = everyone.reading(None);
        assert!(reading.is_named_in("Anna") && !reading.is_named_in("") && !reading.is_named_in(GONE));
    }
}
