//! The state of one segment, and how a row's state follows from its segments (HANDBOOK C.7).

use volley_core::{MessageState, ReceiptState};

/// Where one segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment {
    /// To be sent, for the first time or again.
    Waiting,
    /// Intent durable, not answered.
    InFlight,
    /// Never answered.
    Doubt,
    /// Refused for good, or in doubt and taken for failed by a version before [`Self::GivenUp`].
    Failed,
    /// Not sent: its number is on the suppression list.
    Suppressed,
    /// In doubt, and decided to count as failed: told from a refusal, so that a receipt may correct it.
    GivenUp,
    /// Not sent: not begun by the campaign's deadline.
    Missed,
    /// Never begun, or given back, and its campaign was cancelled.
    Cancelled,
    /// Taken; the join of all receipts seen.
    Accepted(Option<ReceiptState>),
}

const ACCEPTED: u8 = 0x10;

impl Segment {
    /// One octet, for rows in memory and on disk.
    pub(crate) const fn to_u8(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::InFlight => 1,
            Self::Doubt => 2,
            Self::Failed => 3,
            Self::Suppressed => 4,
            Self::GivenUp => 6,
            Self::Cancelled => 7,
            Self::Missed => 8,
            Self::Accepted(None) => ACCEPTED,
            Self::Accepted(Some(state)) => ACCEPTED + 1 + state as u8,
        }
    }

    pub(crate) fn from_u8(octet: u8) -> Option<Self> {
        Some(match octet {
            0 => Self::Waiting,
            1 => Self::InFlight,
            2 => Self::Doubt,
            3 => Self::Failed,
            4 => Self::Suppressed,
            6 => Self::GivenUp,
            7 => Self::Cancelled,
            8 => Self::Missed,
            ACCEPTED => Self::Accepted(None),
            _ => Self::Accepted(Some(ReceiptState::from_u8(octet.checked_sub(ACCEPTED + 1)?)?)),
        })
    }

    /// Whether it was taken, and nobody said yet what became of it.
    pub(crate) fn is_unsettled(self) -> bool {
        match self {
            Self::Accepted(state) => !state.is_some_and(ReceiptState::is_final),
            Self::Waiting
            | Self::InFlight
            | Self::Doubt
            | Self::Failed
            | Self::GivenUp
            | Self::Suppressed
            | Self::Missed
            | Self::Cancelled => false,
        }
    }

    /// Whether a receipt could still change it.
    pub(crate) const fn awaits_receipt(self) -> bool {
        match self {
            Self::Accepted(Some(ReceiptState::Delivered)) => false,
            Self::Accepted(_) => true,
            Self::Waiting
            | Self::InFlight
            | Self::Doubt
            | Self::Failed
            | Self::GivenUp
            | Self::Suppressed
            | Self::Missed
            | Self::Cancelled => false,
        }
    }

    pub(crate) const fn is_delivered(self) -> bool {
        matches!(self, Self::Accepted(Some(ReceiptState::Delivered)))
    }
}

/// What is known of a row besides its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    /// The receipt deadline passed.
    pub(crate) const TIMED_OUT: u8 = 1;
    /// Waits for a due time.
    pub(crate) const DEFERRED: u8 = 2;
    /// Sent again although the fate of an earlier attempt was unknown.
    pub(crate) const POSSIBLE_DUPLICATE: u8 = 4;
    /// A receipt told of it where the answer is missing.
    pub(crate) const INFERRED: u8 = 8;
    /// A receipt told that it was taken before it was sent again.
    pub(crate) const TAKEN_TWICE: u8 = 16;

    /// How often the carrier was asked for it, in two bits.
    const ASKED: u8 = 0b0110_0000;

    pub(crate) const fn n_asked(self) -> u8 {
        (self.0 & Self::ASKED) >> Self::ASKED.trailing_zeros()
    }

    /// At most 3 can be kept.
    pub(crate) const fn set_asked(&mut self, n_asked: u8) {
        let n_asked = if n_asked > 3 { 3 } else { n_asked };
        self.0 = self.0 & !Self::ASKED | n_asked << Self::ASKED.trailing_zeros();
    }

    pub(crate) const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    pub(crate) const fn set(&mut self, flag: u8) {
        self.0 |= flag;
    }

    pub(crate) const fn clear(&mut self, flag: u8) {
        self.0 &= !flag;
    }
}

/// The state of a row: a pure function of its segments, so that the order of events can't matter.
pub(crate) fn row_state(segments: impl Iterator<Item = Segment>, flags: Flags) -> MessageState {
    let mut worst = MessageState::Delivered;
    let mut weight = 0;
    for segment in segments {
        let (candidate, its_weight) = weigh(segment, flags);
        if its_weight > weight {
            (worst, weight) = (candidate, its_weight);
        }
    }
    worst
}

