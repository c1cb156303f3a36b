//! What became of a message of several parts, from what became of each (HANDBOOK C.7).

use super::MessageState;

/// What is known of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// Submitted, or about to be; nothing heard yet.
    Open,
    /// What its receipt says.
    Receipt(MessageState),
    /// The receipt deadline passed.
    TimedOut,
    /// Refused by the carrier for good.
    Refused,
    /// Not submitted, because an earlier part was refused.
    NotSubmitted,
}

/// Which parts have a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartsPolicy {
    /// All.
    #[default]
    All,
    /// One alone, counted from 0: it speaks for the message.
    Only(usize),
    /// Whichever comes first speaks for the message: SMSCs that reassemble.
    First,
}

/// What became of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageFate {
    /// A part is open, and none has failed.
    Sent,
    /// Every part has reached the handset.
    Delivered,
    /// Some have, none has failed, and of the others nothing was heard in time.
    DeliveredUnconfirmed,
    /// A part has failed, so the text can't be read.
    Failed,
    /// A part has expired, and none is open or has failed.
    Expired,
    /// Nothing was heard in time.
    ExpiredNoReceipt,
}

impl MessageFate {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::DeliveredUnconfirmed => "delivered_unconfirmed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::ExpiredNoReceipt => "expired_no_receipt",
        }
    }
}

/// Folds the parts of one message.
#[must_use]
pub fn fold_parts(parts: &[PartState], policy: PartsPolicy) -> MessageFate {
    // A refusal counts whoever was asked for a receipt.
    let refused = parts.iter().any(|part| matches!(part, PartState::Refused | PartState::NotSubmitted));
    if refused {
        return MessageFate::Failed;
    }
    let heard = |part: &&PartState| matches!(part, PartState::Receipt(_));
    let speaks = match policy {
        PartsPolicy::All => None,
        PartsPolicy::Only(index) => parts.get(index),
        PartsPolicy::First => parts.iter().find(heard).or_else(|| parts.first()),
    };
    fold(speaks.map_or(parts, std::slice::from_ref))
}

fn fold(parts: &[PartState]) -> MessageFate {
    let mut n_delivered = 0_usize;
    let mut n_expired = 0_usize;
    let mut n_open = 0_usize;
    for part in parts {
        match part {
            PartState::Refused | PartState::NotSubmitted => return MessageFate::Failed,
            PartState::TimedOut => {}
            PartState::Open => n_open += 1,
            PartState::Receipt(state) => match state {
                MessageState::Delivered => n_delivered += 1,
                MessageState::Expired => n_expired += 1,
                MessageState::Deleted
                | MessageState::Undeliverable
                | MessageState::Rejected
                | MessageState::Skipped => return MessageFate::Failed,
                MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted | MessageState::Unknown => {
                    n_open += 1;
                }
            },
        }
    }
    match (n_open, n_expired, n_delivered) {
        (1.., _, _) => MessageFate::Sent,
        (0, 1.., _) => MessageFate::Expired,
        (0, 0, 0) => MessageFate::ExpiredNoReceipt,
        (0, 0, n) if n == parts.len() => MessageFate::Delivered,
        (0, 0, _) => MessageFate::DeliveredUnconfirmed,
    }
}

#[cfg(test)]
mod tests {
    use super::{MessageFate as Fate, MessageState as State, PartState::*, *};

    #[track_caller]
    fn check(parts: &[PartState], policy: PartsPolicy, expected: Fate) {
        assert_eq!(fold_parts(parts, policy), expected, "{parts:?}");
    }

    #[test]
    fn parts_fold_by_the_handbook() {
        let (done, gone, late) = (Receipt(State::Delivered), Receipt(State::Undeliverable), Receipt(State::Expired));
        check(&[done, done], PartsPolicy::All, Fate::Delivered);
        check(&[done, Receipt(State::Enroute)], PartsPolicy::All, Fate::Sent);
        check(&[done, gone, Open], PartsPolicy::All, Fate::Failed);
        check(&[done, late], PartsPolicy::All, Fate::Expired);
        check(&[Open, late], PartsPolicy::All, Fate::Sent);
        check(&[late, gone], PartsPolicy::All, Fate::Failed);
        check(&[done, TimedOut], PartsPolicy::All, Fate::DeliveredUnconfirmed);
        check(&[TimedOut, TimedOut], PartsPolicy::All, Fate::ExpiredNoReceipt);
        check(&[TimedOut, late], PartsPolicy::All, Fate::Expired);
        check(&[Refused, NotSubmitted], PartsPolicy::All, Fate::Failed);
    }

    #[test]
    fn one_part_may_speak_for_all() {
        let done = Receipt(State::Delivered);
        check(&[Open, done], PartsPolicy::Only(1), Fate::Delivered);
        check(&[Open, done], PartsPolicy::Only(0), Fate::Sent);
        check(&[Open, done, Open], PartsPolicy::First, Fate::Delivered);
        check(&[Open, Open], PartsPolicy::First, Fate::Sent);
        check(&[done, Refused], PartsPolicy::Only(0), Fate::Failed);
    }
}
