//! Which encoding a text gets that is not in the default alphabet as it stands.

use super::{Encoding, SegmentOptions, coding::Coding};
use crate::text::Shifts;

/// What a text could be sent as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) coding: Coding,
    pub(super) is_simplified: bool,
}

/// The text as it stands, or what smart encoding makes of it: fewest segments, and among equals
/// what is closest to the text.
pub(super) fn best_of_both(text: &str, simplified: &str, options: &SegmentOptions) -> Candidate {
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
pub(super) fn otherwise(text: &str, options: &SegmentOptions) -> Coding {
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
