//! Sharing work among lanes by weight.

use std::num::NonZeroU32;

/// Weighted lanes. A lane without room is passed over, so that no room stays empty while there
/// is work; while all have room, their shares follow the weights.
#[derive(Debug, Clone)]
pub struct Lanes {
    weights: Vec<NonZeroU32>,
    /// Work given so far divided by the weight, as far as it is still remembered.
    served: Vec<f64>,
}

impl Lanes {
    /// Lanes with these weights.
    #[must_use]
    pub fn new(weights: &[NonZeroU32]) -> Self {
        Self { weights: weights.to_vec(), served: vec![0.0; weights.len()] }
    }

    /// Shares up to `want` segments among lanes with `room`: fills `out` with each lane's part,
    /// none of them zero.
    pub fn share(&mut self, room: &[u32], want: u32, out: &mut Vec<(usize, u32)>) {
        out.clear();
        let total: u64 = room.iter().map(|room| u64::from(*room)).sum();
        let mut left = u32::try_from(total).unwrap_or(u32::MAX).min(want);
        let mut room = room.to_vec();
        let mut given = vec![0_u32; room.len()];
        // Each round gives the lane that is furthest behind what brings it level with the next,
        // or its room; a lane falls out when its room is used up.
        while left > 0 {
            let open = || (0..).zip(&room).filter(|(_, room)| **room > 0).map(|(lane, _): (usize, _)| lane);
            let served = |lane: usize| self.served.get(lane).copied().unwrap_or(0.0);
            let Some(lane) = open().min_by(|a, b| served(*a).total_cmp(&served(*b))) else { break };
            let next = open().filter(|other| *other != lane).map(served).fold(f64::INFINITY, f64::min);
            let weight = f64::from(self.weights.get(lane).map_or(1, |weight| weight.get()));
            let level = ((next - served(lane)) * weight).floor() + 1.0;
            let most = room.get(lane).copied().unwrap_or(0).min(left);
            let n = if level >= f64::from(most) { most } else { level as u32 };
            if let (Some(room), Some(given), Some(served)) =
                (room.get_mut(lane), given.get_mut(lane), self.served.get_mut(lane))
            {
                *room -= n;
                *given += n;
                *served += f64::from(n) / weight;
            }
            left -= n;
        }
        self.forget();
        out.extend((0..).zip(given).filter(|(_, n)| *n > 0));
    }

    /// A lane that had no room for long must not be given everything when it has room again: it
    /// is remembered as at most a little behind.
    fn forget(&mut self) {
        const BEHIND: f64 = 100.0;
        let most = self.served.iter().copied().fold(0.0, f64::max);
        for served in &mut self.served {
            *served = (*served - most).max(-BEHIND);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(weights: &[u32]) -> Lanes {
        Lanes::new(&weights.iter().map(|weight| NonZeroU32::new(*weight).unwrap()).collect::<Vec<_>>())
    }

    fn totals(lanes: &mut Lanes, room: &[u32], want: u32, n_times: usize) -> Vec<u32> {
        let mut totals = vec![0; room.len()];
        let mut out = Vec::new();
        for _ in 0..n_times {
            lanes.share(room, want, &mut out);
            assert!(out.iter().map(|(_, n)| n).sum::<u32>() <= want);
            for (lane, n) in &out {
                assert!(*n > 0 && *n <= room[*lane]);
                totals[*lane] += n;
            }
        }
        totals
    }

    #[test]
    fn shares_follow_the_weights_while_all_have_room() {
        for want in [1, 2, 7, 300] {
            let totals = totals(&mut lanes(&[2, 1]), &[1000, 1000], want, 300);
            let expected = 300 * want * 2 / 3;
            assert!(totals[0].abs_diff(expected) <= 2, "{want}: {totals:?}");
        }
    }

    #[test]
    fn no_room_stays_empty_while_there_is_work() {
        assert_eq!(totals(&mut lanes(&[1, 5]), &[10, 3], 100, 1), [10, 3]);
        assert_eq!(totals(&mut lanes(&[1, 5]), &[10, 0], 4, 2), [8, 0]);
        assert_eq!(totals(&mut lanes(&[1]), &[0], 4, 1), [0]);
    }

    #[test]
    fn a_lane_that_comes_back_does_not_get_everything_for_long() {
        let mut lanes = lanes(&[1, 1]);
        totals(&mut lanes, &[1000, 0], 1000, 100);
        let after = totals(&mut lanes, &[1000, 1000], 10, 100);
        assert!(after[0] >= 400, "{after:?}");
    }
}
