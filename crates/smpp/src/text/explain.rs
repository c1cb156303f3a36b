//! Why a text needs the alphabet that it needs, and what it would cost otherwise.

use super::{
    segments::{Encoding, SegmentOptions, Segments},
    smart::Smart,
};

/// A character that is not in the default alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forcing {
    /// The character.
    pub c: char,
    /// How often it stands in the text.
    pub n: usize,
    /// Where it stands first, counted in characters from 1.
    pub position: usize,
}

/// What a text would take at another level of smart encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The level.
    pub smart: Smart,
    /// What it would be sent in.
    pub encoding: Encoding,
    /// How many segments it would be.
    pub n_segments: usize,
    /// The text as it would be sent.
    pub text: String,
}

/// Why UCS-2, and what instead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// The characters that force it, in the order in which they stand; empty when nothing does.
    pub forced_by: Vec<Forcing>,
    /// Segments that the text would need without them.
    pub n_segments_without: usize,
    /// What higher levels would do, where that takes fewer segments or leaves UCS-2.
    pub alternatives: Vec<Cost>,
}

/// Looks at a text that these options cut, whether it is too long or not.
#[must_use]
pub fn explain(text: &str, options: &SegmentOptions) -> Explanation {
    let options = SegmentOptions { max_segments: u8::MAX, ..*options };
    let mut segments = Segments::default();
    let _ = segments.cut(text, &options);
    if segments.encoding() != Encoding::Ucs2 {
        return Explanation::default();
    }
    let sent = segments.text(text).to_owned();
    let is_in = |c: char| options.alphabet.code(c).is_some();
    let mut forced_by: Vec<Forcing> = Vec::new();
    for (c, position) in sent.chars().zip(1..).filter(|(c, _)| !is_in(*c)) {
        match forced_by.iter_mut().find(|known| known.c == c) {
            Some(known) => known.n += 1,
            None => forced_by.push(Forcing { c, n: 1, position }),
        }
    }
    let n_segments = segments.n_on_air();
    let without: String = sent.chars().filter(|c| is_in(*c)).collect();
    let _ = segments.cut(&without, &options);
    let n_segments_without = segments.n_on_air();
    let levels = Smart::ALL.into_iter().filter(|level| *level > options.smart);
    let mut alternatives: Vec<Cost> = Vec::new();
    for smart in levels {
        let _ = segments.cut(text, &SegmentOptions { smart, ..options });
        let encoding = segments.encoding();
        let best = alternatives.last().map_or(n_segments, |cost| cost.n_segments);
        let was_ucs2 = alternatives.last().is_none_or(|cost| cost.encoding == Encoding::Ucs2);
        if segments.n_on_air() < best || (was_ucs2 && encoding != Encoding::Ucs2) {
            let (n_segments, text) = (segments.n_on_air(), segments.text(text).to_owned());
            alternatives.push(Cost { smart, encoding, n_segments, text });
        }
    }
    Explanation { forced_by, n_segments_without, alternatives }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curly_quote_is_named_with_what_it_costs() {
        let text = format!("It’s {} – it’s", "x".repeat(80));
        let explained = explain(&text, &SegmentOptions::default());
        let forcing: Vec<_> = explained.forced_by.iter().map(|f| (f.c, f.n, f.position)).collect();
        assert_eq!(forcing, [('’', 2, 3), ('–', 1, 87)]);
        assert_eq!(explained.n_segments_without, 1);
        let [cost] = explained.alternatives.as_slice() else { panic!("{explained:?}") };
        assert_eq!((cost.smart, cost.encoding, cost.n_segments), (Smart::Punct, Encoding::Default, 1));
        assert!(cost.text.starts_with("It's x"));
    }

    #[test]
    fn a_plain_text_has_nothing_to_explain() {
        assert_eq!(explain("plain €", &SegmentOptions::default()), Explanation::default());
    }
}
