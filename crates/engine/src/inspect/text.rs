//! A text: alphabet, segments, what forces UCS-2.

use std::ops::Range;

use serde_json::{Map, Value, json};
use volley_smpp::text::{
    Cost, DefaultAlphabet, Encoding, Forcing, Language, SegmentOptions, Segments, explain, gsm_septets, pack, put_gsm,
};

use super::{hex, put};

/// How a text is looked at.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    /// How it is cut.
    pub segments: SegmentOptions,
    /// In this encoding, whether a cheaper one would do or not.
    pub encoding: Option<Encoding>,
    /// Pieces of the text that smart encoding leaves alone, wherever they stand.
    pub keep: Vec<String>,
}

/// Looks at a text.
#[must_use]
pub fn text(text: &str, options: &TextOptions) -> Value {
    let mut map = Map::new();
    let mut segments = Segments::default();
    let keep = ranges(text, &options.keep);
    let cut = match options.encoding {
        None => segments.cut_keeping(text, &keep, &options.segments),
        Some(encoding) => segments.cut_as(text, encoding, &options.segments),
    };
    put(&mut map, "text", segments.text(text));
    put_septets(text, &mut map);
    put(&mut map, "encoding", encoding_name(segments.encoding(), options.segments.alphabet));
    if let Encoding::National(shifts) = segments.encoding() {
        let id = |language: Option<Language>| language.map_or(0, |language| language as u8);
        put(&mut map, "locking_table", id(shifts.locking));
        put(&mut map, "single_shift_table", id(shifts.single));
    }
    put(&mut map, "data_coding", segments.encoding().data_coding());
    if segments.is_empty() {
        put(&mut map, "error", "a character of the text is not in this encoding");
        return Value::Object(map);
    }
    put_segments(text, &segments, &mut map);
    if let Err(error) = cut {
        put(&mut map, "error", error.to_string());
    }
    if options.encoding.is_none() {
        put_explanation(text, &options.segments, &mut map);
    }
    Value::Object(map)
}

/// Where these pieces stand, from the left, without overlaps.
fn ranges(text: &str, pieces: &[String]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        found.extend(text.match_indices(piece.as_str()).map(|(at, piece)| at..at + piece.len()));
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut end = 0;
    found.retain(|range| {
        let is_free = range.start >= end;
        end = if is_free { range.end } else { end };
        is_free
    });
    found
}

/// The whole text in the GSM alphabet, if it fits.
fn put_septets(text: &str, map: &mut Map<String, Value>) {
    let mut septets = Vec::new();
    let encodable = put_gsm(text, &mut septets);
    put(map, "encodable", encodable);
    if encodable {
        let mut packed = Vec::new();
        pack(&septets, 0, &mut packed);
        put(map, "septets", septets.len());
        put(map, "unpacked_hex", hex(&septets));
        put(map, "packed_hex", hex(&packed));
    } else {
        let first = text.chars().find(|c| gsm_septets(*c).is_none());
        put(map, "first_unencodable", first.map(String::from));
    }
}

pub(crate) fn encoding_name(encoding: Encoding, alphabet: DefaultAlphabet) -> &'static str {
    match (encoding, alphabet) {
        (Encoding::Ucs2, _) => "ucs2",
        (Encoding::National(_), _) | (Encoding::Default, DefaultAlphabet::Gsm) => "gsm7",
        (Encoding::Default, other) => other.name(),
    }
}

fn put_segments(text: &str, segments: &Segments, map: &mut Map<String, Value>) {
    let n = segments.len();
    put(map, "segments", segments.n_on_air());
    put(map, "units_per_segment", (0..n).map(|index| segments.units(index)).collect::<Vec<_>>());
    // The last and the first two characters at each cut, to see what it separates.
    let part = |index| segments.part_text(text, index);
    let tail = |index| -> String {
        let text: &str = part(index);
        let start = text.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
        text.get(start..).unwrap_or_default().to_owned()
    };
    put(map, "segment_tails", (0..n - 1).map(tail).collect::<Vec<_>>());
    put(map, "segment_heads", (1..n).map(|index| part(index).chars().take(2).collect()).collect::<Vec<String>>());
    let parts = (0..n).map(|index| {
        let mut header = Vec::new();
        segments.put_header(index, 0, &mut header);
        json!({
            "number": index + 1,
            "units": segments.units(index),
            "octets": header.len() + segments.octets(index).len(),
            "udh_hex": hex(&header),
            "hex": hex(segments.octets(index)),
            "text": part(index),
        })
    });
    put(map, "parts", parts.collect::<Vec<_>>());
}

fn put_explanation(text: &str, options: &SegmentOptions, map: &mut Map<String, Value>) {
    let explained = explain(text, options);
    if explained.forced_by.is_empty() {
        return;
    }
    let forcing = |forcing: &Forcing| {
        json!({
            "character": forcing.c,
            "code_point": format!("U+{:04X}", forcing.c as u32),
            "count": forcing.n,
            "position": forcing.position,
        })
    };
    let cost = |cost: &Cost| {
        json!({
            "smart": cost.smart.name(),
            "encoding": encoding_name(cost.encoding, options.alphabet),
            "segments": cost.n_segments,
            "text": cost.text,
        })
    };
    put(map, "forced_by", explained.forced_by.iter().map(forcing).collect::<Vec<_>>());
    put(map, "segments_without", explained.n_segments_without);
    put(map, "alternatives", explained.alternatives.iter().map(cost).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_kept_where_they_stand() {
        let keep =
            |pieces: &[&str]| ranges("aXbXXc", &pieces.iter().map(|piece| (*piece).to_owned()).collect::<Vec<_>>());
        assert_eq!(keep(&["X"]), [1..2, 3..4, 4..5]);
        assert_eq!(keep(&["XX", "X", ""]), [1..2, 3..4, 4..5]);
        assert_eq!(keep(&["bX", "XX"]).first(), Some(&(2..4)));
    }

    #[test]
    fn an_empty_text_is_one_empty_segment() {
        let value = text("", &TextOptions::default());
        assert_eq!((&value["segments"], &value["units_per_segment"]), (&json!(1), &json!([0])));
    }
}