/// What a message is when this segment decides, and how much it weighs against the others: a
/// failed segment makes the text unreadable; else what is unknown or open outweighs what is done.
const fn weigh(segment: Segment, flags: Flags) -> (MessageState, u8) {
    match segment {
        Segment::Failed | Segment::GivenUp => (MessageState::Failed, 10),
        Segment::Accepted(Some(
            ReceiptState::Undeliverable | ReceiptState::Deleted | ReceiptState::Rejected | ReceiptState::Skipped,
        )) => (MessageState::Undelivered, 9),
        Segment::InFlight => (MessageState::InFlight, 8),
        Segment::Doubt => (MessageState::InDoubt, 7),
        Segment::Waiting if flags.has(Flags::DEFERRED) => (MessageState::Deferred, 6),
        Segment::Waiting => (MessageState::Pending, 6),
        Segment::Suppressed => (MessageState::Suppressed, 5),
        Segment::Missed => (MessageState::Expired, 5),
        Segment::Cancelled => (MessageState::Cancelled, 5),
        Segment::Accepted(Some(ReceiptState::Expired)) => (MessageState::Expired, 3),
        Segment::Accepted(Some(ReceiptState::Delivered)) => (MessageState::Delivered, 1),
        Segment::Accepted(
            None
            | Some(ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted | ReceiptState::Unknown),
        ) => {
            if flags.has(Flags::TIMED_OUT) {
                (MessageState::Unknown, 2)
            } else {
                (MessageState::Accepted, 4)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERED: Segment = Segment::Accepted(Some(ReceiptState::Delivered));
    const UNDELIVERABLE: Segment = Segment::Accepted(Some(ReceiptState::Undeliverable));
    const EXPIRED: Segment = Segment::Accepted(Some(ReceiptState::Expired));
    const OPEN: Segment = Segment::Accepted(None);

    #[track_caller]
    fn check(segments: &[Segment], flags: u8, expected: MessageState) {
        assert_eq!(row_state(segments.iter().copied(), Flags(flags)), expected, "{segments:?}");
        let reversed = row_state(segments.iter().rev().copied(), Flags(flags));
        assert_eq!(reversed, expected, "{segments:?} in reverse");
    }

    #[test]
    fn segments_fold_by_the_handbook() {
        check(&[DELIVERED, DELIVERED], 0, MessageState::Delivered);
        check(&[DELIVERED, OPEN], 0, MessageState::Accepted);
        check(&[DELIVERED, UNDELIVERABLE, OPEN], 0, MessageState::Undelivered);
        check(&[Segment::Failed, DELIVERED, Segment::InFlight], 0, MessageState::Failed);
        check(&[EXPIRED, DELIVERED], 0, MessageState::Expired);
        check(&[EXPIRED, OPEN], 0, MessageState::Accepted);
        check(&[OPEN, DELIVERED], Flags::TIMED_OUT, MessageState::Unknown);
        check(&[Segment::Waiting, OPEN], 0, MessageState::Pending);
        check(&[Segment::Waiting, OPEN], Flags::DEFERRED, MessageState::Deferred);
        check(&[Segment::Doubt, OPEN], 0, MessageState::InDoubt);
        check(&[Segment::Suppressed, OPEN], 0, MessageState::Suppressed);
        check(&[Segment::Suppressed, Segment::InFlight], 0, MessageState::InFlight);
        check(&[Segment::Missed, DELIVERED], 0, MessageState::Expired);
        check(&[Segment::Cancelled, Segment::InFlight], 0, MessageState::InFlight);
        check(&[Segment::Cancelled, OPEN], Flags::DEFERRED, MessageState::Cancelled);
    }

    #[test]
    fn questions_are_counted_beside_the_other_flags() {
        let mut flags = Flags(Flags::TIMED_OUT | Flags::TAKEN_TWICE);
        for n in [1, 3, 2, 9] {
            flags.set_asked(n);
            assert_eq!((flags.n_asked(), flags.has(Flags::TAKEN_TWICE)), (n.min(3), true));
        }
        assert_eq!(Flags(!Flags::ASKED).n_asked(), 0);
    }

    #[test]
    fn octets_give_back_the_segment() {
        let accepted = ReceiptState::ALL.into_iter().map(|state| Segment::Accepted(Some(state)));
        let others = [
            Segment::Waiting,
            Segment::InFlight,
            Segment::Doubt,
            Segment::Failed,
            Segment::Suppressed,
            Segment::GivenUp,
            Segment::Missed,
            Segment::Cancelled,
            OPEN,
        ];
        for segment in others.into_iter().chain(accepted) {
            assert_eq!(Segment::from_u8(segment.to_u8()), Some(segment));
        }
        assert_eq!((Segment::from_u8(5), Segment::from_u8(0x1B)), (None, None));
    }
}
