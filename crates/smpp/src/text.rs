//! Texts into segments (HANDBOOK B.4 to B.9).

mod gsm;
mod smart;

pub use gsm::{gsm_septets, put_gsm};
pub use smart::{Smart, simplify};

use crate::pdu::{put_tlv, tag};

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
}

/// How the segments of a long text are tied together (HANDBOOK B.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Concat {
    /// User data header with an 8-bit reference.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference.
    Udh16,
    /// sar_* TLVs.
    Sar,
    /// The whole text in message_payload; the SMSC cuts it.
    Payload,
}

/// The alphabet of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// The carrier's default alphabet, one character (or half of an extension pair) in an octet.
    #[default]
    Default,
    /// UCS-2 big-endian, with surrogate pairs.
    Ucs2,
}

impl Encoding {
    /// The value for `data_coding` (SMPP 3.4, 5.2.19).
    #[must_use]
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Ucs2 => 8,
        }
    }
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
    /// Texts that need more are refused.
    pub max_segments: u8,
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
    ends: Vec<usize>,
    encoding: Encoding,
    simplified: String,
}

impl Segments {
    /// The alphabet of the whole message.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many there are; at least 1, also for an empty text.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing was cut yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The octets of segment `index`, without a header.
    #[must_use]
    pub fn octets(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|end| self.octets.get(start..*end)).unwrap_or_default()
    }

    /// Septets, octets or UCS-2 units of segment `index`.
    #[must_use]
    pub fn units(&self, index: usize) -> usize {
        match self.encoding {
            Encoding::Default => self.octets(index).len(),
            Encoding::Ucs2 => self.octets(index).len() / 2,
        }
    }

    /// Cuts `text`.
    ///
    /// # Errors
    /// When it needs more segments than allowed; it is never shortened.
    pub fn cut(&mut self, text: &str, options: &SegmentOptions) -> Result<(), TooManySegments> {
        self.octets.clear();
        self.ends.clear();
        self.encoding = Encoding::Default;
        if !self.put_default(text, options.alphabet) {
            let mut simplified = std::mem::take(&mut self.simplified);
            simplified.clear();
            let changed = simplify(text, options.smart, &mut simplified);
            let fits = changed && self.put_default(&simplified, options.alphabet);
            if !fits {
                self.encoding = Encoding::Ucs2;
                self.octets.clear();
                let text = if changed { simplified.as_str() } else { text };
                self.octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            self.simplified = simplified;
        }
        self.find_ends(options);
        if self.ends.len() > usize::from(options.max_segments) {
            return Err(TooManySegments { needed: self.ends.len(), max: options.max_segments });
        }
        Ok(())
    }

    /// Encodes in the default alphabet; `false` when a character is not in it.
    fn put_default(&mut self, text: &str, alphabet: DefaultAlphabet) -> bool {
        self.octets.clear();
        match alphabet {
            DefaultAlphabet::Gsm => put_gsm(text, &mut self.octets),
            DefaultAlphabet::Latin1 => self.put_below(text, 0x100),
            DefaultAlphabet::Ascii => self.put_below(text, 0x80),
        }
    }

    fn put_below(&mut self, text: &str, limit: u32) -> bool {
        text.chars().all(|c| {
            self.octets.push(c as u8);
            (c as u32) < limit
        })
    }

    fn find_ends(&mut self, options: &SegmentOptions) {
        let (alone, together) = sizes(self.encoding, options);
        let n = self.octets.len();
        if n <= alone {
            self.ends.push(n);
            return;
        }
        let mut start = 0;
        while start < n {
            let mut end = n.min(start + together);
            if end < n {
                end -= self.n_cut_off(end, options.alphabet);
            }
            self.ends.push(end);
            start = end;
        }
    }

    /// Octets before `end` that belong to a pair which continues behind it.
    fn n_cut_off(&self, end: usize, alphabet: DefaultAlphabet) -> usize {
        match (self.encoding, alphabet) {
            (Encoding::Default, DefaultAlphabet::Gsm) => {
                usize::from(end.checked_sub(1).and_then(|at| self.octets.get(at)) == Some(&gsm::ESCAPE))
            }
            (Encoding::Default, DefaultAlphabet::Latin1 | DefaultAlphabet::Ascii) => 0,
            (Encoding::Ucs2, _) => {
                let first_half = end.checked_sub(2).and_then(|at| self.octets.get(at));
                if first_half.is_some_and(|octet| (0xD8..0xDC).contains(octet)) { 2 } else { 0 }
            }
        }
    }
}

/// Octets that a message of one segment holds, and each of several (HANDBOOK B.6).
const fn sizes(encoding: Encoding, options: &SegmentOptions) -> (usize, usize) {
    let udh = match options.concat {
        Concat::Udh8 | Concat::Sar => 6,
        Concat::Udh16 => 7,
        Concat::Payload => return (usize::MAX, usize::MAX),
    };
    match (encoding, options.alphabet) {
        (Encoding::Default, DefaultAlphabet::Gsm) => (160, 160 - (udh * 8_usize).div_ceil(7)),
        (Encoding::Default, DefaultAlphabet::Latin1 | DefaultAlphabet::Ascii) => (140, 140 - udh),
        (Encoding::Ucs2, _) => (140, (140 - udh) / 2 * 2),
    }
}

/// Appends the user data header of part `part` (from 1) of `total`; nothing for a single segment
/// or where TLVs tie the parts together.
pub fn put_udh(concat: Concat, reference: u16, total: u8, part: u8, out: &mut Vec<u8>) {
    if total <= 1 {
        return;
    }
    let [high, low] = reference.to_be_bytes();
    match concat {
        Concat::Udh8 => out.extend([5, 0, 3, low, total, part]),
        Concat::Udh16 => out.extend([6, 8, 4, high, low, total, part]),
        Concat::Sar | Concat::Payload => {}
    }
}

