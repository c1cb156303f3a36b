//! What one octet of a text means at a carrier (HANDBOOK B.4): named tables, since the default
//! alphabet of SMPP is whatever the SMSC takes for it.

use super::{
    gsm::{self, ESCAPE},
    national::{Septets, Shifts},
};

/// What data_coding 0 means at a carrier (HANDBOOK B.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DefaultAlphabet {
    /// GSM 03.38, one septet in an octet.
    #[default]
    Gsm,
    /// ISO-8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// Vodafone D2: GSM with `@ $ ¤ ¡` and German letters in other places.
    Vfd2,
    /// Vodafone Turkey: GSM with most letters at their codes of Latin-1.
    Vftr,
    /// T-Mobile Netherlands: GSM with the euro in one octet, 0x80.
    TMobileNl,
    /// Airwide's "IA5": takes GSM, and writes `@ $ _` in replies as ASCII does.
    AirwideIa5,
}

/// Octets that differ from GSM: septet there, octet here.
type Moved = &'static [(u8, u8)];

const VFD2: Moved = &[
    (0x00, 0x40), // @
    (0x02, 0x24), // $
    (0x1E, 0x7E), // ß
    (0x24, 0x02), // ¤
    (0x40, 0xA1), // ¡
    (0x5D, 0x5F), // Ñ
    (0x5E, 0x5D), // Ü
    (0x5F, 0x5E), // §
    (0x7D, 0x1E), // ñ
    (0x7E, 0x7D), // ü
];

const AIRWIDE_REPLIES: Moved = &[(0x00, 0x40), (0x02, 0x24), (0x11, 0x5F)];

/// The euro of [`DefaultAlphabet::TMobileNl`]. On air it is a pair.
const SINGLE_EURO: u8 = 0x80;

impl DefaultAlphabet {
    /// All, for names and tests.
    pub const ALL: [Self; 7] =
        [Self::Gsm, Self::Latin1, Self::Ascii, Self::Vfd2, Self::Vftr, Self::TMobileNl, Self::AirwideIa5];

    /// Its name in a carriers file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm => "gsm",
            Self::Latin1 => "latin1",
            Self::Ascii => "ascii",
            Self::Vfd2 => "vfd2",
            Self::Vftr => "vftr",
            Self::TMobileNl => "tmobile-nl",
            Self::AirwideIa5 => "airwide-ia5",
        }
    }

    /// Whether the SMSC makes septets of it, so that a segment holds 160 of them, not 140 octets.
    #[must_use]
    pub const fn is_seven_bit(self) -> bool {
        match self {
            Self::Gsm | Self::Vfd2 | Self::Vftr | Self::TMobileNl | Self::AirwideIa5 => true,
            Self::Latin1 | Self::Ascii => false,
        }
    }

    /// Whether `c` is in the alphabet, alone or as a pair with the escape.
    #[must_use]
    pub fn has(self, c: char) -> bool {
        self.code(c).is_some()
    }

    /// Writes `c`; `None` when it is not in the alphabet.
    #[inline]
    pub(super) fn code(self, c: char) -> Option<Coded> {
        let code_point = c as u32;
        match self {
            Self::Gsm | Self::AirwideIa5 => gsm_code(c),
            Self::Latin1 => (code_point < 0x100).then(|| Coded::one(code_point as u8)),
            Self::Ascii => (code_point < 0x80).then(|| Coded::one(code_point as u8)),
            Self::TMobileNl if c == '€' => Some(Coded { octets: [SINGLE_EURO, 0], n_octets: 1, n_units: 2 }),
            Self::TMobileNl => gsm_code(c),
            Self::Vfd2 => gsm_code(c).map(|coded| coded.moved(|septet| moved(VFD2, septet))),
            Self::Vftr => gsm_code(c).map(|coded| coded.moved(|septet| vftr(c, septet))),
        }
    }

    /// The character of a lone octet of a reply.
    fn char_of(self, octet: u8) -> Option<char> {
        let back = |table: Moved| {
            let moved = table.iter().find(|(_, there)| *there == octet);
            gsm::char_of(moved.map_or(octet, |(septet, _)| *septet))
        };
        match self {
            Self::Gsm => gsm::char_of(octet),
            Self::Latin1 => Some(char::from(octet)),
            Self::Ascii => octet.is_ascii().then(|| char::from(octet)),
            Self::TMobileNl if octet == SINGLE_EURO => Some('€'),
            Self::TMobileNl => gsm::char_of(octet),
            Self::AirwideIa5 => back(AIRWIDE_REPLIES),
            Self::Vfd2 => back(VFD2),
            Self::Vftr => match octet {
                0x7F => Some('Δ'),
                b'@' | b'$' | b'_' => Some(char::from(octet)),
                0x80.. => Some(char::from(octet)).filter(|c| gsm::septet(*c).is_some()),
                _ => gsm::char_of(octet),
            },
        }
    }
}

