//! National language tables (3GPP TS 23.038, Annex A; HANDBOOK B.8): a locking table stands in the
//! place of the default alphabet, a single shift table in the place of its extension. Which of them
//! a message uses is said in its user data header.

mod runs;

use super::gsm::{self, ESCAPE};

/// A language with tables of its own; the number is the identifier in the user data header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the standard's own")]
#[repr(u8)]
pub enum Language {
    Turkish = 1,
    Spanish = 2,
    Portuguese = 3,
    Bengali = 4,
    Gujarati = 5,
    Hindi = 6,
    Kannada = 7,
    Malayalam = 8,
    Oriya = 9,
    Punjabi = 10,
    Tamil = 11,
    Telugu = 12,
    Urdu = 13,
}

impl Language {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// From the identifier in a user data header.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id).checked_sub(1)?).copied()
    }

    /// From its ISO 639-1 code, such as "tr".
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Its ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Turkish => "tr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Bengali => "bn",
            Self::Gujarati => "gu",
            Self::Hindi => "hi",
            Self::Kannada => "kn",
            Self::Malayalam => "ml",
            Self::Oriya => "or",
            Self::Punjabi => "pa",
            Self::Tamil => "ta",
            Self::Telugu => "te",
            Self::Urdu => "ur",
        }
    }

    /// Whether it has a locking table; Spanish has none.
    #[must_use]
    pub const fn has_locking_table(self) -> bool {
        !matches!(self, Self::Spanish)
    }

    const fn tables(self) -> &'static Tables {
        match self {
            Self::Turkish => &runs::TURKISH,
            Self::Spanish => &runs::SPANISH,
            Self::Portuguese => &runs::PORTUGUESE,
            Self::Bengali => &runs::BENGALI,
            Self::Gujarati => &runs::GUJARATI,
            Self::Hindi => &runs::HINDI,
            Self::Kannada => &runs::KANNADA,
            Self::Malayalam => &runs::MALAYALAM,
            Self::Oriya => &runs::ORIYA,
            Self::Punjabi => &runs::PUNJABI,
            Self::Tamil => &runs::TAMIL,
            Self::Telugu => &runs::TELUGU,
            Self::Urdu => &runs::URDU,
        }
    }
}

/// Languages whose tables a carrier is known to take. None by default: handsets and SMSCs must
/// know them too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Languages(u16);

impl Languages {
    /// None: only the default alphabet and its extension.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each in turn.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(move |language| self.0 & 1 << *language as u16 != 0)
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<T: IntoIterator<Item = Language>>(languages: T) -> Self {
        Self(languages.into_iter().fold(0, |bits, language| bits | 1 << language as u16))
    }
}

/// The tables that one message uses; none is the default alphabet and its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shifts {
    /// In the place of the default alphabet. One without a locking table counts as none.
    pub locking: Option<Language>,
    /// In the place of the extension.
    pub single: Option<Language>,
}

/// How a character is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Septets {
    One(u8),
    /// Behind an escape.
    Two(u8),
}

impl Shifts {
    /// Octets of the information elements that name the tables: three for each.
    #[must_use]
    pub fn element_octets(self) -> usize {
        3 * (usize::from(self.locking_chars().is_some()) + usize::from(self.single.is_some()))
    }

    /// Appends the information elements: single shift first.
    pub fn put_elements(self, out: &mut Vec<u8>) {
        if let Some(language) = self.single {
            out.extend([SINGLE_SHIFT, 1, language as u8]);
        }
        if let Some(language) = self.locking.filter(|language| language.has_locking_table()) {
            out.extend([LOCKING_SHIFT, 1, language as u8]);
        }
    }

    fn locking_chars(self) -> Option<&'static Chars> {
        self.locking.and_then(|language| language.tables().locking.as_ref())
    }

    /// How `c` is written, the shorter way where there are two.
    pub(super) fn septets(self, c: char) -> Option<Septets> {
        let one = match self.locking_chars() {
            None => gsm::septet(c),
            Some(chars) => chars.find(c),
        };
        one.map(Septets::One).or_else(|| {
            let two = match self.single {
                None => gsm::extension_septet(c),
                Some(language) => language.tables().single.find(c),
            };
            two.map(Septets::Two)
        })
    }

    /// The character of a septet of the locking table, if it has one.
    #[must_use]
    pub fn char_of(self, septet: u8) -> Option<char> {
        match self.locking_chars() {
            None => gsm::char_of(septet),
            Some(chars) => chars.char_of(septet),
        }
    }

    /// The character of a septet behind an escape, if there is one.
    #[must_use]
    pub fn char_of_escaped(self, septet: u8) -> Option<char> {
        match self.single {
            None => gsm::extension_char_of(septet),
            Some(language) => language.tables().single.char_of(septet),
        }
    }
}

