//! A text cut into segments (HANDBOOK B.6, B.7): one alphabet for all of it, segments filled from
//! the front, and nothing cut that belongs together.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::{
    alphabet::{Coded, DefaultAlphabet, national_code},
    gsm::put_gsm,
    national::{Languages, Shifts},
    smart::{Smart, simplify},
    udh::{Concat, Part},
};

/// The alphabet of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// The carrier's default alphabet, one character (or half of an extension pair) in an octet.
    #[default]
    Default,
    /// GSM with the national tables that its header names.
    National(Shifts),
    /// UCS-2 big-endian, with surrogate pairs.
    Ucs2,
}

impl Encoding {
    /// The value for `data_coding` (SMPP 3.4, 5.2.19).
    #[must_use]
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Default | Self::National(_) => 0,
            Self::Ucs2 => 8,
        }
    }

    const fn shifts(self) -> Shifts {
        match self {
            Self::National(shifts) => shifts,
            Self::Default | Self::Ucs2 => Shifts { locking: None, single: None },
        }
    }
}

/// Where a text may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Split {
    /// Between grapheme clusters: what a person sees as one character stays whole, unless it is
    /// longer than a segment.
    #[default]
    Grapheme,
    /// Between any two characters.
    CodePoint,
}

/// How a text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentOptions {
    /// What data_coding 0 means.
    pub alphabet: DefaultAlphabet,
    /// How segments are tied together.
    pub concat: Concat,
    /// Which characters may be replaced.
    pub smart: Smart,
    /// National tables that may be used, where a header can name them.
    pub languages: Languages,
    /// Where a text may be cut.
    pub split: Split,
    /// Texts that need more are refused. Default: 255, the most that the format has.
    pub max_segments: u8,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            alphabet: DefaultAlphabet::Gsm,
            concat: Concat::Udh8,
            smart: Smart::None,
            languages: Languages::NONE,
            split: Split::Grapheme,
            max_segments: u8::MAX,
        }
    }
}

/// A text that needs more segments than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text needs {needed} segments: at most {max} are allowed")]
pub struct TooManySegments {
    /// Segments that it needs.
    pub needed: usize,
    /// Segments that are allowed.
    pub max: u8,
}

/// Where a segment ends.
#[derive(Debug, Clone, Copy)]
struct End {
    octet: usize,
    text: usize,
    n_units: usize,
}

/// A text cut into segments. Reused from text to text, it allocates nothing once warm.
#[derive(Debug, Default)]
pub struct Segments {
    octets: Vec<u8>,
    ends: Vec<End>,
    encoding: Encoding,
    concat: Concat,
    n_on_air: usize,
    simplified: String,
    is_simplified: bool,
}

impl Segments {
    /// The alphabet of the whole message.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many there are to submit; at least 1, also for an empty text.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing was cut yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many are billed. The same as [`Segments::len`], except in message_payload: there the
    /// SMSC cuts, and this is what a header with an 8-bit reference would need.
    #[must_use]
    pub const fn n_on_air(&self) -> usize {
        self.n_on_air
    }

    /// The octets of segment `index`, without a header.
    #[must_use]
    pub fn octets(&self, index: usize) -> &[u8] {
        self.octets.get(self.range(index, |end| end.octet)).unwrap_or_default()
    }

    /// Septets, octets or UCS-2 units of segment `index`.
    #[must_use]
    pub fn units(&self, index: usize) -> usize {
        self.ends.get(index).map_or(0, |end| end.n_units)
    }

    /// The text that was cut: `original`, or what smart encoding made of it.
    #[must_use]
    pub fn text<'a>(&'a self, original: &'a str) -> &'a str {
        if self.is_simplified { &self.simplified } else { original }
    }

    /// The text of segment `index`.
    #[must_use]
    pub fn part_text<'a>(&'a self, original: &'a str, index: usize) -> &'a str {
        self.text(original).get(self.range(index, |end| end.text)).unwrap_or_default()
    }