/// Latin letters and signs at their codes of ISO-8859-1, the Greek ones as in GSM.
fn vftr(c: char, septet: u8) -> u8 {
    match (c, u8::try_from(c)) {
        ('Δ', _) => 0x7F,
        (_, Ok(latin1)) => latin1,
        (_, Err(_)) => septet,
    }
}

fn moved(table: Moved, septet: u8) -> u8 {
    table.iter().find(|(there, _)| *there == septet).map_or(septet, |(_, here)| *here)
}

#[inline]
fn gsm_code(c: char) -> Option<Coded> {
    gsm::septet(c).map(Coded::one).or_else(|| gsm::extension_septet(c).map(Coded::pair))
}

/// A character as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    octets: [u8; 2],
    n_octets: u8,
    /// Septets, octets or UCS-2 units, whichever the alphabet counts in.
    pub(super) n_units: u8,
}

impl Coded {
    const fn one(octet: u8) -> Self {
        Self { octets: [octet, 0], n_octets: 1, n_units: 1 }
    }

    const fn pair(septet: u8) -> Self {
        Self { octets: [ESCAPE, septet], n_octets: 2, n_units: 2 }
    }

    /// With another octet, where it is a lone one.
    fn moved(mut self, place: impl FnOnce(u8) -> u8) -> Self {
        if let ([octet, _], 1) = (&mut self.octets, self.n_octets) {
            *octet = place(*octet);
        }
        self
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.n_octets)).unwrap_or(&self.octets)
    }

    pub(super) const fn n_octets(self) -> usize {
        self.n_octets as usize
    }
}

/// How `c` is written with these national tables.
pub(super) fn national_code(shifts: Shifts, c: char) -> Option<Coded> {
    shifts.septets(c).map(|septets| match septets {
        Septets::One(septet) => Coded::one(septet),
        Septets::Two(septet) => Coded::pair(septet),
    })
}

/// The text of octets in the default alphabet. Octets without a character become U+FFFD; a pair
/// that no table has shows its second half, as on a handset (3GPP TS 23.038, 6.2.1.1).
#[must_use]
pub fn decode_default(alphabet: DefaultAlphabet, shifts: Shifts, octets: &[u8]) -> String {
    let is_plain = shifts == Shifts::default();
    let base = |octet| if is_plain { alphabet.char_of(octet) } else { shifts.char_of(octet) };
    let mut text = String::with_capacity(octets.len());
    let mut octets = octets.iter().copied();
    while let Some(octet) = octets.next() {
        if octet != ESCAPE || !alphabet.is_seven_bit() {
            text.push(base(octet).unwrap_or(char::REPLACEMENT_CHARACTER));
            continue;
        }
        // An escape at the end was cut from its pair.
        if let Some(escaped) = octets.next() {
            let c = shifts.char_of_escaped(escaped).or_else(|| base(escaped));
            text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    text
}

/// The text of octets in UCS-2, with surrogate pairs; what is none becomes U+FFFD, and so does an
/// odd last octet.
#[must_use]
pub fn decode_ucs2(octets: &[u8]) -> String {
    let units = octets.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0xFFFD,
    });
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The text of octets with this data_coding (SMPP 3.4, 5.2.19); `None` for binary and for
/// alphabets that aren't known here.
#[must_use]
pub fn decode_text(data_coding: u8, alphabet: DefaultAlphabet, shifts: Shifts, octets: &[u8]) -> Option<String> {
    match alphabet_of(data_coding)? {
        CodedIn::Default => Some(decode_default(alphabet, shifts, octets)),
        CodedIn::Named(named) => Some(decode_default(named, Shifts::default(), octets)),
        CodedIn::Ucs2 => Some(decode_ucs2(octets)),
    }
}

/// What a data_coding says of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodedIn {
    /// The carrier's default alphabet.
    Default,
    /// This one, whatever the default.
    Named(DefaultAlphabet),
    Ucs2,
}

