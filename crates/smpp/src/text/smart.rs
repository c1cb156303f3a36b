//! Smart encoding: characters that may be replaced so that a text fits the GSM alphabet
//! (HANDBOOK B.9).

use std::{ops::Range, str::FromStr};

use unicode_normalization::{
    IsNormalized, UnicodeNormalization as _,
    char::{canonical_combining_class, is_combining_mark},
    is_nfc_quick,
};

use super::{gsm_septets, romanise::romanise};

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
    /// Cyrillic and Greek by published schemes. It changes the script, so no other level leads to
    /// it, and no default.
    Full,
}

/// No level of smart encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level of smart encoding: none, punct, accents, lookalike and full are")]
pub struct UnknownLevel(pub String);

impl Smart {
    /// All, from nothing to the most.
    pub const ALL: [Self; 5] = [Self::None, Self::Punct, Self::Accents, Self::Lookalike, Self::Full];

    /// Its name in a campaign file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Punct => "punct",
            Self::Accents => "accents",
            Self::Lookalike => "lookalike",
            Self::Full => "full",
        }
    }
}

impl FromStr for Smart {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        let known = Self::ALL.into_iter().find(|level| level.name() == name);
        known.ok_or_else(|| UnknownLevel(name.chars().take(40).collect()))
    }
}

/// Appends `text` with what the level may replace replaced; `false` (and nothing appended) when
/// the level replaces nothing. Links and `{{ placeholders }}` stay as they are, and so do the
/// ranges of octets in `keep`, which are in order and don't overlap.
pub fn simplify(text: &str, smart: Smart, keep: &[Range<usize>], out: &mut String) -> bool {
    if smart == Smart::None || !text.chars().any(|c| may_change(c, smart)) {
        return false;
    }
    let mut start = 0;
    for kept in keep {
        simplify_free(text.get(start..kept.start).unwrap_or_default(), smart, out);
        out.push_str(text.get(kept.clone()).unwrap_or_default());
        start = kept.end;
    }
    simplify_free(text.get(start..).unwrap_or_default(), smart, out);
    true
}

/// Whether the level may do something about `c`. Most texts in other scripts have nothing of the
/// kind, and are done with here.
fn may_change(c: char, smart: Smart) -> bool {
    if gsm_septets(c).is_some() {
        return false;
    }
    punctuation(c).is_some()
        || ('\u{FF01}'..='\u{FF5E}').contains(&c)
        || is_nfc_quick(std::iter::once(c)) != IsNormalized::Yes
        || smart >= Smart::Accents && (is_combining_mark(c) || put_without_accent(c, &mut String::new()))
        || smart >= Smart::Lookalike && lookalike(c).is_some()
        || smart == Smart::Full && romanise(c, &mut String::new())
}

/// A text without ranges to keep: all but its placeholders.
fn simplify_free(text: &str, smart: Smart, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((placeholder, next)) = after.split_once("}}")
    {
        simplify_words(before, smart, out);
        out.extend(["{{", placeholder, "}}"]);
        rest = next;
    }
    simplify_words(rest, smart, out);
}

fn simplify_words(text: &str, smart: Smart, out: &mut String) {
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let word = rest.split_inclusive(char::is_whitespace).next().unwrap_or(rest);
        match link_in(word) {
            Some(link) => {
                simplify_piece(word.get(..link.start).unwrap_or_default(), smart, out);
                out.push_str(word.get(link.clone()).unwrap_or_default());
                simplify_piece(word.get(link.end..).unwrap_or_default(), smart, out);
            }
            None => simplify_piece(word, smart, out),
        }
        start += word.len();
    }
}

fn simplify_piece(piece: &str, smart: Smart, out: &mut String) {
    let mut before = None;
    let mut chars = piece.nfc().peekable();
    while let Some(c) = chars.next() {
        let joins =
            c == ZERO_WIDTH_JOINER && (before.is_some_and(is_emoji) || chars.peek().is_some_and(|c| is_emoji(*c)));
        if joins {
            out.push(c);
        } else {
            put_simple(c, smart, out);
        }
        before = Some(c);
    }
}

const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Pictographs and what varies them: enough to tell a joiner between emoji from one in a word.
const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2190}'..='\u{2BFF}' | '\u{FE0F}')
}