/// Appends the sar_* TLVs of part `part` (from 1) of `total`, where they tie the parts together.
pub fn put_sar(concat: Concat, reference: u16, total: u8, part: u8, out: &mut Vec<u8>) {
    if total > 1 && concat == Concat::Sar {
        put_tlv(out, tag::SAR_MSG_REF_NUM, &reference.to_be_bytes());
        put_tlv(out, tag::SAR_TOTAL_SEGMENTS, &[total]);
        put_tlv(out, tag::SAR_SEGMENT_SEQNUM, &[part]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPTIONS: SegmentOptions =
        SegmentOptions { alphabet: DefaultAlphabet::Gsm, concat: Concat::Udh8, smart: Smart::None, max_segments: 255 };

    #[track_caller]
    fn check(text: &str, concat: Concat, encoding: Encoding, units: &[usize]) {
        let mut segments = Segments::default();
        segments.cut(text, &SegmentOptions { concat, ..OPTIONS }).unwrap();
        let found: Vec<_> = (0..segments.len()).map(|n| segments.units(n)).collect();
        assert_eq!((segments.encoding(), found.as_slice()), (encoding, units));
    }

    #[test]
    fn sizes_are_the_handbook_s() {
        check("", Concat::Udh8, Encoding::Default, &[0]);
        check(&"A".repeat(160), Concat::Udh8, Encoding::Default, &[160]);
        check(&"A".repeat(161), Concat::Udh8, Encoding::Default, &[153, 8]);
        check(&"A".repeat(161), Concat::Udh16, Encoding::Default, &[152, 9]);
        check(&"A".repeat(161), Concat::Sar, Encoding::Default, &[153, 8]);
        check(&"A".repeat(1000), Concat::Payload, Encoding::Default, &[1000]);
        check(&"я".repeat(70), Concat::Udh8, Encoding::Ucs2, &[70]);
        check(&"я".repeat(71), Concat::Udh8, Encoding::Ucs2, &[67, 4]);
        check(&"я".repeat(133), Concat::Udh16, Encoding::Ucs2, &[66, 66, 1]);
    }

    #[test]
    fn pairs_are_never_cut() {
        check(&format!("{}€{}", "A".repeat(152), "B".repeat(10)), Concat::Udh8, Encoding::Default, &[152, 12]);
        check(&"€".repeat(81), Concat::Udh8, Encoding::Default, &[152, 10]);
        check(&format!("{}😀{}", "я".repeat(66), "я".repeat(10)), Concat::Udh8, Encoding::Ucs2, &[66, 12]);
    }

    #[test]
    fn other_default_alphabets_have_other_sizes() {
        let mut segments = Segments::default();
        let latin1 = SegmentOptions { alphabet: DefaultAlphabet::Latin1, ..OPTIONS };
        segments.cut(&"ç".repeat(141), &latin1).unwrap();
        assert_eq!((segments.encoding(), segments.units(0), segments.units(1)), (Encoding::Default, 134, 7));
        segments.cut("ч", &latin1).unwrap();
        assert_eq!(segments.octets(0), [0x04, 0x47]);
    }

    #[test]
    fn too_many_segments_are_refused_with_their_number() {
        let options = SegmentOptions { max_segments: 2, ..OPTIONS };
        let error = Segments::default().cut(&"A".repeat(400), &options).unwrap_err();
        assert_eq!(error, TooManySegments { needed: 3, max: 2 });
    }

    #[test]
    fn smart_encoding_saves_segments_only_where_it_helps() {
        let mut segments = Segments::default();
        let smart = SegmentOptions { smart: Smart::Punct, ..OPTIONS };
        segments.cut("It’s “fine” – ok…", &smart).unwrap();
        assert_eq!((segments.encoding(), segments.octets(0)), (Encoding::Default, &b"It's \"fine\" - ok..."[..]));
    }

    #[test]
    fn headers_tie_the_parts_together() {
        let mut out = Vec::new();
        put_udh(Concat::Udh8, 0x1234, 2, 1, &mut out);
        put_udh(Concat::Udh16, 0x1234, 2, 2, &mut out);
        put_udh(Concat::Udh8, 0x1234, 1, 1, &mut out);
        assert_eq!(out, [5, 0, 3, 0x34, 2, 1, 6, 8, 4, 0x12, 0x34, 2, 2]);
        out.clear();
        put_sar(Concat::Sar, 0x1234, 3, 2, &mut out);
        assert_eq!(out, [2, 0x0C, 0, 2, 0x12, 0x34, 2, 0x0E, 0, 1, 3, 2, 0x0F, 0, 1, 2]);
    }

    proptest! {
        #[test]
        fn segments_rejoin_and_none_is_too_large(text in "(\\PC|[€{}~]|[a-z ]){0,600}", wide: bool) {
            let concat = if wide { Concat::Udh16 } else { Concat::Udh8 };
            let options = SegmentOptions { concat, ..OPTIONS };
            let mut segments = Segments::default();
            prop_assume!(segments.cut(&text, &options).is_ok());
            let joined: Vec<u8> = (0..segments.len()).flat_map(|n| segments.octets(n).to_vec()).collect();
            let (alone, together) = sizes(segments.encoding(), &options);
            let most = if segments.len() == 1 { alone } else { together };
            prop_assert!((0..segments.len()).all(|n| segments.octets(n).len() <= most));
            let expected: Vec<u8> = match segments.encoding() {
                Encoding::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                Encoding::Default => { let mut out = Vec::new(); prop_assert!(put_gsm(&text, &mut out)); out }
            };
            prop_assert_eq!(joined, expected);
        }
    }
}