/// Information element: national language single shift (3GPP TS 23.040, 9.2.3.24.15).
pub(super) const SINGLE_SHIFT: u8 = 0x24;
/// Information element: national language locking shift (3GPP TS 23.040, 9.2.3.24.16).
pub(super) const LOCKING_SHIFT: u8 = 0x25;

/// The two tables of a language.
#[derive(Debug)]
struct Tables {
    locking: Option<Chars>,
    single: Chars,
}

/// Stands where a table has no character.
const NOTHING: u16 = 0xFFFF;

/// A table, and its characters in order for the way back.
#[derive(Debug)]
struct Chars {
    by_septet: [u16; 128],
    by_char: [(u16, u8); 128],
}

/// Septet, first character, and how many follow one another.
type Run = (u8, u16, u8);

impl Chars {
    #[expect(clippy::indexing_slicing, reason = "computed at build time, where a wrong index fails the build")]
    const fn new(base: [u16; 128], runs: &[Run]) -> Self {
        let mut by_septet = base;
        let mut n = 0;
        while n < runs.len() {
            let (septet, first, count) = runs[n];
            let mut k = 0;
            while k < count {
                by_septet[(septet + k) as usize] = first + k as u16;
                k += 1;
            }
            n += 1;
        }
        // Insertion sort; equal characters stay in the order of their septets, the first counts.
        let mut by_char = [(NOTHING, 0); 128];
        let mut septet = 0;
        while septet < 128 {
            let entry = (by_septet[septet], septet as u8);
            let mut at = septet;
            while at > 0 && by_char[at - 1].0 > entry.0 {
                by_char[at] = by_char[at - 1];
                at -= 1;
            }
            by_char[at] = entry;
            septet += 1;
        }
        Self { by_septet, by_char }
    }

    fn find(&self, c: char) -> Option<u8> {
        let c = u16::try_from(c as u32).ok().filter(|c| *c != NOTHING && *c != u16::from(ESCAPE))?;
        let at = self.by_char.partition_point(|(known, _)| *known < c);
        self.by_char.get(at).filter(|(known, _)| *known == c).map(|(_, septet)| *septet)
    }

    fn char_of(&self, septet: u8) -> Option<char> {
        let c = *self.by_septet.get(usize::from(septet))?;
        if c == NOTHING { None } else { char::from_u32(u32::from(c)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_every_table_finds_its_septet() {
        for language in Language::ALL {
            let shifts = Shifts { locking: Some(language), single: Some(language) };
            for septet in (0..128).filter(|septet| *septet != ESCAPE) {
                if let Some(c) = shifts.char_of(septet) {
                    assert_eq!(shifts.septets(c), Some(Septets::One(septet)), "{language:?} {c:?}");
                }
                if let Some(c) = shifts.char_of_escaped(septet) {
                    let back = match shifts.septets(c) {
                        Some(Septets::One(septet)) => shifts.char_of(septet),
                        Some(Septets::Two(septet)) => shifts.char_of_escaped(septet),
                        None => None,
                    };
                    assert_eq!(back, Some(c), "{language:?} {septet:02X}");
                }
            }
            assert_eq!(Language::from_id(language as u8), Some(language));
            assert_eq!(Language::from_code(language.code()), Some(language));
        }
        assert_eq!((Language::from_id(0), Language::from_id(14)), (None, None));
    }

    #[test]
    fn some_characters_stand_where_the_standard_says() {
        let single = |language| Shifts { locking: None, single: Some(language) };
        let locking = |language| Shifts { locking: Some(language), single: None };
        assert_eq!(single(Language::Turkish).septets('ş'), Some(Septets::Two(0x73)));
        assert_eq!(locking(Language::Turkish).septets('€'), Some(Septets::One(0x04)));
        assert_eq!(locking(Language::Spanish).septets('é'), Some(Septets::One(0x05)));
        assert_eq!(locking(Language::Kannada).char_of(0x24), Some('\u{CA1}'));
        assert_eq!(locking(Language::Hindi).septets('A'), None);
        assert_eq!(single(Language::Hindi).septets('Z'), Some(Septets::One(0x5A)));
    }

    #[test]
    fn elements_name_the_tables() {
        let both = Shifts { locking: Some(Language::Turkish), single: Some(Language::Turkish) };
        let mut out = Vec::new();
        both.put_elements(&mut out);
        assert_eq!((out.as_slice(), both.element_octets()), (&[0x24, 1, 1, 0x25, 1, 1][..], 6));
        let spanish = Shifts { locking: Some(Language::Spanish), single: None };
        assert_eq!(spanish.element_octets(), 0);
        let languages: Languages = [Language::Urdu, Language::Turkish].into_iter().collect();
        assert_eq!(languages.iter().collect::<Vec<_>>(), [Language::Turkish, Language::Urdu]);
    }
}
