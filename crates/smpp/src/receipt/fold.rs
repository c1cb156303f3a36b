//! Message ids: both sides folded to one key (HANDBOOK C.5).

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
}

/// Where an id was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// submit_sm_resp.
    Response,
    /// A receipt.
    Receipt,
}

/// Appends the key of `id` to `out`. Numbers of any length become decimal without leading zeros;
/// what can't be read as its mode says stays as it is, in lower case.
pub fn fold_id(mode: IdMode, side: Side, id: &[u8], out: &mut Vec<u8>) {
    let id = super::trim(id);
    let base = match (mode, side) {
        (IdMode::AsIs, _) | (IdMode::RespHexstring, Side::Receipt) => return out.extend_from_slice(id),
        (IdMode::RespHexstring, Side::Response) => return put_unhexed(id, out),
        (IdMode::BothDec, _) => 10,
        (IdMode::BothHex, _) => 16,
        (IdMode::RespHexReceiptDec, Side::Response) | (IdMode::RespDecReceiptHex, Side::Receipt) => 16,
        (IdMode::RespHexReceiptDec, Side::Receipt) | (IdMode::RespDecReceiptHex, Side::Response) => 10,
    };
    put_number(id, base, out);
}

fn put_number(id: &[u8], base: u32, out: &mut Vec<u8>) {
    let has_prefix = id.len() > 2 && id.starts_with(b"0x") | id.starts_with(b"0X");
    let (digits, base) = if has_prefix { (id.get(2..).unwrap_or(id), 16) } else { (id, base) };
    // A value that is not decimal is read as hexadecimal whatever the mode says (Kannel's rule).
    let base = if base == 10 && !digits.iter().all(u8::is_ascii_digit) { 16 } else { base };
    let values: Option<Vec<u32>> = digits.iter().map(|digit| char::from(*digit).to_digit(base)).collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else {
        return out.extend(id.iter().map(u8::to_ascii_lowercase));
    };
    if base == 10 {
        let significant = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len() - 1);
        return out.extend_from_slice(digits.get(significant..).unwrap_or(digits));
    }
    put_decimal(&values, out);
}

/// Hexadecimal digits as a decimal number: schoolbook, since ids above 64 bits exist.
fn put_decimal(hex: &[u32], out: &mut Vec<u8>) {
    // Little-endian groups of nine decimal digits.
    let mut groups: Vec<u32> = vec![0];
    for digit in hex {
        let mut carry = u64::from(*digit);
        for group in &mut groups {
            let value = u64::from(*group) * 16 + carry;
            *group = (value % 1_000_000_000) as u32;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry as u32);
        }
    }
    let mut groups = groups.iter().rev();
    out.extend_from_slice(groups.next().copied().unwrap_or(0).to_string().as_bytes());
    for group in groups {
        out.extend_from_slice(format!("{group:09}").as_bytes());
    }
}

fn put_unhexed(id: &[u8], out: &mut Vec<u8>) {
    let digit = |octet: &u8| char::from(*octet).to_digit(16);
    let pairs: Option<Vec<u8>> = id
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
            _ => None,
        })
        .collect();
    match pairs {
        Some(octets) => out.extend(octets),
        None => out.extend_from_slice(id),
    }
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
        check(
            IdMode::BothHex,
            "ffffffffffffffffffffffff",
            "0xFFFFFFFFFFFFFFFFFFFFFFFF",
            "79228162514264337593543950335",
        );
        check(IdMode::RespHexstring, "616263", "abc", "abc");
    }

    #[test]
    fn what_is_no_number_stays() {
        assert_eq!(key(IdMode::BothDec, Side::Response, "x-Y"), "x-y");
        assert_eq!(key(IdMode::BothDec, Side::Response, ""), "");
    }
}
