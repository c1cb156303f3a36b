//! Smart encoding: characters that may be replaced so that a text fits the GSM alphabet
//! (HANDBOOK B.9).

use unicode_normalization::UnicodeNormalization as _;

use super::gsm_septets;

/// How far replacing goes; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Smart {
    /// Nothing is replaced.
    #[default]
    None,
    /// Typographic punctuation and spaces.
    Punct,
    /// Accents that the GSM alphabet lacks.
    Accents,
    /// Greek capitals that look like Latin ones.
    Lookalike,
}

/// Appends `text` with what the level may replace replaced; `false` (and nothing appended) when
/// the level replaces nothing. Words that are links stay as they are.
pub fn simplify(text: &str, smart: Smart, out: &mut String) -> bool {
    if smart == Smart::None {
        return false;
    }
    for word in text.split_inclusive(char::is_whitespace) {
        if is_link(word) {
            out.push_str(word);
        } else {
            word.nfc().for_each(|c| put_simple(c, smart, out));
        }
    }
    true
}

fn is_link(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '<', '"', '\'', '[']);
    word.contains("://") || word.starts_with("www.")
}

fn put_simple(c: char, smart: Smart, out: &mut String) {
    if gsm_septets(c).is_some() {
        return out.push(c);
    }
    if let Some(plain) = punctuation(c) {
        return out.push_str(plain);
    }
    if ('\u{FF01}'..='\u{FF5E}').contains(&c) {
        let ascii = char::from_u32(c as u32 - 0xFEE0).unwrap_or(c);
        return put_simple(ascii, smart, out);
    }
    if smart >= Smart::Accents
        && let Some(plain) = without_accent(c)
    {
        return out.push_str(&plain);
    }
    if smart >= Smart::Lookalike
        && let Some(latin) = lookalike(c)
    {
        return out.push(latin);
    }
    out.push(c);
}

/// Level "punct": no change of meaning.
fn punctuation(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2BB}' | '\u{2BC}' | '\u{2B9}' | '\u{2032}' | '\u{FF07}'
        | '\u{B4}' | '`' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{AB}' | '\u{BB}' | '\u{2BA}' | '\u{2033}'
        | '\u{FF02}' | '\u{301D}' | '\u{301E}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => "-",
        '\u{2026}' => "...",
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\t' => " ",
        '\u{200B}' | '\u{200C}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}' => "",
        c if c < ' ' => "",
        '\u{2028}' | '\u{2029}' => "\n",
        '\u{2022}' | '\u{2023}' | '\u{25CF}' | '\u{25AA}' => "-",
        '\u{2039}' => "<",
        '\u{203A}' => ">",
        '\u{201A}' => ",",
        '\u{BC}' => "1/4",
        '\u{BD}' => "1/2",
        '\u{BE}' => "3/4",
        '\u{F7}' | '\u{2044}' | '\u{2215}' | '\u{FF0F}' => "/",
        '\u{2217}' | '\u{204E}' | '\u{2731}' => "*",
        '\u{203C}' => "!!",
        _ => return None,
    })
}

/// Level "accents": the base letter, if that is in the alphabet.
fn without_accent(c: char) -> Option<String> {
    let special = match c {
        'Ł' => "L",
        'ł' => "l",
        'Đ' => "D",
        'đ' => "d",
        'ı' => "i",
        'Œ' => "OE",
        'œ' => "oe",
        'þ' => "th",
        'Þ' => "TH",
        'ŋ' => "n",
        'Ŋ' => "N",
        _ => "",
    };
    if !special.is_empty() {
        return Some(special.to_owned());
    }
    let base: String =
        std::iter::once(c).nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    (base.chars().ne(std::iter::once(c)) && base.chars().all(|c| gsm_septets(c).is_some())).then_some(base)
}

/// Level "lookalike": Greek capitals that look Latin; accented ones lose the tonos first.
fn lookalike(c: char) -> Option<char> {
    let base = std::iter::once(c).nfd().next().unwrap_or(c);
    Some(match base {
        'Α' => 'A',
        'Β' => 'B',
        'Ε' => 'E',
        'Ζ' => 'Z',
        'Η' => 'H',
        'Ι' => 'I',
        'Κ' => 'K',
        'Μ' => 'M',
        'Ν' => 'N',
        'Ο' => 'O',
        'Ρ' => 'P',
        'Τ' => 'T',
        'Υ' => 'Y',
        'Χ' => 'X',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, smart: Smart, expected: &str) {
        let mut out = String::new();
        assert!(simplify(text, smart, &mut out));
        assert_eq!(out, expected);
    }

    #[test]
    fn each_level_replaces_what_it_says() {
        check("It’s “quoted” – ok…", Smart::Punct, "It's \"quoted\" - ok...");
        check("ＡＢＣ１２３", Smart::Punct, "ABC123");
        check("e\u{301}\u{A0}x", Smart::Punct, "é x");
        check("Łódź ç", Smart::Punct, "Łódź ç");
        check("Łódź ç é", Smart::Accents, "Lodz c é");
        check("ΚΑΛΗΜΕΡΑ Ά", Smart::Lookalike, "KAΛHMEPA A");
    }

    #[test]
    fn links_stay_as_they_are() {
        check("see https://x.example/a–b –", Smart::Lookalike, "see https://x.example/a–b -");
    }
}
