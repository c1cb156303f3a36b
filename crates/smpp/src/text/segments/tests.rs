use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;
use crate::text::{Language, decode_default, decode_ucs2};

const OPTIONS: SegmentOptions = SegmentOptions {
    alphabet: DefaultAlphabet::Gsm,
    concat: Concat::Udh8,
    smart: Smart::None,
    languages: Languages::NONE,
    split: Split::Grapheme,
    max_segments: 255,
};

#[track_caller]
fn check(text: &str, options: SegmentOptions, encoding: Encoding, units: &[usize]) {
    let mut segments = Segments::default();
    segments.cut(text, &options).unwrap();
    let found: Vec<_> = (0..segments.len()).map(|n| segments.units(n)).collect();
    assert_eq!((segments.encoding(), found.as_slice()), (encoding, units));
}

fn by(concat: Concat) -> SegmentOptions {
    SegmentOptions { concat, ..OPTIONS }
}

#[test]
fn sizes_are_the_handbook_s() {
    check("", OPTIONS, Encoding::Default, &[0]);
    check(&"A".repeat(160), OPTIONS, Encoding::Default, &[160]);
    check(&"A".repeat(161), OPTIONS, Encoding::Default, &[153, 8]);
    check(&"A".repeat(161), by(Concat::Udh16), Encoding::Default, &[152, 9]);
    check(&"A".repeat(161), by(Concat::Sar), Encoding::Default, &[153, 8]);
    check(&"A".repeat(1000), by(Concat::Payload), Encoding::Default, &[1000]);
    check(&"я".repeat(70), OPTIONS, Encoding::Ucs2, &[70]);
    check(&"я".repeat(71), OPTIONS, Encoding::Ucs2, &[67, 4]);
    check(&"я".repeat(133), by(Concat::Udh16), Encoding::Ucs2, &[66, 66, 1]);
}

#[test]
fn pairs_are_never_cut() {
    check(&format!("{}€{}", "A".repeat(152), "B".repeat(10)), OPTIONS, Encoding::Default, &[152, 12]);
    check(&"€".repeat(81), OPTIONS, Encoding::Default, &[152, 10]);
    check(&format!("{}😀{}", "я".repeat(66), "я".repeat(10)), OPTIONS, Encoding::Ucs2, &[66, 12]);
    check(&format!("{}\r\n{}", "A".repeat(152), "B".repeat(10)), OPTIONS, Encoding::Default, &[152, 12]);
}

#[test]
fn clusters_stay_whole_unless_no_segment_holds_them() {
    let family = "👨\u{200D}👩\u{200D}👧\u{200D}👦";
    let text = format!("{}{family}{}", "я".repeat(60), "я".repeat(10));
    check(&text, OPTIONS, Encoding::Ucs2, &[60, 21]);
    check(&text, SegmentOptions { split: Split::CodePoint, ..OPTIONS }, Encoding::Ucs2, &[66, 15]);
    let endless = format!("я{}", "\u{301}".repeat(100));
    check(&endless, OPTIONS, Encoding::Ucs2, &[67, 34]);
}

#[test]
fn the_cheapest_national_tables_are_used_where_they_are_allowed() {
    let turkish = |text: &str, locking: bool, single: bool, units: &[usize]| {
        let options = SegmentOptions { languages: [Language::Turkish].into_iter().collect(), ..OPTIONS };
        let language = |wanted: bool| wanted.then_some(Language::Turkish);
        let shifts = Shifts { locking: language(locking), single: language(single) };
        check(text, options, Encoding::National(shifts), units);
    };
    turkish("ş", true, false, &[1]);
    turkish("ø ş", false, true, &[4]);
    turkish(&"ş".repeat(156), true, false, &[149, 7]);
    check(
        "plain",
        SegmentOptions { languages: [Language::Turkish].into_iter().collect(), ..OPTIONS },
        Encoding::Default,
        &[5],
    );
    check("ş", OPTIONS, Encoding::Ucs2, &[1]);
    let no_header =
        SegmentOptions { languages: [Language::Turkish].into_iter().collect(), concat: Concat::Sar, ..OPTIONS };
    check("ş", no_header, Encoding::Ucs2, &[1]);
}

#[test]
fn tables_that_are_given_have_the_handbook_s_sizes() {
    let check = |text: String, concat, locking: bool, single: bool, units: &[usize]| {
        let language = |wanted: bool| wanted.then_some(Language::Turkish);
        let encoding = Encoding::National(Shifts { locking: language(locking), single: language(single) });
        let mut segments = Segments::default();
        segments.cut_as(&text, encoding, &by(concat)).unwrap();
        assert_eq!((0..segments.len()).map(|n| segments.units(n)).collect::<Vec<_>>(), units);
        let mut header = Vec::new();
        segments.put_header(0, 7, &mut header);
        assert!(header.len() + (segments.units(0) * 7).div_ceil(8) <= 140 + header.len().min(1));
    };
    check("ş".repeat(77) + "A", Concat::Udh8, false, true, &[155]);
    check("ş".repeat(78), Concat::Udh8, false, true, &[148, 8]);
    check("ş".repeat(156), Concat::Udh8, true, false, &[149, 7]);
    check("ş".repeat(152), Concat::Udh8, true, true, &[152]);
    check("ş".repeat(153), Concat::Udh8, true, true, &[146, 7]);
    check("ş".repeat(156), Concat::Udh16, true, false, &[148, 8]);
    check("ş".repeat(153), Concat::Udh16, true, true, &[145, 8]);
}

