//! Countries as small numbers.

use std::fmt;

/// A country (ISO 3166, two letters) as a number of 10 bits that never changes; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Country(u16);

impl Country {
    /// Numbers that belong to no country, such as satellite phones: libphonenumber's `001`.
    pub const NON_GEOGRAPHIC: Self = Self(677);

    /// From two letters, whatever their case, or `001`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code.as_bytes() {
            b"001" => Some(Self::NON_GEOGRAPHIC),
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                let place = |letter: u8| u16::from(letter.to_ascii_uppercase() - b'A');
                Some(Self(place(*first) * 26 + place(*second) + 1))
            }
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0
    }

    /// From [`Country::index`].
    #[must_use]
    pub const fn from_index(index: u16) -> Option<Self> {
        if index <= Self::NON_GEOGRAPHIC.0 { Some(Self(index)) } else { None }
    }

    /// Its letters, `001` where the number belongs to no country, nothing where none is known.
    #[must_use]
    pub fn code(self) -> Option<String> {
        match self {
            Self(0) => None,
            Self::NON_GEOGRAPHIC => Some("001".to_owned()),
            Self(index) => {
                let letter = |place: u16| char::from(b'A' + place as u8);
                Some([letter((index - 1) / 26), letter((index - 1) % 26)].iter().collect())
            }
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().as_deref().unwrap_or("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_and_fit_ten_bits() {
        for code in ["AA", "DE", "US", "ZZ", "001"] {
            let country = Country::from_code(code).unwrap();
            assert!(country.index() < 1 << 10);
            assert_eq!(Country::from_index(country.index()), Some(country));
            assert_eq!(country.to_string(), code);
        }
        assert_eq!(Country::from_code("de"), Country::from_code("DE"));
        assert_eq!([Country::from_code("D"), Country::from_code("Germany"), Country::from_code("D1")], [None; 3]);
        assert_eq!((Country::default().code(), Country::from_index(1000)), (None, None));
    }
}
