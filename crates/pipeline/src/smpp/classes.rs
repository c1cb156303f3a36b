//! What a carrier's refusals mean, where it differs from the standard's reading.

use std::ops::RangeInclusive;

use volley_smpp::pdu::{CommandStatus, StatusClass};

/// Classes of a carrier's own; all other codes have the class of HANDBOOK A.7.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusClasses {
    /// The narrowest range first.
    overrides: Vec<(RangeInclusive<u32>, StatusClass)>,
}

impl StatusClasses {
    /// Of codes that lie in several ranges, the narrowest decides.
    #[must_use]
    pub fn new(overrides: impl IntoIterator<Item = (RangeInclusive<u32>, StatusClass)>) -> Self {
        let mut overrides: Vec<_> = overrides.into_iter().collect();
        overrides.sort_by_key(|(codes, _)| codes.end().saturating_sub(*codes.start()));
        Self { overrides }
    }

    /// What to do about `status`.
    #[must_use]
    pub fn class_of(&self, status: CommandStatus) -> StatusClass {
        let own = self.overrides.iter().find(|(codes, _)| codes.contains(&status.0));
        own.map_or_else(|| status.class(), |(_, class)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriers_own_reading_goes_before_the_standards_and_one_code_before_a_range() {
        let classes = StatusClasses::new([
            (0x400..=0x4FF, StatusClass::Permanent),
            (0x410..=0x410, StatusClass::Throttle),
            (0x45..=0x45, StatusClass::Transient),
        ]);
        let class = |code| classes.class_of(CommandStatus(code));
        assert_eq!(
            (class(0x410), class(0x411), class(0x500)),
            (StatusClass::Throttle, StatusClass::Permanent, StatusClass::Transient)
        );
        assert_eq!((class(0x45), class(0x0A)), (StatusClass::Transient, StatusClass::Config));
    }
}
