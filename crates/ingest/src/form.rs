//! What form a list has: compression, encoding, delimiter, quotes. Found out from its beginning;
//! each can be said instead.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How the text of a list is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8", alias = "utf8")]
    Utf8,
    /// UTF-16, the lesser octet first: what spreadsheets call "Unicode text".
    #[serde(rename = "utf-16le", alias = "utf-16")]
    Utf16Le,
    /// UTF-16, the greater octet first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252, and Latin-1 as everybody means it.
    #[serde(rename = "windows-1252", alias = "latin1", alias = "latin-1", alias = "iso-8859-1")]
    Windows1252,
}

impl Encoding {
    /// Its usual name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "Windows-1252",
        }
    }

    /// What decodes it; UTF-8 is read as it stands, so that its errors have a place.
    pub(crate) fn decoder(self) -> Option<encoding_rs::Decoder> {
        match self {
            Self::Utf8 => None,
            Self::Utf16Le => Some(encoding_rs::UTF_16LE.new_decoder_without_bom_handling()),
            Self::Utf16Be => Some(encoding_rs::UTF_16BE.new_decoder_without_bom_handling()),
            Self::Windows1252 => Some(encoding_rs::WINDOWS_1252.new_decoder_without_bom_handling()),
        }
    }
}

/// How a list is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, of one or several members.
    Gzip,
    /// Zstandard, of one or several frames.
    Zstd,
}

impl Compression {
    /// By the first octets.
    pub(crate) const fn of(octets: &[u8]) -> Self {
        match octets {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// The form in which a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListForm {
    /// Its compression.
    pub compression: Compression,
    /// Its encoding.
    pub encoding: Encoding,
    /// Whether a byte order mark said so.
    pub has_bom: bool,
    /// What stands between fields.
    pub delimiter: char,
    /// What stands around fields, if anything may.
    pub quote: Option<char>,
    /// Whether the first row names the columns.
    pub has_header: bool,
}

impl fmt::Display for ListForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.compression {
            Compression::None => {}
            Compression::Gzip => f.write_str("gzip, ")?,
            Compression::Zstd => f.write_str("zstd, ")?,
        }
        f.write_str(self.encoding.name())?;
        if self.has_bom {
            f.write_str(" with a byte order mark")?;
        }
        match self.delimiter {
            '\t' => f.write_str(", between fields a tab")?,
            delimiter => write!(f, ", between fields `{delimiter}`")?,
        }
        match self.quote {
            Some('"') => {}
            Some(quote) => write!(f, ", quotes `{quote}`")?,
            None => f.write_str(", no quotes")?,
        }
        if self.has_header { Ok(()) } else { f.write_str(", no header") }
    }
}

/// Delimiter and quote, as octets of the decoded text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsvFormat {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

pub(crate) fn delimiter_of(delimiter: char) -> Result<u8, Error> {
    let is_possible = delimiter.is_ascii() && !matches!(delimiter, '"' | '\r' | '\n' | '\0');
    if is_possible { Ok(delimiter as u8) } else { Err(Error::BadDelimiter { delimiter }) }
}

/// `none`, or one sign.
pub(crate) fn quote_of(quote: &str) -> Result<Option<u8>, Error> {
    let mut signs = quote.bytes();
    match (signs.next(), signs.next()) {
        _ if quote == "none" => Ok(None),
        (Some(sign), None) if sign.is_ascii() && !matches!(sign, b'\r' | b'\n' | 0) => Ok(Some(sign)),
        _ => Err(Error::BadQuote { quote: quote.to_owned() }),
    }
}

/// Encoding and length of the byte order mark, from the first octets of the text.
pub(crate) fn encoding_of(sample: &[u8]) -> (Encoding, usize) {
    match sample {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        _ => (guess(sample), 0),
    }
}

/// The mark that the encoding would have, if the sample begins with it.
pub(crate) fn mark_of(encoding: Encoding, sample: &[u8]) -> usize {
    let (found, n) = encoding_of(sample);
    if found == encoding { n } else { 0 }
}

/// Without a mark: UTF-16 has a zero in every other octet of Latin text; what is not UTF-8 in more
/// than one line of a hundred, and more often than it is, is Windows-1252.
fn guess(sample: &[u8]) -> Encoding {
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|octet| **octet == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    if half >= 2 && odd * 10 > half * 4 && even * 20 < half {
        return Encoding::Utf16Le;
    }
    if half >= 2 && even * 10 > half * 4 && odd * 20 < half {
        return Encoding::Utf16Be;
    }
    // The last line may be cut in a character.
    let whole = memchr::memrchr2(b'\n', b'\r', sample).and_then(|end| sample.get(..end)).unwrap_or(sample);
    let (mut n_lines, mut n_foreign, mut n_beyond_ascii) = (0_u64, 0_u64, 0_u64);
    for line in whole.split(|octet| matches!(octet, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        n_lines += 1;
        match std::str::from_utf8(line) {
            Ok(text) => n_beyond_ascii += u64::from(!text.is_ascii()),
            Err(_) => n_foreign += 1,
        }
    }
    if n_foreign * 100 > n_lines && n_foreign > n_beyond_ascii { Encoding::Windows1252 } else { Encoding::Utf8 }
}

/// The delimiter that stands most often in the first line of the text, outside quotes.
pub(crate) fn sniff_delimiter(text: &[u8], quote: Option<u8>) -> u8 {
    let line_ends = |octet: &&u8| !matches!(octet, b'\n' | b'\r');
    let text = text.iter().skip_while(|octet| matches!(octet, b'\n' | b'\r'));
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for octet in text.take_while(line_ends) {
        quoted ^= Some(*octet) == quote;
        if let Some((_, n)) = counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == octet) {
            *n += 1;
        }
    }
    // The first of equals: a comma when there is none at all.
    counts.iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sample: &[u8], expected: Encoding) {
        assert_eq!(encoding_of(sample).0, expected);
    }

    #[test]
    fn encodings_are_found_with_and_without_a_mark() {
        let utf16 = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<_>>();
        check("phone,name\n1,Zoë\n".as_bytes(), Encoding::Utf8);
        check(&utf16("phone,name\n1,Łukasz\n", u16::to_le_bytes), Encoding::Utf16Le);
        check(&utf16("phone,name\n1,Łukasz\n", u16::to_be_bytes), Encoding::Utf16Be);
        check(b"phone,name\n1,J\xFCrgen\n", Encoding::Windows1252);
        check(&[&b"1,x\n".repeat(150)[..], b"1,J\xFCrgen\n"].concat(), Encoding::Utf8);
        check(&["1,Zoë\n".repeat(9).as_bytes(), b"1,J\xFCrgen\n"].concat(), Encoding::Utf8);
        check(b"", Encoding::Utf8);
        check(b"\xFF\xFE", Encoding::Utf16Le);
        check(b"1,a\0b\n2,\0\n", Encoding::Utf8);
        // The sample ends within a character.
        check(&"1,Zoë\n1,Zoë".as_bytes()[..12], Encoding::Utf8);
    }

    #[test]
    fn delimiters_in_quotes_do_not_count() {
        assert_eq!(sniff_delimiter(b"\"a,b,c\";d\n1,2,3", Some(b'"')), b';');
        assert_eq!(sniff_delimiter(b"\r\nphone\tname\r\n", Some(b'"')), b'\t');
        assert_eq!(sniff_delimiter(b"phone", Some(b'"')), b',');
    }
}
