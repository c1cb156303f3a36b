//! TON and NPI by the kind of address (HANDBOOK B.2).

/// Type of number and numbering plan (SMPP 3.4, 5.2.5 and 5.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TonNpi {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan.
    pub npi: u8,
}

impl TonNpi {
    /// An international number.
    pub const INTERNATIONAL: Self = Self { ton: 1, npi: 1 };
    /// A short code.
    pub const SHORT_CODE: Self = Self { ton: 3, npi: 0 };
    /// Letters.
    pub const ALPHANUMERIC: Self = Self { ton: 5, npi: 0 };

    /// What a sender ID most likely is: letters anywhere make it alphanumeric; up to eight digits
    /// are a short code unless a plus says otherwise.
    #[must_use]
    pub fn of_sender(sender: &str) -> Self {
        let digits = sender.strip_prefix('+').unwrap_or(sender);
        if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
            Self::ALPHANUMERIC
        } else if digits.len() <= 8 && !sender.starts_with('+') {
            Self::SHORT_CODE
        } else {
            Self::INTERNATIONAL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_told_apart() {
        for (sender, expected) in [
            ("ACME", TonNpi::ALPHANUMERIC),
            ("1-800", TonNpi::ALPHANUMERIC),
            ("60777", TonNpi::SHORT_CODE),
            ("+4915112345678", TonNpi::INTERNATIONAL),
            ("4915112345678", TonNpi::INTERNATIONAL),
            ("+60777", TonNpi::INTERNATIONAL),
        ] {
            assert_eq!(TonNpi::of_sender(sender), expected, "{sender}");
        }
    }
}
