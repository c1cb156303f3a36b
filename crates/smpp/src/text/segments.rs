//! A text cut into segments (HANDBOOK B.6, B.7): one alphabet for all of it, segments filled from
//! the front, and nothing cut that belongs together.

mod choose;
mod coding;

use std::ops::Range;

use self::{
    choose::{Candidate, best_of_both, otherwise},
    coding::{Coding, End},
};
use super::{
    alphabet::DefaultAlphabet,
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

    /// Back to where nothing was cut; the memory is kept.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.is_simplified = false;
        self.n_on_air = 0;
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

    /// Whether smart encoding changed the text that was cut.
    #[must_use]
    pub const fn is_simplified(&self) -> bool {
        self.is_simplified
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

    /// Which part segment `index` is. Of a text that was refused for its more than 255 segments
    /// the numbers stop at 255.
    #[must_use]
    pub fn part(&self, index: usize, reference: u16) -> Part {
        let octet = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        Part { reference, total: octet(self.len()), number: octet(index.saturating_add(1)) }
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

#[cfg(test)]
mod tests;