    fn range(&self, index: usize, at: impl Fn(&End) -> usize) -> Range<usize> {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, &at);
        start..self.ends.get(index).map_or(start, &at)
    }

    /// Appends the user data header of segment `index`, with its length in front; nothing where it
    /// needs none.
    pub fn put_header(&self, index: usize, reference: u16, out: &mut Vec<u8>) {
        let several = self.len() > 1;
        let shifts = self.encoding.shifts();
        if several || shifts != Shifts::default() {
            self.concat.put_header(several.then(|| self.part(index, reference)), shifts, out);
        }
    }

    /// Which part segment `index` is.
    #[must_use]
    pub fn part(&self, index: usize, reference: u16) -> Part {
        // At most 255: more are refused.
        Part { reference, total: self.len() as u8, number: index as u8 + 1 }
    }

    /// Cuts `text`.
    ///
    /// # Errors
    /// When it needs more segments than allowed; it is never shortened.
    pub fn cut(&mut self, text: &str, options: &SegmentOptions) -> Result<(), TooManySegments> {
        self.cut_keeping(text, &[], options)
    }

    /// Cuts `text`, in which smart encoding leaves these ranges of octets alone: one-time codes
    /// and the like. They are in order and don't overlap.
    ///
    /// # Errors
    /// When it needs more segments than allowed; it is never shortened.
    pub fn cut_keeping(
        &mut self,
        text: &str,
        keep: &[Range<usize>],
        options: &SegmentOptions,
    ) -> Result<(), TooManySegments> {
        self.is_simplified = false;
        let plain = Coding { encoding: Encoding::Default, alphabet: options.alphabet };
        let Some(n_units) = plain.put(text, &mut self.octets) else { return self.cut_otherwise(text, keep, options) };
        self.finish(text, plain, n_units, options)
    }

    /// Cuts `text` in the encoding given, whether a cheaper one would do or not. Nothing is
    /// replaced.
    ///
    /// # Errors
    /// When it needs more segments than allowed, or, as 0 of them, when a character is not in the
    /// encoding.
    pub fn cut_as(&mut self, text: &str, encoding: Encoding, options: &SegmentOptions) -> Result<(), TooManySegments> {
        self.is_simplified = false;
        let coding = Coding { encoding, alphabet: options.alphabet };
        let Some(n_units) = coding.put(text, &mut self.octets) else {
            self.ends.clear();
            return Err(TooManySegments { needed: 0, max: options.max_segments });
        };
        self.finish(text, coding, n_units, options)
    }

    /// The text as it stands is not in the default alphabet: fewest segments win, and among
    /// equals what is closest to the text. The exception is a text that smart encoding brings into
    /// the default alphabet; that is what it was asked for.
    fn cut_otherwise(
        &mut self,
        text: &str,
        keep: &[Range<usize>],
        options: &SegmentOptions,
    ) -> Result<(), TooManySegments> {
        let mut simplified = std::mem::take(&mut self.simplified);
        simplified.clear();
        let changed = simplify(text, options.smart, keep, &mut simplified);
        let best = match changed {
            false => Candidate { coding: otherwise(text, options), is_simplified: false },
            true => best_of_both(text, &simplified, options),
        };
        self.is_simplified = best.is_simplified;
        let chosen = if best.is_simplified { simplified.as_str() } else { text };
        let n_units = best.coding.put(chosen, &mut self.octets).unwrap_or(0);
        let result = self.finish(chosen, best.coding, n_units, options);
        self.simplified = simplified;
        result
    }

    /// Finds where the segments end; `octets` holds the whole text.
    fn finish(
        &mut self,
        text: &str,
        coding: Coding,
        n_units: usize,
        options: &SegmentOptions,
    ) -> Result<(), TooManySegments> {
        self.encoding = coding.encoding;
        self.concat = options.concat;
        self.ends.clear();
        let whole = End { octet: self.octets.len(), text: text.len(), n_units };
        let sizes = coding.sizes(options.concat);
        if n_units <= sizes.alone {
            self.ends.push(whole);
        } else {
            coding.find_ends(text, sizes.together, options.split, &mut self.ends);
        }
        self.n_on_air = self.ends.len();
        if options.concat == Concat::Payload {
            self.ends.clear();
            self.ends.push(whole);
        }
        if self.n_on_air > usize::from(options.max_segments) {
            return Err(TooManySegments { needed: self.n_on_air, max: options.max_segments });
        }
        Ok(())
    }
}

