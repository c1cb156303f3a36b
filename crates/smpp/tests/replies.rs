//! Messages to us, as strangers write them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use proptest::prelude::*;
use volley_smpp::{
    pdu::{ESM_CLASS_UDHI, Tlvs},
    reply::{Decision, Effect, Keywords, MoMessage, MoPart, Place, Reassembler, Repeats},
    text::{Concat, DefaultAlphabet, Part, SegmentOptions, Segments, put_sar},
};

/// The parts of a text with their TLVs.
fn parts(text: &str, concat: Concat) -> Vec<(Vec<u8>, Vec<u8>, u8)> {
    let mut segments = Segments::default();
    segments.cut(text, &SegmentOptions { concat, max_segments: u8::MAX, ..SegmentOptions::default() }).unwrap();
    let part = |index: usize| {
        let (mut octets, mut tlvs) = (Vec::new(), Vec::new());
        segments.put_header(index, 300, &mut octets);
        octets.extend_from_slice(segments.octets(index));
        put_sar(concat, segments.part(index, 300), &mut tlvs);
        (octets, tlvs, segments.encoding().data_coding())
    };
    (0..segments.len()).map(part).collect()
}

proptest! {
    #[test]
    fn parts_in_any_order_and_number_of_copies_give_the_text(
        text in "[a-z €{}а-я😀]{1,900}",
        concat in prop_oneof![Just(Concat::Udh8), Just(Concat::Udh16), Just(Concat::Sar)],
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let parts = parts(&text, concat);
        let mut reassembler = Reassembler::default();
        let mut repeats = Repeats::default();
        let mut out: Vec<MoMessage> = Vec::new();
        let shuffled = order.iter().map(|index| index.get(&parts)).chain(&parts);
        for ((octets, tlvs, data_coding), tag) in shuffled.zip(0..) {
            let esm_class = if parts.len() > 1 && concat != Concat::Sar { ESM_CLASS_UDHI } else { 0 };
            let part = MoPart {
                esm_class, octets, data_coding: *data_coding, tlvs: Tlvs::new(tlvs), tag, ..MoPart::default()
            };
            if !repeats.is_repeat(&part, tag) {
                reassembler.take(&part, tag, &mut out);
            }
        }
        prop_assert_eq!(reassembler.n_open(), 0);
        prop_assert_eq!(out.len(), 1);
        for message in &out {
            prop_assert!(!message.is_incomplete());
            let read = message.text(DefaultAlphabet::Gsm);
            prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn octets_of_any_kind_are_taken_and_nothing_is_kept_for_ever(
        deliveries in proptest::collection::vec((any::<u8>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40), proptest::collection::vec(any::<u8>(), 0..30)), 0..30),
    ) {
        let mut reassembler = Reassembler::default();
        let mut out = Vec::new();
        for (esm_class, data_coding, octets, tlvs) in &deliveries {
            let part = MoPart { esm_class: *esm_class, data_coding: *data_coding, octets, tlvs: Tlvs::new(tlvs), ..MoPart::default() };
            reassembler.take(&part, 0, &mut out);
        }
        reassembler.expire(u64::MAX, &mut out);
        prop_assert_eq!(reassembler.n_open(), 0);
        for message in &out {
            let _ = message.text(DefaultAlphabet::Gsm);
        }
    }

    #[test]
    fn a_strong_word_in_front_opts_out_whatever_stands_around_it(
        before in "[ \u{200B}.!?«*]{0,4}", after in "( [^\\p{N}]{0,30})?", upper: bool,
    ) {
        let mut keywords = Keywords::default();
        keywords.add("STOP", Effect::OptOut, Place::First, &Arc::from([]));
        let word = if upper { "STOP" } else { "stop" };
        prop_assert_eq!(keywords.read(&format!("{before}{word}{after}"), None).decision, Decision::OptOut);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        let mut keywords = Keywords::default();
        keywords.add("STOP", Effect::OptOut, Place::First, &Arc::from([]));
        let _ = keywords.read(&text, Some("DE"));
    }
}

#[test]
fn impossible_numbers_in_sar_tlvs_make_a_message_of_its_own() {
    for (total, number) in [(2, 0), (2, 3), (0, 0), (0, 1)] {
        let mut tlvs = Vec::new();
        put_sar(Concat::Sar, Part { reference: 1, total: 2, number: 1 }, &mut tlvs);
        let n = tlvs.len();
        // The last octets of the second and third TLV: sar_total_segments and sar_segment_seqnum.
        *tlvs.get_mut(n - 6).unwrap() = total;
        *tlvs.get_mut(n - 1).unwrap() = number;
        let part = MoPart { octets: b"x", tlvs: Tlvs::new(&tlvs), ..MoPart::default() };
        let mut out = Vec::new();
        Reassembler::default().take(&part, 0, &mut out);
        assert_eq!(out.len(), 1, "{total} {number}");
    }
}
