//! Message ids: both sides folded to one key (HANDBOOK C.5).

use regex::bytes::Regex;

/// How a carrier writes ids in answers and in receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IdMode {
    /// The same text on both sides.
    #[default]
    AsIs,
    /// Decimal numbers on both sides, perhaps padded.
    BothDec,
    /// Hexadecimal in answers, decimal in receipts.
    RespHexReceiptDec,
    /// Decimal in answers, hexadecimal in receipts.
    RespDecReceiptHex,
    /// Hexadecimal on both sides, perhaps padded or in another case.
    BothHex,
    /// Answers hold the hexadecimal form of the receipt's octets.
    RespHexstring,
    /// Text in any case, perhaps with leading zeros: Jasmin's default.
    AsIsTrimZeroUpper,
    /// UUIDs in any case, with hyphens or without.
    Uuid,
}

impl IdMode {
    /// All, in the order in which a carrier is most likely to use them.
    pub const ALL: [Self; 8] = [
        Self::AsIs,
        Self::BothDec,
        Self::RespHexReceiptDec,
        Self::RespDecReceiptHex,
        Self::BothHex,
        Self::RespHexstring,
        Self::AsIsTrimZeroUpper,
        Self::Uuid,
    ];

    /// Whether these ids can be written so. A decimal reading takes letters for hexadecimal, one
    /// id at a time: some would match, and the next ones without a letter would not.
    pub fn is_plausible<'a>(
        self,
        answers: impl IntoIterator<Item = &'a [u8]>,
        receipts: impl IntoIterator<Item = &'a [u8]>,
    ) -> bool {
        let decimal = |id: &[u8]| id.iter().all(u8::is_ascii_digit);
        match self {
            Self::BothDec => answers.into_iter().all(decimal) && receipts.into_iter().all(decimal),
            Self::RespHexReceiptDec => receipts.into_iter().all(decimal),
            Self::RespDecReceiptHex => answers.into_iter().all(decimal),
            Self::AsIs | Self::BothHex | Self::RespHexstring | Self::AsIsTrimZeroUpper | Self::Uuid => true,
        }
    }

    /// Its name in a carriers file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as-is",
            Self::BothDec => "both-dec",
            Self::RespHexReceiptDec => "resp-hex-receipt-dec",
            Self::RespDecReceiptHex => "resp-dec-receipt-hex",
            Self::BothHex => "both-hex",
            Self::RespHexstring => "resp-hexstring",
            Self::AsIsTrimZeroUpper => "as-is-trim-zero-upper",
            Self::Uuid => "uuid",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Where an id was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// submit_sm_resp.
    Response,
    /// A receipt.
    Receipt,
}

/// All that a carrier's profile says of ids.
#[derive(Debug, Clone, Default)]
pub struct IdRules {
    /// How ids are written.
    pub mode: IdMode,
    /// What is taken out of both sides first, such as `^MSG_`.
    pub strip: Option<Regex>,
}

impl IdRules {
    /// Appends the key of `id` to `out`.
    pub fn fold(&self, side: Side, id: &[u8], out: &mut Vec<u8>) {
        match &self.strip {
            None => fold_id(self.mode, side, id, out),
            Some(strip) => fold_id(self.mode, side, &strip.replace_all(super::trim(id), &b""[..]), out),
        }
    }
}

/// Appends the key of `id` to `out`. Numbers of any length become decimal without leading zeros;
/// what can't be read as its mode says stays as it is, in lower case.
pub fn fold_id(mode: IdMode, side: Side, id: &[u8], out: &mut Vec<u8>) {
    let id = super::trim(id);
    let base = match (mode, side) {
        (IdMode::AsIs, _) | (IdMode::RespHexstring, Side::Receipt) => return out.extend_from_slice(id),
        (IdMode::RespHexstring, Side::Response) => return put_unhexed(id, out),
        (IdMode::AsIsTrimZeroUpper, _) => {
            return out.extend(without_zeros(id).iter().map(u8::to_ascii_uppercase));
        }
        (IdMode::Uuid, _) => {
            return out.extend(id.iter().filter(|octet| **octet != b'-').map(u8::to_ascii_lowercase));
        }
        (IdMode::BothDec, _) => 10,
        (IdMode::BothHex, _) => 16,
        (IdMode::RespHexReceiptDec, Side::Response) | (IdMode::RespDecReceiptHex, Side::Receipt) => 16,
        (IdMode::RespHexReceiptDec, Side::Receipt) | (IdMode::RespDecReceiptHex, Side::Response) => 10,
    };
    put_number(id, base, out);
}

/// Without leading zeros; of nothing but zeros the last stays.
fn without_zeros(digits: &[u8]) -> &[u8] {
    let significant = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len().saturating_sub(1));
    digits.get(significant..).unwrap_or(digits)
}