/// What a text could be sent as.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    coding: Coding,
    is_simplified: bool,
}

fn best_of_both(text: &str, simplified: &str, options: &SegmentOptions) -> Candidate {
    let plain = Coding { encoding: Encoding::Default, alphabet: options.alphabet };
    if plain.count(simplified, options).is_some() {
        let candidate = Candidate { coding: plain, is_simplified: true };
        let national = otherwise(text, options);
        let is_no_longer = national.encoding != Encoding::Ucs2
            && national.n_segments(text, options) <= plain.n_segments(simplified, options);
        return if is_no_longer { Candidate { coding: national, is_simplified: false } } else { candidate };
    }
    let (as_is, changed) = (otherwise(text, options), otherwise(simplified, options));
    if changed.n_segments(simplified, options) < as_is.n_segments(text, options) {
        return Candidate { coding: changed, is_simplified: true };
    }
    Candidate { coding: as_is, is_simplified: false }
}

/// National tables if they are allowed and shorter than UCS-2, else UCS-2.
fn otherwise(text: &str, options: &SegmentOptions) -> Coding {
    let ucs2 = Coding { encoding: Encoding::Ucs2, alphabet: options.alphabet };
    if options.languages.is_empty() || !options.concat.is_by_header() || !options.alphabet.is_seven_bit() {
        return ucs2;
    }
    let tables = options.languages.iter().flat_map(|language| {
        let single = Some(language);
        let locking = single.filter(|language| language.has_locking_table());
        [(None, single), (locking, None), (locking, single)]
    });
    let codings = tables.map(|(locking, single)| Coding {
        encoding: Encoding::National(Shifts { locking, single }),
        alphabet: options.alphabet,
    });
    let counted = codings.filter_map(|coding| Some((coding.count(text, options)?, coding)));
    // `min_by_key` gives the first of equals: the simplest header of the first language.
    let best = counted.min_by_key(|(cost, _)| *cost);
    let most = ucs2.n_segments(text, options);
    best.filter(|((n_segments, _), _)| Some(*n_segments) <= most).map_or(ucs2, |(_, coding)| coding)
}

/// How characters become octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Coding {
    encoding: Encoding,
    /// The default alphabet.
    alphabet: DefaultAlphabet,
}

/// Units that a segment holds.
struct Sizes {
    alone: usize,
    together: usize,
}

impl Coding {
    #[inline]
    fn code(self, c: char) -> Option<Coded> {
        match self.encoding {
            Encoding::Default => self.alphabet.code(c),
            Encoding::National(shifts) => national_code(shifts, c),
            Encoding::Ucs2 => None,
        }
    }

    /// Octets and units of `c`; `None` when it is not in the alphabet.
    #[inline]
    fn width(self, c: char) -> Option<(usize, usize)> {
        match self.encoding {
            Encoding::Ucs2 => Some((c.len_utf16() * 2, c.len_utf16())),
            Encoding::Default | Encoding::National(_) => {
                self.code(c).map(|coded| (coded.n_octets(), usize::from(coded.n_units)))
            }
        }
    }

    /// Fills `out` with the text's octets and counts its units; `None` when a character is not in
    /// the alphabet.
    fn put(self, text: &str, out: &mut Vec<u8>) -> Option<usize> {
        out.clear();
        match (self.encoding, self.alphabet) {
            (Encoding::Default, DefaultAlphabet::Gsm) => put_gsm(text, out).then_some(out.len()),
            (Encoding::Ucs2, _) => {
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
                Some(out.len() / 2)
            }
            (Encoding::Default | Encoding::National(_), _) => text.chars().try_fold(0, |n_units, c| {
                let coded = self.code(c)?;
                out.extend_from_slice(coded.octets());
                Some(n_units + usize::from(coded.n_units))
            }),
        }
    }

