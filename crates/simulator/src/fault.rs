//! The faults that strike single submits, and which of them struck one.

/// What can go wrong with a submit that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LostAnswer,
    ReorderedAnswer,
    DoubleAnswer,
    UnknownAnswer,
    EarlyReceipt,
    DoubleReceipt,
    ReorderedReceipt,
    UnknownReceipt,
    LostReceipt,
    LateReceipt,
    Disconnect,
    CutPdu,
    Reset,
    Garbage,
    Unbind,
    Stall,
    HalfOpen,
}

impl Fault {
    pub(crate) const ALL: [Self; 17] = [
        Self::LostAnswer,
        Self::ReorderedAnswer,
        Self::DoubleAnswer,
        Self::UnknownAnswer,
        Self::EarlyReceipt,
        Self::DoubleReceipt,
        Self::ReorderedReceipt,
        Self::UnknownReceipt,
        Self::LostReceipt,
        Self::LateReceipt,
        Self::Disconnect,
        Self::CutPdu,
        Self::Reset,
        Self::Garbage,
        Self::Unbind,
        Self::Stall,
        Self::HalfOpen,
    ];

    /// Its key in `[faults]`, by which the numbers and the log name it too.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::LostAnswer => "lost-answers",
            Self::ReorderedAnswer => "reordered-answers",
            Self::DoubleAnswer => "double-answers",
            Self::UnknownAnswer => "unknown-answers",
            Self::EarlyReceipt => "early-receipts",
            Self::DoubleReceipt => "double-receipts",
            Self::ReorderedReceipt => "reordered-receipts",
            Self::UnknownReceipt => "unknown-receipts",
            Self::LostReceipt => "lost-receipts",
            Self::LateReceipt => "late-receipts",
            Self::Disconnect => "disconnects",
            Self::CutPdu => "cut-pdus",
            Self::Reset => "resets",
            Self::Garbage => "garbage",
            Self::Unbind => "unbinds",
            Self::Stall => "stalls",
            Self::HalfOpen => "half-opens",
        }
    }
}

/// The faults that struck one submit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Struck(u32);

impl Struck {
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn insert(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u32;
    }

    pub(crate) const fn by(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u32) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.by(*fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_struck_is_told_apart() {
        let mut struck = Struck::default();
        assert!(struck.is_empty());
        struck.insert(Fault::HalfOpen);
        struck.insert(Fault::LostAnswer);
        assert_eq!(struck.iter().map(Fault::key).collect::<Vec<_>>(), ["lost-answers", "half-opens"]);
        assert!(!struck.by(Fault::Stall));
    }
}