fn put_number(id: &[u8], base: u32, out: &mut Vec<u8>) {
    let has_prefix = id.len() > 2 && id.starts_with(b"0x") | id.starts_with(b"0X");
    let (digits, base) = if has_prefix { (id.get(2..).unwrap_or(id), 16) } else { (id, base) };
    // A value that is not decimal is read as hexadecimal whatever the mode says (Kannel's rule).
    let base = if base == 10 && !digits.iter().all(u8::is_ascii_digit) { 16 } else { base };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return out.extend(id.iter().map(u8::to_ascii_lowercase));
    }
    let digits = without_zeros(digits);
    match (base, std::str::from_utf8(digits).ok().and_then(|digits| u128::from_str_radix(digits, base).ok())) {
        (10, _) => out.extend_from_slice(digits),
        (_, Some(number)) => put_decimal(number, out),
        // An SMPP id has 64 octets at most; a receipt's text may hold anything.
        (_, None) if digits.len() <= 64 => put_long_decimal(digits, &mut [0; 9], out),
        (_, None) => put_long_decimal(digits, &mut vec![0; digits.len() / 7 + 1], out),
    }
}

fn put_decimal(mut number: u128, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.get_mut(start..).unwrap_or_default().reverse();
}

/// Hexadecimal digits as a decimal number: schoolbook, since ids above 128 bits exist. `groups`:
/// room for nine decimal digits each, all zero.
fn put_long_decimal(hex: &[u8], groups: &mut [u32], out: &mut Vec<u8>) {
    for digit in hex {
        let mut carry = u64::from(char::from(*digit).to_digit(16).unwrap_or(0));
        for group in groups.iter_mut() {
            let value = u64::from(*group) * 16 + carry;
            *group = (value % 1_000_000_000) as u32;
            carry = value / 1_000_000_000;
        }
    }
    let start = out.len();
    for group in groups.iter().rev() {
        let digits = (0..9).rev().map(|place| b'0' + (group / 10_u32.pow(place) % 10) as u8);
        out.extend(digits);
    }
    let zeros = out.iter().skip(start).take_while(|digit| **digit == b'0').count();
    out.drain(start..start + zeros);
}

fn put_unhexed(id: &[u8], out: &mut Vec<u8>) {
    let digit = |octet: &u8| char::from(*octet).to_digit(16);
    let is_hex = id.len().is_multiple_of(2) && id.iter().all(u8::is_ascii_hexdigit);
    if !is_hex {
        return out.extend_from_slice(id);
    }
    out.extend(
        id.chunks_exact(2).map(|pair| pair.iter().filter_map(digit).fold(0, |octet, digit| octet << 4 | digit as u8)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(mode: IdMode, side: Side, id: &str) -> String {
        let mut out = Vec::new();
        fold_id(mode, side, id.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(mode: IdMode, response: &str, receipt: &str, expected: &str) {
        assert_eq!(
            (key(mode, Side::Response, response).as_str(), key(mode, Side::Receipt, receipt).as_str()),
            (expected, expected)
        );
    }

    #[test]
    fn both_sides_fold_to_one_key() {
        check(IdMode::AsIs, "AbC-1", " AbC-1\0", "AbC-1");
        check(IdMode::RespHexReceiptDec, "5960A2C5", "1499505349", "1499505349");
        check(IdMode::RespDecReceiptHex, "1499505349", "5960a2c5", "1499505349");
        check(IdMode::BothHex, "5960A2C5", "00005960a2c5", "1499505349");
        check(IdMode::BothDec, "0000012345", "12345", "12345");
        check(IdMode::BothDec, "000", "0", "0");
        check(IdMode::RespHexstring, "616263", "abc", "abc");
        check(IdMode::AsIsTrimZeroUpper, "000a1b2", "A1B2", "A1B2");
        check(
            IdMode::Uuid,
            "74e02ee1-4e2f-4a6e-a78b-4b247d756a22",
            "74E02EE14E2F4A6EA78B4B247D756A22",
            "74e02ee14e2f4a6ea78b4b247d756a22",
        );
    }

    #[test]
    fn numbers_have_any_length() {
        let check =
            |hex: &str, decimal: &str| check(IdMode::BothHex, hex, &format!("0x{}", hex.to_uppercase()), decimal);
        check("ffffffffffffffffffffffff", "79228162514264337593543950335");
        check("ffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455");
        check("100000000000000000000000000000000", "340282366920938463463374607431768211456");
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        check(&"f".repeat(64), most);
        assert_eq!(key(IdMode::BothHex, Side::Receipt, &format!("1{}", "0".repeat(80))).len(), 97);
        check("0000000000000000000000000000000000", "0");
    }

    #[test]
    fn what_is_no_number_stays() {
        assert_eq!(key(IdMode::BothDec, Side::Response, "x-Y"), "x-y");
        assert_eq!(key(IdMode::BothDec, Side::Response, ""), "");
        assert_eq!(key(IdMode::RespHexstring, Side::Response, "61626"), "61626");
    }

    #[test]
    fn a_prefix_is_stripped_by_the_carrier_s_pattern() {
        let rules = IdRules { mode: IdMode::BothDec, strip: Regex::new("^MSG_").ok() };
        let mut out = Vec::new();
        rules.fold(Side::Response, b" MSG_0012345\0", &mut out);
        assert_eq!(out, b"12345");
    }

    #[test]
    fn modes_have_names() {
        for mode in IdMode::ALL {
            assert_eq!(IdMode::from_name(mode.name()), Some(mode));
        }
        assert_eq!(IdMode::from_name("hex"), None);
    }
}