/// Where a link stands in a word: with a scheme, with `www.`, or a domain with a path. Quotes and
/// brackets around it, and a full stop or the like behind it, are no part of it.
fn link_in(word: &str) -> Option<Range<usize>> {
    let is_around = |c: char| c.is_whitespace() || "()<>[]{}\"'“”„‘’‚«»‹›,;!…".contains(c);
    let start = word.len() - word.trim_start_matches(is_around).len();
    let end = word.trim_end_matches(|c| is_around(c) || ".:?–—".contains(c)).len();
    let link = word.get(start..end)?;
    let has_scheme = link.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    });
    let has_path = || {
        let (host, _) = link.split_once(['/', '?'])?;
        let (_, top) = host.rsplit_once('.')?;
        let is_host = host.chars().all(|c| c.is_alphanumeric() || ".-:".contains(c));
        Some(is_host && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic))
    };
    let begins_www = link.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("www."));
    (has_scheme || begins_www || has_path().unwrap_or(false)).then_some(start..end)
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
    if smart >= Smart::Accents {
        // A mark that composition left alone; on letters of other scripts it is part of the word.
        let on_latin =
            || out.chars().next_back().is_some_and(|base| base.is_alphabetic() && gsm_septets(base).is_some());
        if canonical_combining_class(c) != 0 && on_latin() {
            return;
        }
        if put_without_accent(c, out) {
            return;
        }
    }
    if smart >= Smart::Lookalike
        && let Some(latin) = lookalike(c)
    {
        return out.push(latin);
    }
    if smart == Smart::Full && romanise(c, out) {
        return;
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
        '\u{200B}' | '\u{200C}' | ZERO_WIDTH_JOINER | '\u{2060}' | '\u{FEFF}' | '\u{AD}' => "",
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
        '\u{2217}' | '\u{204E}' | '\u{2731}'..='\u{2733}' => "*",
        '\u{203C}' => "!!",
        _ => return None,
    })
}

/// Level "accents": appends the base letter, if that is in the alphabet.
fn put_without_accent(c: char, out: &mut String) -> bool {
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
        out.push_str(special);
        return true;
    }
    let base = || std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c));
    let has_plain_base = base().next().is_some_and(|first| first != c) && base().all(|c| gsm_septets(c).is_some());
    if has_plain_base {
        out.extend(base());
    }
    has_plain_base
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
        let changed = simplify(text, smart, &[], &mut out);
        assert_eq!(if changed { &out } else { text }, expected);
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
        check("“https://x.example/ä’b”…", Smart::Punct, "\"https://x.example/ä’b\"...");
        check("(www.x.example/–a)", Smart::Punct, "(www.x.example/–a)");
        check("go to bit.ly/a–b, now–", Smart::Punct, "go to bit.ly/a–b, now-");
        check("3.5/4–5 km, and/or–x", Smart::Punct, "3.5/4-5 km, and/or-x");
        check("HTTP://X.EXAMPLE/–?", Smart::Punct, "HTTP://X.EXAMPLE/-?");
    }

    #[test]
    fn placeholders_stay_as_they_are() {
        check("“{{ first–name }}” – {{", Smart::Punct, "\"{{ first–name }}\" - {{");
        check("{{ a }}{{ ł }}ł}}", Smart::Accents, "{{ a }}{{ ł }}l}}");
    }

    #[test]
    fn marked_codes_stay_as_they_are() {
        let text = "code A–1’ – it’s";
        let mut out = String::new();
        let start = text.find('A').unwrap();
        let code = start..start + "A–1’".len();
        assert!(simplify(text, Smart::Punct, std::slice::from_ref(&code), &mut out));
        assert_eq!(out, "code A–1’ - it's");
    }

    #[test]
    fn marks_fall_from_latin_letters_alone() {
        check("x\u{302}y", Smart::Accents, "xy");
        check("नमस्ते", Smart::Full, "नमस्ते");
        check("й", Smart::Accents, "й");
        check("ấ ß ñ ø", Smart::Accents, "a ß ñ ø");
    }

    #[test]
    fn joiners_stay_between_emoji() {
        check("👩\u{200D}👧 a\u{200D}b", Smart::Punct, "👩\u{200D}👧 ab");
    }

    #[test]
    fn what_nothing_is_done_about_is_told_at_once() {
        for (text, smart) in [("Привет, мир й", Smart::Accents), ("plain € text", Smart::Full), ("你好", Smart::Full)]
        {
            let mut out = String::new();
            assert!(!simplify(text, smart, &[], &mut out) && out.is_empty(), "{text}");
        }
        // Jamo compose, marks do, and some signs are other names of letters.
        check("\u{1112}\u{1161}\u{11AB}", Smart::Punct, "한");
        check("e\u{301}", Smart::Punct, "é");
        check("\u{212B}\u{2126}", Smart::Punct, "ÅΩ");
        check("x\u{336}", Smart::Accents, "x");
    }

    #[test]
    fn levels_have_names() {
        for level in Smart::ALL {
            assert_eq!(level.name().parse(), Ok(level));
        }
        assert_eq!(
            "most".parse::<Smart>().unwrap_err().to_string().split(':').next(),
            Some("`most` is no level of smart encoding")
        );
    }
}