/// SMPP 3.4, 5.2.19, and the GSM data coding scheme where it sets its bits (3GPP TS 23.038, 4).
const fn alphabet_of(data_coding: u8) -> Option<CodedIn> {
    match data_coding {
        0x00 => Some(CodedIn::Default),
        0x01 => Some(CodedIn::Named(DefaultAlphabet::Ascii)),
        0x03 => Some(CodedIn::Named(DefaultAlphabet::Latin1)),
        0x08 => Some(CodedIn::Ucs2),
        // General data coding, uncompressed: bits 3 and 2 say which alphabet.
        0x10..=0x1F => match data_coding & 0x0C {
            0x00 => Some(CodedIn::Default),
            0x08 => Some(CodedIn::Ucs2),
            _ => None,
        },
        0xC0..=0xDF => Some(CodedIn::Default),
        0xE0..=0xEF => Some(CodedIn::Ucs2),
        // Data with a message class: bit 2 says whether it is binary.
        0xF0..=0xFF if data_coding & 0x04 == 0 => Some(CodedIn::Default),
        _ => None,
    }
}

/// The words for a data_coding, for people.
#[must_use]
pub const fn data_coding_name(data_coding: u8) -> &'static str {
    match data_coding {
        0x00 => "default alphabet",
        0x01 => "ASCII",
        0x02 | 0x04 => "binary",
        0x03 => "Latin-1",
        0x05 => "JIS",
        0x06 => "ISO-8859-5",
        0x07 => "ISO-8859-8",
        0x08 => "UCS-2",
        0x09 => "pictograms",
        0x0A => "ISO-2022-JP",
        0x0D => "extended kanji",
        0x0E => "KS C 5601",
        0x10 => "default alphabet, flash",
        0x18 => "UCS-2, flash",
        0x11..=0x13 => "default alphabet, class 1 to 3",
        0x19..=0x1B => "UCS-2, class 1 to 3",
        0x14..=0x17 | 0xF4..=0xF7 | 0xFC..=0xFF => "binary with a class",
        0xC0..=0xDF => "message waiting, default alphabet",
        0xE0..=0xEF => "message waiting, UCS-2",
        0xF0 => "GSM, flash",
        0xF1..=0xF3 | 0xF8..=0xFB => "GSM, class",
        _ => "reserved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(alphabet: DefaultAlphabet, text: &str) -> Option<Vec<u8>> {
        text.chars().map(|c| alphabet.code(c)).try_fold(Vec::new(), |mut out, coded| {
            out.extend_from_slice(coded?.octets());
            Some(out)
        })
    }

    #[test]
    fn vendors_tables_move_what_they_move() {
        let check = |alphabet, text, octets: &[u8]| assert_eq!(encode(alphabet, text).as_deref(), Some(octets));
        check(DefaultAlphabet::Vfd2, "@$ß¤¡ÑÜ§ñüäÄA", b"\x40\x24\x7E\x02\xA1\x5F\x5D\x5E\x1E\x7D\x7B\x5BA");
        check(DefaultAlphabet::Vftr, "@_£üàÄΔΓ{", b"\x40\x5F\xA3\xFC\xE0\xC4\x7F\x13\x1B\x28");
        check(DefaultAlphabet::TMobileNl, "€@", b"\x80\x00");
        check(DefaultAlphabet::AirwideIa5, "@$_", b"\x00\x02\x11");
        assert_eq!(encode(DefaultAlphabet::Ascii, "ä"), None);
        assert_eq!(encode(DefaultAlphabet::Latin1, "ä€"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for alphabet in DefaultAlphabet::ALL {
            for c in (0..0x3000).filter_map(char::from_u32) {
                // In replies Airwide's octets of these mean others.
                if alphabet == DefaultAlphabet::AirwideIa5 && "¡¤§".contains(c) {
                    continue;
                }
                if let Some(octets) = encode(alphabet, &c.to_string()) {
                    assert_eq!(decode_default(alphabet, Shifts::default(), &octets), c.to_string(), "{alphabet:?}");
                }
            }
        }
        assert_eq!(decode_default(DefaultAlphabet::AirwideIa5, Shifts::default(), b"@$_\x00"), "@$_@");
    }

    #[test]
    fn broken_text_is_read_as_far_as_it_goes() {
        assert_eq!(decode_default(DefaultAlphabet::Gsm, Shifts::default(), b"a\x1B\x65\x1Bz\xFF\x1B"), "a€z\u{FFFD}");
        assert_eq!(decode_ucs2(&[0xD8, 0x3D, 0xDE, 0x00, 0xD8, 0x3D, 0x00]), "😀\u{FFFD}\u{FFFD}");
        assert_eq!(decode_text(0xF0, DefaultAlphabet::Latin1, Shifts::default(), b"A").as_deref(), Some("A"));
        assert_eq!(decode_text(0x19, DefaultAlphabet::Gsm, Shifts::default(), &[4, 0x4F]).as_deref(), Some("я"));
        assert_eq!(decode_text(0x04, DefaultAlphabet::Gsm, Shifts::default(), b"A"), None);
    }
}
