//! Whole segments of shares that are none, so that nothing is lost or gained.

/// What was given so far.
pub(super) struct Rounded {
    given: Vec<u64>,
}

impl Rounded {
    pub(super) fn new(n_carriers: usize) -> Self {
        Self { given: vec![0; n_carriers] }
    }

    /// Whole segments since the last call, of exact sums since the beginning. All calls together
    /// give the whole sum, rounded.
    pub(super) fn next(&mut self, sums: &[f64]) -> Vec<u64> {
        let total = sums.iter().sum::<f64>().round() as u64;
        let mut due: Vec<u64> =
            sums.iter().zip(&self.given).map(|(sum, given)| (sum.floor() as u64).max(*given)).collect();
        let mut missing = total.saturating_sub(due.iter().sum());
        // The largest rests first.
        let mut order: Vec<usize> = (0..sums.len()).collect();
        let rest = |at: &usize| sums.get(*at).zip(due.get(*at)).map_or(0.0, |(sum, due)| sum - *due as f64);
        order.sort_by(|a, b| rest(b).total_cmp(&rest(a)));
        for at in order {
            if missing == 0 {
                break;
            }
            due.get_mut(at).into_iter().for_each(|due| *due += 1);
            missing -= 1;
        }
        let since = due.iter().zip(&self.given).map(|(due, given)| due - given).collect();
        self.given = due;
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_or_gained() {
        let mut rounded = Rounded::new(3);
        let mut sums = [0.0; 3];
        let mut given = [0_u64; 3];
        for step in 1..=100 {
            for (sum, rate) in sums.iter_mut().zip([1.0 / 3.0, 2.0 / 3.0, 7.1]) {
                *sum += rate;
            }
            for (given, n) in given.iter_mut().zip(rounded.next(&sums)) {
                *given += n;
            }
            let exact: f64 = sums.iter().sum();
            assert_eq!(given.iter().sum::<u64>(), exact.round() as u64, "step {step}");
            assert!(
                given.iter().zip(sums).all(|(given, sum)| (*given as f64 - sum).abs() <= 1.0),
                "{given:?} {sums:?}"
            );
        }
    }
}
