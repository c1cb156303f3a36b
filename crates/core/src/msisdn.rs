//! The recipient's number.

use std::fmt;

/// E.164 digits without the plus, at most 15 (ITU-T E.164). The first digit is never 0
/// (country codes don't start with it), so the digits as a number lose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(u64);

impl Msisdn {
    /// Digits that an MSISDN has at most.
    pub const MAX_DIGITS: usize = 15;
    /// Fewest digits that we take for an international number.
    pub const MIN_DIGITS: usize = 7;

    /// From digits without a plus: 7 to 15 ASCII digits, the first not 0; else `None`.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len()) || digits.first() == Some(&b'0') {
            return None;
        }
        digits
            .iter()
            .try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
            .map(Self)
    }

    /// From [`Msisdn::as_u64`].
    #[must_use]
    pub const fn from_u64(value: u64) -> Option<Self> {
        if value < 1_000_000 || value > 999_999_999_999_999 { None } else { Some(Self(value)) }
    }

    /// The digits read as one number: an exact and compact key.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The keyed check that a receipt's address must pass.
    #[must_use]
    pub fn check(self) -> RecipientCheck {
        RecipientCheck::of_last_digits(self.0 % 10_000_000)
    }

    /// The last nine digits: what is left of the number however a carrier writes its prefix.
    #[must_use]
    pub const fn tail(self) -> u64 {
        self.0 % TAIL
    }

    /// For logs and screens: the first digits and the last two.
    #[must_use]
    pub const fn masked(self) -> Masked {
        Masked(self.0)
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// See [`Msisdn::masked`].
#[derive(Clone, Copy)]
pub struct Masked(u64);

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let (head, tail) = digits.split_at(digits.len().saturating_sub(2));
        let shown = head.get(..4).unwrap_or(head);
        write!(f, "{shown}{:*<1$}{tail}", "", head.len() - shown.len())
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A short hash of a number's last seven digits. Carriers reuse message ids; a receipt counts
/// only when its address passes the check of the row that the id belongs to (HANDBOOK C.5).
/// Addresses may come back with another prefix, hence the last digits alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RecipientCheck(pub u16);

impl RecipientCheck {
    /// From an address as it stands in a PDU; `None` when it has fewer than seven digits.
    #[must_use]
    pub fn of_address(address: &[u8]) -> Option<Self> {
        let mut last = 0_u64;
        let mut n_digits = 0_u32;
        for digit in address.iter().filter(|c| c.is_ascii_digit()) {
            last = (last * 10 + u64::from(digit - b'0')) % 10_000_000;
            n_digits += 1;
        }
        (n_digits >= 7).then(|| Self::of_last_digits(last))
    }

    fn of_last_digits(last: u64) -> Self {
        // Fibonacci hashing; 16 bits hide the digits among some 150 numbers each.
        Self((last.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16)
    }
}

/// Beyond the digits of a tail.
const TAIL: u64 = 1_000_000_000;

/// The last nine digits of an address as it stands in a PDU, as [`Msisdn::tail`] gives them;
/// `None` when it has fewer than seven, or is no number.
#[must_use]
pub fn tail_of_address(address: &[u8]) -> Option<u64> {
    let digits = address.strip_prefix(b"+").unwrap_or(address);
    if digits.len() < Msisdn::MIN_DIGITS || digits.len() > 20 {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| (sum * 10 + u64::from(digit - b'0')) % TAIL))
}

/// A short hash of a sender ID. A receipt says from whom its message came; letters count in any
/// case, digits without plus and leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SenderCheck(pub u16);

impl SenderCheck {
    /// From an address as it stands in a PDU, or a sender as it is configured.
    #[must_use]
    pub fn of(address: &[u8]) -> Self {
        let address = address.trim_ascii();
        let address = address.strip_prefix(b"+").unwrap_or(address);
        let is_number = address.iter().all(u8::is_ascii_digit);
        let n_zeros = if is_number { address.iter().take_while(|digit| **digit == b'0').count() } else { 0 };
        // FNV-1a, folded to 16 bits.
        let hash = address.iter().skip(n_zeros).fold(0xCBF2_9CE4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01B3)
        });
        Self((hash ^ (hash >> 16) ^ (hash >> 32) ^ (hash >> 48)) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seven_to_fifteen_digits_without_leading_zero_pass() {
        for (digits, ok) in [
            ("4915112345678", true),
            ("0151123456", false),
            ("123456", false),
            ("1234567", true),
            ("123456789012345", true),
            ("1234567890123456", false),
            ("49151x2345678", false),
            ("", false),
        ] {
            assert_eq!(Msisdn::from_digits(digits.as_bytes()).is_some(), ok, "{digits}");
        }
    }

    #[test]
    fn masked_number_shows_no_more_than_head_and_tail() {
        let msisdn = Msisdn::from_digits(b"4915112345678").unwrap();
        assert_eq!(msisdn.masked().to_string(), "4915*******78");
        assert_eq!(Msisdn::from_digits(b"1234567").unwrap().masked().to_string(), "1234*67");
    }

    #[test]
    fn tail_and_sender_survive_another_prefix_and_case() {
        let msisdn = Msisdn::from_digits(b"4915112345678").unwrap();
        for address in [&b"+4915112345678"[..], b"4915112345678", b"015112345678", b"004915112345678"] {
            assert_eq!(tail_of_address(address), Some(msisdn.tail()));
        }
        assert_ne!(tail_of_address(b"4915212345678"), Some(msisdn.tail()));
        assert_eq!((tail_of_address(b"12345"), tail_of_address(b"49151ACME5678")), (None, None));
        assert_eq!(SenderCheck::of(b"Acme"), SenderCheck::of(b"ACME"));
        assert_eq!(SenderCheck::of(b"+4930123"), SenderCheck::of(b"004930123"));
        assert_ne!(SenderCheck::of(b"ACME"), SenderCheck::of(b"ACMF"));
    }

    #[test]
    fn check_survives_another_prefix() {
        let msisdn = Msisdn::from_digits(b"4915112345678").unwrap();
        assert_eq!(RecipientCheck::of_address(b"+4915112345678"), Some(msisdn.check()));
        assert_eq!(RecipientCheck::of_address(b"015112345678"), Some(msisdn.check()));
        assert_ne!(RecipientCheck::of_address(b"4915112345679"), Some(msisdn.check()));
        assert_eq!(RecipientCheck::of_address(b"12345"), None);
    }
}
