//! Chance from a seed.

use crate::random::Random;

/// The same seed, the same throws.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Random);

impl Dice {
    /// Dice that throw what `seed` says.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Random(seed))
    }

    /// A number below `n`; 0 when `n` is 0.
    pub(crate) const fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.0.below(n) }
    }

    /// A number from `low` to `high`, both possible.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `per_mille` times in a thousand. Never and always take no throw.
    pub(crate) const fn chance(&mut self, per_mille: u32) -> bool {
        match per_mille {
            0 => false,
            1_000.. => true,
            _ => self.below(1_000) < per_mille as u64,
        }
    }

    /// One of `choices`.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let at = self.below(choices.len() as u64) as usize;
        choices.get(at).copied()
    }
}
