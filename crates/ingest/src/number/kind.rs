//! Kinds of lines, and what a campaign does with each.

use rlibphonenumber::PhoneNumberType;
use serde::{Deserialize, Serialize};

/// What kind of line a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// A mobile.
    Mobile,
    /// Mobile or landline: the ranges don't tell, as in North America and Mexico.
    FixedLineOrMobile,
    /// A landline.
    FixedLine,
    /// Free for who calls.
    TollFree,
    /// Dear for who calls.
    PremiumRate,
    /// Paid by both sides.
    SharedCost,
    /// A line over the internet.
    Voip,
    /// Goes wherever its owner wants.
    Personal,
    /// A pager.
    Pager,
    /// One number for a whole company.
    Company,
    /// A voicemail box.
    Voicemail,
    /// In no range that is known to be in use.
    Unknown,
}

impl NumberKind {
    /// Whether an SMS may reach it (HANDBOOK F).
    #[must_use]
    pub const fn can_get_sms(self) -> bool {
        match self {
            Self::Mobile | Self::FixedLineOrMobile => true,
            Self::FixedLine
            | Self::TollFree
            | Self::PremiumRate
            | Self::SharedCost
            | Self::Voip
            | Self::Personal
            | Self::Pager
            | Self::Company
            | Self::Voicemail
            | Self::Unknown => false,
        }
    }

    /// All of them, each at its [`NumberKind::index`].
    pub const ALL: [Self; 12] = [
        Self::Mobile,
        Self::FixedLineOrMobile,
        Self::FixedLine,
        Self::TollFree,
        Self::PremiumRate,
        Self::SharedCost,
        Self::Voip,
        Self::Personal,
        Self::Pager,
        Self::Company,
        Self::Voicemail,
        Self::Unknown,
    ];

    /// Its place in [`NumberKind::ALL`], which plans store: 4 bits are enough.
    #[must_use]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// Its name in libphonenumber.
    #[must_use]
    pub const fn library_name(self) -> &'static str {
        match self {
            Self::Mobile => "MOBILE",
            Self::FixedLineOrMobile => "FIXED_LINE_OR_MOBILE",
            Self::FixedLine => "FIXED_LINE",
            Self::TollFree => "TOLL_FREE",
            Self::PremiumRate => "PREMIUM_RATE",
            Self::SharedCost => "SHARED_COST",
            Self::Voip => "VOIP",
            Self::Personal => "PERSONAL_NUMBER",
            Self::Pager => "PAGER",
            Self::Company => "UAN",
            Self::Voicemail => "VOICEMAIL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The words for reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "a mobile",
            Self::FixedLineOrMobile => "a landline or mobile",
            Self::FixedLine => "a landline",
            Self::TollFree => "a toll-free number",
            Self::PremiumRate => "a premium-rate number",
            Self::SharedCost => "a shared-cost number",
            Self::Voip => "an internet line",
            Self::Personal => "a personal number",
            Self::Pager => "a pager",
            Self::Company => "a company's access number",
            Self::Voicemail => "a voicemail box",
            Self::Unknown => "of unknown kind",
        }
    }
}

/// Whether numbers of one kind are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindPolicy {
    /// They are.
    Send,
    /// They are rejected, with the reason.
    Reject,
}

/// Which kinds are sent to (HANDBOOK F): mobiles always, the others where the campaign says so.
/// A number that may be a landline or a mobile is taken for a mobile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KindPolicies {
    sent: u16,
}

impl KindPolicies {
    /// With another policy for one kind.
    #[must_use]
    pub const fn with(self, kind: NumberKind, policy: KindPolicy) -> Self {
        let bit = 1 << kind.index();
        match policy {
            KindPolicy::Send => Self { sent: self.sent | bit },
            KindPolicy::Reject => Self { sent: self.sent & !bit },
        }
    }

    /// Whether numbers of this kind are sent to.
    #[must_use]
    pub const fn allow(self, kind: NumberKind) -> bool {
        kind.can_get_sms() || self.sent & 1 << kind.index() != 0
    }
}

/// The library's word for it, in ours.
pub(super) const fn kind_of(library: PhoneNumberType) -> NumberKind {
    match library {
        PhoneNumberType::Mobile => NumberKind::Mobile,
        PhoneNumberType::FixedLineOrMobile => NumberKind::FixedLineOrMobile,
        PhoneNumberType::FixedLine => NumberKind::FixedLine,
        PhoneNumberType::TollFree => NumberKind::TollFree,
        PhoneNumberType::PremiumRate => NumberKind::PremiumRate,
        PhoneNumberType::SharedCost => NumberKind::SharedCost,
        PhoneNumberType::VoIP => NumberKind::Voip,
        PhoneNumberType::PersonalNumber => NumberKind::Personal,
        PhoneNumberType::Pager => NumberKind::Pager,
        PhoneNumberType::UAN => NumberKind::Company,
        PhoneNumberType::VoiceMail => NumberKind::Voicemail,
        PhoneNumberType::Unknown => NumberKind::Unknown,
    }
}
