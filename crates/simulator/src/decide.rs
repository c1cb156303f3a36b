//! What becomes of a submit: a pure function of the seed, the recipient, the part and the attempt.

use std::time::Duration;

use volley_smpp::{pdu::CommandStatus, receipt::MessageState};

use crate::options::{Delay, Share, SimulatorOptions};

/// A source of decisions for one submit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64, recipient: u64, part: u8, attempt: u32) -> Self {
        let mixed =
            seed ^ recipient.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((part as u64) << 56) ^ ((attempt as u64) << 40);
        Self(mixed)
    }

    /// splitmix64.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn hits(&mut self, share: Share) -> bool {
        // No draw for what never happens: the usual case costs nothing.
        share.0 > 0.0 && self.unit() < share.0
    }

    /// One of several, each as likely.
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let at = (self.unit() * choices.len() as f64) as usize;
        choices.get(at)
    }

    pub(crate) fn delay(&mut self, delay: Delay) -> Duration {
        if delay.min == delay.max { delay.min } else { delay.min + (delay.max - delay.min).mul_f64(self.unit()) }
    }

    /// An error status, or none.
    pub(crate) fn refusal(&mut self, options: &SimulatorOptions) -> Option<CommandStatus> {
        pick(&options.answer_errors, || self.unit())
    }

    pub(crate) fn final_state(&mut self, options: &SimulatorOptions) -> MessageState {
        pick(&options.final_states.others(), || self.unit()).unwrap_or(MessageState::Delivered)
    }
}

fn pick<T: Copy>(shares: &[(T, Share)], draw: impl FnOnce() -> f64) -> Option<T> {
    if shares.iter().all(|(_, share)| share.0 <= 0.0) {
        return None;
    }
    let mut left = draw();
    for (value, share) in shares {
        if left < share.0 {
            return Some(*value);
        }
        left -= share.0;
    }
    None
}