    /// Segments and units that the text needs; `None` when a character is not in the alphabet.
    fn count(self, text: &str, options: &SegmentOptions) -> Option<(usize, usize)> {
        let n_units = text.chars().try_fold(0, |n_units, c| Some(n_units + self.width(c)?.1))?;
        let sizes = self.sizes(options.concat);
        if n_units <= sizes.alone {
            return Some((1, n_units + sizes.header_units(self)));
        }
        let mut ends = Vec::new();
        self.find_ends(text, sizes.together, options.split, &mut ends);
        Some((ends.len(), n_units + ends.len() * sizes.header_units(self)))
    }

    fn n_segments(self, text: &str, options: &SegmentOptions) -> Option<usize> {
        self.count(text, options).map(|(n_segments, _)| n_segments)
    }

    /// What a segment holds, alone and as one of several (HANDBOOK B.6).
    fn sizes(self, concat: Concat) -> Sizes {
        let shifts = self.encoding.shifts().element_octets();
        let room = |elements: usize| {
            let header = if elements == 0 { 0 } else { elements + 1 };
            match self.encoding {
                Encoding::Ucs2 => (140 - header) / 2,
                Encoding::Default if !self.alphabet.is_seven_bit() => 140 - header,
                Encoding::Default | Encoding::National(_) => 160 - (header * 8).div_ceil(7),
            }
        };
        Sizes { alone: room(shifts), together: room(shifts + concat.element_octets()) }
    }

    /// Appends where segments of at most `together` units end.
    fn find_ends(self, text: &str, together: usize, split: Split, ends: &mut Vec<End>) {
        let mut last = End { octet: 0, text: 0, n_units: 0 };
        let mut next = last;
        for (at, c) in text.char_indices() {
            let (n_octets, n_units) = self.width(c).unwrap_or((1, 1));
            next.text = at;
            if next.n_units + n_units > together {
                let end = self.cut_before(text, last.text, next, together, split);
                ends.push(end);
                next.n_units -= end.n_units;
                last = end;
            }
            next.octet += n_octets;
            next.n_units += n_units;
        }
        ends.push(End { text: text.len(), ..next });
    }

    /// The last place at or before `here` where the text may be cut, if that leaves something.
    fn cut_before(self, text: &str, start: usize, here: End, together: usize, split: Split) -> End {
        let boundary = match split {
            Split::CodePoint => here.text,
            Split::Grapheme => cluster_start(text, here.text),
        };
        if boundary == here.text || boundary <= start {
            return here;
        }
        // A cluster that no segment could hold is cut where the segment is full.
        let end = cluster_end(text, here.text);
        let units_of = |range: Range<usize>| -> (usize, usize) {
            let chars = text.get(range).unwrap_or_default().chars();
            chars.filter_map(|c| self.width(c)).fold((0, 0), |sum, width| (sum.0 + width.0, sum.1 + width.1))
        };
        if units_of(boundary..end).1 > together {
            return here;
        }
        let (n_octets, n_units) = units_of(boundary..here.text);
        End { octet: here.octet - n_octets, text: boundary, n_units: here.n_units - n_units }
    }
}

impl Sizes {
    /// What a header takes away, in units of the coding; to compare tables.
    const fn header_units(&self, coding: Coding) -> usize {
        match coding.encoding {
            Encoding::Ucs2 => 0,
            Encoding::Default | Encoding::National(_) => 160_usize.saturating_sub(self.alone),
        }
    }
}

/// Where the grapheme cluster begins that `at` lies in; `at` itself when one begins there.
fn cluster_start(text: &str, at: usize) -> usize {
    let octets = text.as_bytes();
    let before = at.checked_sub(1).and_then(|before| octets.get(before));
    // Between two ASCII characters there is always a boundary, except within CR LF.
    if let (Some(before), Some(here)) = (before, octets.get(at))
        && before.is_ascii()
        && here.is_ascii()
        && *here != b'\n'
    {
        return at;
    }
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    match cursor.is_boundary(text, 0) {
        Ok(false) => cursor.prev_boundary(text, 0).ok().flatten().unwrap_or(0),
        Ok(true) | Err(_) => at,
    }
}

fn cluster_end(text: &str, at: usize) -> usize {
    GraphemeCursor::new(at, text.len(), true).next_boundary(text, 0).ok().flatten().unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