#[test]
fn other_default_alphabets_have_other_sizes() {
    let mut segments = Segments::default();
    let latin1 = SegmentOptions { alphabet: DefaultAlphabet::Latin1, ..OPTIONS };
    segments.cut(&"ç".repeat(141), &latin1).unwrap();
    assert_eq!((segments.encoding(), segments.units(0), segments.units(1)), (Encoding::Default, 134, 7));
    segments.cut("ч", &latin1).unwrap();
    assert_eq!(segments.octets(0), [0x04, 0x47]);
    // One octet to the carrier, two septets on air.
    let dutch = SegmentOptions { alphabet: DefaultAlphabet::TMobileNl, ..OPTIONS };
    segments.cut(&"€".repeat(81), &dutch).unwrap();
    assert_eq!((segments.units(0), segments.octets(0).len(), segments.units(1)), (152, 76, 10));
}

#[test]
fn a_text_that_the_smsc_cuts_is_refused_by_what_it_would_be_cut_into() {
    let options = SegmentOptions { max_segments: 2, ..by(Concat::Payload) };
    let mut segments = Segments::default();
    assert_eq!(segments.cut(&"A".repeat(400), &options), Err(TooManySegments { needed: 3, max: 2 }));
    segments.cut(&"A".repeat(300), &options).unwrap();
    assert_eq!((segments.len(), segments.n_on_air()), (1, 2));
}

#[test]
fn too_many_segments_are_refused_with_their_number() {
    let options = SegmentOptions { max_segments: 2, ..OPTIONS };
    let error = Segments::default().cut(&"A".repeat(400), &options).unwrap_err();
    assert_eq!(error, TooManySegments { needed: 3, max: 2 });
}

#[test]
fn a_text_beyond_all_numbers_is_refused_and_can_be_looked_at() {
    let mut segments = Segments::default();
    let error = segments.cut(&"A".repeat(50_000), &OPTIONS).unwrap_err();
    assert_eq!((error.needed, segments.len(), segments.part(326, 1).number), (327, 327, 255));
    let mut header = Vec::new();
    segments.put_header(326, 1, &mut header);
    assert_eq!(header, [5, 0, 3, 1, 255, 255]);
}

#[test]
fn smart_encoding_saves_segments_only_where_it_helps() {
    let mut segments = Segments::default();
    let smart = SegmentOptions { smart: Smart::Punct, ..OPTIONS };
    segments.cut("It’s “fine” – ok…", &smart).unwrap();
    assert_eq!((segments.encoding(), segments.octets(0)), (Encoding::Default, &b"It's \"fine\" - ok..."[..]));
    segments.cut("– я", &smart).unwrap();
    assert_eq!(segments.text("– я"), "– я");
    let long = "e\u{301}".repeat(40) + "я";
    segments.cut(&long, &smart).unwrap();
    assert_eq!((segments.len(), segments.text(&long).chars().count()), (1, 41));
}

proptest! {
    #[test]
    fn segments_rejoin_and_none_is_too_large(
        text in "(\\PC|[€{}~]|[a-z ]|\r\n|👨\u{200D}👩|e\u{301}){0,600}",
        wide: bool,
        by_code_point: bool,
        alphabet in prop::sample::select(&DefaultAlphabet::ALL[..6]),
        languages in prop::collection::vec(prop::sample::select(&Language::ALL[..]), 0..3),
    ) {
        let concat = if wide { Concat::Udh16 } else { Concat::Udh8 };
        let split = if by_code_point { Split::CodePoint } else { Split::Grapheme };
        let languages = languages.into_iter().collect();
        let options = SegmentOptions { concat, split, alphabet, languages, ..OPTIONS };
        let mut segments = Segments::default();
        prop_assume!(segments.cut(&text, &options).is_ok());
        let joined: Vec<u8> = (0..segments.len()).flat_map(|n| segments.octets(n).to_vec()).collect();
        let coding = Coding { encoding: segments.encoding(), alphabet };
        let sizes = coding.sizes(concat);
        let most = if segments.len() == 1 { sizes.alone } else { sizes.together };
        prop_assert!((0..segments.len()).all(|n| segments.units(n) <= most && segments.octets(n).len() <= 2 * most));
        let read = match segments.encoding() {
            Encoding::Ucs2 => decode_ucs2(&joined),
            Encoding::Default => decode_default(alphabet, Shifts::default(), &joined),
            Encoding::National(shifts) => decode_default(alphabet, shifts, &joined),
        };
        prop_assert_eq!(&read, &text);
        let parts: String = (0..segments.len()).map(|n| segments.part_text(&text, n)).collect();
        prop_assert_eq!(&parts, &text);
        if split == Split::Grapheme {
            let starts: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
            let mut at = 0;
            for n in 0..segments.len().saturating_sub(1) {
                at += segments.part_text(&text, n).len();
                prop_assert!(starts.binary_search(&at).is_ok(), "cut within a cluster at octet {}", at);
            }
        }
    }
}
