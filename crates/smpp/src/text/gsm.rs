//! GSM 03.38: the default alphabet and its extension (3GPP TS 23.038, 6.2.1; HANDBOOK B.5).

/// Comes before a code of the extension table.
pub(super) const ESCAPE: u8 = 0x1B;

/// The default alphabet; the escape itself stands for no character.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// [`DEFAULT`] as numbers, the base of the European locking tables.
pub(super) const DEFAULT_CODES: [u16; 128] = codes(&DEFAULT);

/// The extension by septet. The escape itself, kept for a further table, shows as a blank.
#[expect(clippy::indexing_slicing, reason = "computed at build time, where a wrong index fails the build")]
pub(super) const EXTENSION_CODES: [u16; 128] = {
    let mut codes = [0xFFFF; 128];
    codes[ESCAPE as usize] = ' ' as u16;
    let mut n = 0;
    while n < EXTENSION.len() {
        codes[EXTENSION[n].0 as usize] = EXTENSION[n].1 as u16;
        n += 1;
    }
    codes
};

#[expect(clippy::indexing_slicing, reason = "computed at build time, where a wrong index fails the build")]
const fn codes(chars: &[char; 128]) -> [u16; 128] {
    let mut codes = [0; 128];
    let mut n = 0;
    while n < 128 {
        codes[n] = chars[n] as u16;
        n += 1;
    }
    codes
}

/// How a character below U+0100 is written: its code, a code of the extension, or not at all.
#[derive(Clone, Copy)]
enum Code {
    Default(u8),
    Extension(u8),
    None,
}

/// Nearly all characters of nearly all texts lie below U+0100: one look-up each.
#[expect(clippy::indexing_slicing, reason = "computed at build time, where a wrong index fails the build")]
const LATIN: [Code; 256] = {
    let mut codes = [Code::None; 256];
    let mut septet = 0;
    while septet < 128 {
        let c = DEFAULT[septet] as usize;
        if c < 256 && septet != ESCAPE as usize {
            codes[c] = Code::Default(septet as u8);
        }
        septet += 1;
    }
    let mut n = 0;
    while n < EXTENSION.len() {
        let (septet, c) = EXTENSION[n];
        if (c as usize) < 256 {
            codes[c as usize] = Code::Extension(septet);
        }
        n += 1;
    }
    codes
};

fn code(c: char) -> Code {
    if let Some(code) = LATIN.get(c as usize) {
        return *code;
    }
    match c {
        '€' => Code::Extension(0x65),
        'Γ' => Code::Default(0x13),
        'Δ' => Code::Default(0x10),
        'Θ' => Code::Default(0x19),
        'Λ' => Code::Default(0x14),
        'Ξ' => Code::Default(0x1A),
        'Π' => Code::Default(0x16),
        'Σ' => Code::Default(0x18),
        'Φ' => Code::Default(0x12),
        'Ψ' => Code::Default(0x17),
        'Ω' => Code::Default(0x15),
        _ => Code::None,
    }
}

/// Its septet in the default alphabet.
pub(super) fn septet(c: char) -> Option<u8> {
    match code(c) {
        Code::Default(septet) => Some(septet),
        Code::Extension(_) | Code::None => None,
    }
}

/// Its septet behind the escape.
pub(super) fn extension_septet(c: char) -> Option<u8> {
    match code(c) {
        Code::Extension(septet) => Some(septet),
        Code::Default(_) | Code::None => None,
    }
}

/// The character of a septet; the escape stands for itself.
pub(super) fn char_of(septet: u8) -> Option<char> {
    DEFAULT.get(usize::from(septet)).copied()
}

/// The character of a septet behind the escape.
pub(super) fn extension_char_of(septet: u8) -> Option<char> {
    let code = EXTENSION_CODES.get(usize::from(septet)).copied().filter(|code| *code != 0xFFFF)?;
    char::from_u32(u32::from(code))
}

/// Septets that a character takes: 1, or 2 for the extension; `None` when it is not in the alphabet.
#[must_use]
pub fn gsm_septets(c: char) -> Option<usize> {
    match code(c) {
        Code::Default(_) => Some(1),
        Code::Extension(_) => Some(2),
        Code::None => None,
    }
}

/// Appends `text` with one septet in each octet, as SMPP carries it; `false` when a character is
/// not in the alphabet (what was appended is of no use then).
pub fn put_gsm(text: &str, out: &mut Vec<u8>) -> bool {
    for c in text.chars() {
        match code(c) {
            Code::Default(septet) => out.push(septet),
            Code::Extension(septet) => out.extend([ESCAPE, septet]),
            Code::None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_alphabet_has_its_codes() {
        for (septet, c) in DEFAULT.iter().enumerate().filter(|(septet, _)| *septet != usize::from(ESCAPE)) {
            let mut out = Vec::new();
            assert!(put_gsm(&c.to_string(), &mut out));
            assert_eq!(out, [septet as u8], "{c:?}");
        }
        let mut out = Vec::new();
        assert!(put_gsm("\u{0C}^{}\\[~]|€", &mut out));
        assert_eq!(
            out,
            [
                0x1B, 0x0A, 0x1B, 0x14, 0x1B, 0x28, 0x1B, 0x29, 0x1B, 0x2F, 0x1B, 0x3C, 0x1B, 0x3D, 0x1B, 0x3E, 0x1B,
                0x40, 0x1B, 0x65
            ]
        );
    }

    #[test]
    fn what_looks_like_the_alphabet_is_not_in_it() {
        for c in ['`', 'ç', '\t', 'α', 'Α', '’', '\u{A0}', '\u{1B}', 'я'] {
            assert_eq!(gsm_septets(c), None, "{c:?}");
        }
    }
}
