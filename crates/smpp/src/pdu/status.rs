//! command_status (SMPP 3.4, 5.1.3; HANDBOOK A.7).

use std::fmt;

/// What a response says of its request; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommandStatus(pub u32);

/// What to do about a status (HANDBOOK A.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// Success.
    Ok,
    /// Slow down; try again, without using up an attempt.
    Throttle,
    /// Try this message again later.
    Transient,
    /// This message fails.
    Permanent,
    /// This message fails, and so will every other with the same sender or field.
    Config,
    /// Bind anew.
    Session,
    /// This bind can't work.
    Auth,
}

impl StatusClass {
    /// Its name in a carriers file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttle => "throttle",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Config => "config",
            Self::Session => "session",
            Self::Auth => "auth",
        }
    }
}

macro_rules! statuses {
    ($($value:literal $name:ident $class:ident;)+) => {
        impl CommandStatus {
            $(
                #[doc = concat!("ESME_", stringify!($name), ".")]
                pub const $name: Self = Self($value);
            )+

            /// Its name in the standard, if it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(concat!("ESME_", stringify!($name))),)+
                    _ => None,
                }
            }

            /// What to do about it. Vendors' codes and unknown ones are transient, with few tries.
            #[must_use]
            pub const fn class(self) -> StatusClass {
                match self.0 {
                    $($value => StatusClass::$class,)+
                    _ => StatusClass::Transient,
                }
            }
        }
    };
}

statuses! {
    0x00 ROK Ok;
    0x01 RINVMSGLEN Permanent;
    0x02 RINVCMDLEN Session;
    0x03 RINVCMDID Session;
    0x04 RINVBNDSTS Session;
    0x05 RALYBND Session;
    0x06 RINVPRTFLG Config;
    0x07 RINVREGDLVFLG Config;
    0x08 RSYSERR Transient;
    0x0A RINVSRCADR Config;
    0x0B RINVDSTADR Permanent;
    0x0C RINVMSGID Permanent;
    0x0D RBINDFAIL Session;
    0x0E RINVPASWD Auth;
    0x0F RINVSYSID Auth;
    0x11 RCANCELFAIL Permanent;
    0x13 RREPLACEFAIL Permanent;
    0x14 RMSGQFUL Throttle;
    0x15 RINVSERTYP Config;
    0x33 RINVNUMDESTS Permanent;
    0x34 RINVDLNAME Permanent;
    0x40 RINVDESTFLAG Permanent;
    0x42 RINVSUBREP Config;
    0x43 RINVESMCLASS Config;
    0x44 RCNTSUBDL Permanent;
    0x45 RSUBMITFAIL Permanent;
    0x48 RINVSRCTON Config;
    0x49 RINVSRCNPI Config;
    0x50 RINVDSTTON Config;
    0x51 RINVDSTNPI Config;
    0x53 RINVSYSTYP Auth;
    0x54 RINVREPFLAG Config;
    0x55 RINVNUMMSGS Permanent;
    0x58 RTHROTTLED Throttle;
    0x61 RINVSCHED Permanent;
    0x62 RINVEXPIRY Permanent;
    0x63 RINVDFTMSGID Config;
    0x64 RX_T_APPN Transient;
    0x65 RX_P_APPN Permanent;
    0x66 RX_R_APPN Permanent;
    0x67 RQUERYFAIL Permanent;
    0xC0 RINVOPTPARSTREAM Permanent;
    0xC1 ROPTPARNOTALLWD Config;
    0xC2 RINVPARLEN Config;
    0xC3 RMISSINGOPTPARAM Config;
    0xC4 RINVOPTPARAMVAL Config;
    0xFE RDELIVERYFAILURE Permanent;
    0xFF RUNKNOWNERR Transient;
    0x100 RSERTYPUNAUTH Config;
    0x101 RPROHIBITED Config;
    0x102 RSERTYPUNAVAIL Transient;
    0x103 RSERTYPDENIED Config;
    0x104 RINVDCS Permanent;
    0x105 RINVSRCADDRSUBUNIT Permanent;
    0x106 RINVDSTADDRSUBUNIT Permanent;
    0x107 RINVBCASTFREQINT Permanent;
    0x108 RINVBCASTALIAS_NAME Permanent;
    0x109 RINVBCASTAREAFMT Permanent;
    0x10A RINVNUMBCAST_AREAS Permanent;
    0x10B RINVBCASTCNTTYPE Permanent;
    0x10C RINVBCASTMSGCLASS Permanent;
    0x10D RBCASTFAIL Permanent;
    0x10E RBCASTQUERYFAIL Permanent;
    0x10F RBCASTCANCELFAIL Permanent;
    0x110 RINVBCAST_REP Permanent;
    0x111 RINVBCASTSRVGRP Permanent;
    0x112 RINVBCASTCHANIND Permanent;
}

impl CommandStatus {
    /// Whether it is one of those that carriers define for themselves.
    #[must_use]
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x400..=0x4FF)
    }

    /// The name that SMPP 5.0 has given to it, where that is another.
    #[must_use]
    pub const fn name_in_5_0(self) -> Option<&'static str> {
        Some(match self.0 {
            0xC0 => "ESME_RINVTLVSTREAM",
            0xC1 => "ESME_RTLVNOTALLWD",
            0xC2 => "ESME_RINVTLVLEN",
            0xC3 => "ESME_RMISSINGTLV",
            0xC4 => "ESME_RINVTLVVAL",
            _ => return None,
        })
    }

    /// [`CommandStatus::class`] in a word; codes that no standard names are "transient_capped",
    /// tried again a few times only.
    #[must_use]
    pub const fn class_name(self) -> &'static str {
        match self.name() {
            Some(_) => self.class().name(),
            None => "transient_capped",
        }
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02X}", self.0)?;
        match self.name() {
            Some(name) => write!(f, " {name}"),
            None if self.is_vendor() => f.write_str(" (vendor's own)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names_and_classes() {
        assert_eq!(CommandStatus::RTHROTTLED.to_string(), "0x58 ESME_RTHROTTLED");
        assert_eq!(CommandStatus(0x410).to_string(), "0x410 (vendor's own)");
        assert_eq!(
            (CommandStatus(0x410).class(), CommandStatus::RINVSYSID.class()),
            (StatusClass::Transient, StatusClass::Auth)
        );
    }
}
