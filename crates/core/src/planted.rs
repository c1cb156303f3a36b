//! Bugs planted on purpose, to show that the simulation finds them (crate `proof`). Without the
//! feature `planted-bugs` none exists: [`is_planted`] is `false` when the program is compiled.

/// Each bug that the simulation must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Bug {
    /// The last receipt decides, not the highest.
    LastReceiptWins,
    /// A receipt that comes before its answer is forgotten.
    EarlyReceiptDropped,
    /// No answer in time counts as refused.
    TimeoutIsRefusal,
    /// No answer in time: sent again without a record of the doubt.
    SilentRequeue,
    /// Written to the carrier before the intent is handed to the journal.
    SendBeforeLogging,
    /// A receipt's recipient and account are not looked at.
    MatchedByIdAlone,
    /// A receipt is acknowledged when it is handed to the journal.
    AcknowledgedBeforeSync,
    /// What was open on a lost connection is not reported.
    ForgottenOnDisconnect,
    /// Written to the carrier when the intent is handed to the journal.
    SendBeforeSync,
    /// Windows and quiet hours are not kept.
    OutsideItsHours,
}

impl Bug {
    /// All bugs.
    pub const ALL: [Self; 10] = [
        Self::LastReceiptWins,
        Self::EarlyReceiptDropped,
        Self::TimeoutIsRefusal,
        Self::SilentRequeue,
        Self::SendBeforeLogging,
        Self::MatchedByIdAlone,
        Self::AcknowledgedBeforeSync,
        Self::ForgottenOnDisconnect,
        Self::SendBeforeSync,
        Self::OutsideItsHours,
    ];

    /// For command lines and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastReceiptWins => "last-receipt-wins",
            Self::EarlyReceiptDropped => "early-receipt-dropped",
            Self::TimeoutIsRefusal => "timeout-is-refusal",
            Self::SilentRequeue => "silent-requeue",
            Self::SendBeforeLogging => "send-before-logging",
            Self::MatchedByIdAlone => "matched-by-id-alone",
            Self::AcknowledgedBeforeSync => "acknowledged-before-sync",
            Self::ForgottenOnDisconnect => "forgotten-on-disconnect",
            Self::SendBeforeSync => "send-before-sync",
            Self::OutsideItsHours => "outside-its-hours",
        }
    }
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    std::thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug on this thread alone, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether `bug` is planted on this thread.
    #[must_use]
    pub fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

/// Never: this build has no planted bugs.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
#[inline(always)]
pub const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub use switch::{is_planted, plant};
