//! How characters become octets in one encoding, and where a text of it is cut.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::{Encoding, SegmentOptions, Split};
use crate::text::{
    alphabet::{Coded, DefaultAlphabet, national_code},
    gsm::put_gsm,
    udh::Concat,
};

/// Where a segment ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) octet: usize,
    pub(super) text: usize,
    pub(super) n_units: usize,
}

/// How characters become octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) encoding: Encoding,
    /// The default alphabet.
    pub(super) alphabet: DefaultAlphabet,
}

/// Units that a segment holds.
pub(super) struct Sizes {
    pub(super) alone: usize,
    pub(super) together: usize,
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
    pub(super) fn put(self, text: &str, out: &mut Vec<u8>) -> Option<usize> {
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
    pub(super) fn count(self, text: &str, options: &SegmentOptions) -> Option<(usize, usize)> {
        let n_units = text.chars().try_fold(0, |n_units, c| Some(n_units + self.width(c)?.1))?;
        let sizes = self.sizes(options.concat);
        if n_units <= sizes.alone {
            return Some((1, n_units + sizes.header_units(self)));
        }
        let mut ends = Vec::new();
        self.find_ends(text, sizes.together, options.split, &mut ends);
        Some((ends.len(), n_units + ends.len() * sizes.header_units(self)))
    }

    pub(super) fn n_segments(self, text: &str, options: &SegmentOptions) -> Option<usize> {
        self.count(text, options).map(|(n_segments, _)| n_segments)
    }

    /// What a segment holds, alone and as one of several (HANDBOOK B.6).
    pub(super) fn sizes(self, concat: Concat) -> Sizes {
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
    pub(super) fn find_ends(self, text: &str, together: usize, split: Split, ends: &mut Vec<End>) {
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
