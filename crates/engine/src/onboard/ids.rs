//! How a carrier writes ids in answers and in receipts (HANDBOOK C.5).

use volley_smpp::receipt::{IdMode, Side};

use super::session::folded;

/// The reading in which most answers have a receipt: the configured one where it is as good as
/// any, else the likeliest of the best. `None` when none matches anything.
pub(super) fn propose(configured: IdMode, answers: &[Vec<u8>], receipts: &[Vec<u8>]) -> Option<(IdMode, usize)> {
    let n_matched = |mode: IdMode| {
        if !mode.is_plausible(answers.iter().map(Vec::as_slice), receipts.iter().map(Vec::as_slice)) {
            return 0;
        }
        let keys: Vec<_> = receipts.iter().map(|id| folded(mode, Side::Receipt, id)).collect();
        answers.iter().filter(|id| keys.contains(&folded(mode, Side::Response, id))).count()
    };
    let best = IdMode::ALL.into_iter().map(n_matched).max().filter(|n| *n > 0)?;
    let candidates = std::iter::once(configured).chain(IdMode::ALL);
    candidates.into_iter().find(|mode| n_matched(*mode) == best).map(|mode| (mode, best))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_that_matches_is_proposed_and_the_configured_one_kept_if_it_does() {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.as_bytes().to_vec()).collect::<Vec<_>>();
        let (hex, dec) = (ids(&["1A", "1B"]), ids(&["26", "27"]));
        assert_eq!(propose(IdMode::AsIs, &hex, &dec), Some((IdMode::RespHexReceiptDec, 2)));
        assert_eq!(propose(IdMode::AsIs, &dec, &dec), Some((IdMode::AsIs, 2)));
        assert_eq!(propose(IdMode::BothDec, &dec, &dec), Some((IdMode::BothDec, 2)));
        assert_eq!(propose(IdMode::AsIs, &hex, &ids(&["zz"])), None);
        assert_eq!(propose(IdMode::AsIs, &hex, &[]), None);
    }
}
