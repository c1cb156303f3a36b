//! Why a session takes no more submits, and why it is over.

use volley_smpp::pdu::{CommandStatus, FrameError};

use crate::{ConnectStep, LostCause, smpp::tls::is_tls_error};

/// Why a bound session takes no more submits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retire {
    /// The owner asked for it.
    Drained,
    /// The SMSC asked for it; its request is still to be answered.
    PeerUnbound { sequence: u32 },
    /// A submit was not answered in time: its slot is freed by binding again only.
    NoAnswer,
    /// A submit was refused in a way that only a new bind can mend.
    NotBound,
}

/// Why a session is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Close {
    #[error("drained")]
    Drained,
    #[error("the carrier was dropped")]
    Dropped,
    #[error("can't connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("TLS failed: {0}")]
    Tls(#[source] std::io::Error),
    #[error("the SMSC refuses the bind: {0}")]
    BindRefused(CommandStatus),
    #[error("no answer to the bind")]
    BindUnanswered,
    #[error("the SMSC unbound us")]
    PeerUnbound,
    #[error("a submit was not answered in time")]
    NoAnswer,
    #[error("the SMSC takes no submits on this bind")]
    NotBound,
    #[error("enquire_link was not answered in time")]
    EnquireUnanswered,
    #[error("nothing came for too long")]
    Inactive,
    #[error("the rest of a PDU did not come in time")]
    PartialPdu,
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("the SMSC closed the connection")]
    PeerClosed,
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
}

impl Close {
    /// How far the way to a bind went, for an end before it was accepted.
    pub(crate) fn step(&self) -> ConnectStep {
        match self {
            Self::Connect(_) => ConnectStep::Tcp,
            Self::Tls(_) => ConnectStep::Tls,
            // Of TLS 1.3, the SMSC judges our certificate after we think that all is done.
            Self::Io(error) if is_tls_error(error) => ConnectStep::Tls,
            Self::Drained
            | Self::Dropped
            | Self::BindRefused(_)
            | Self::BindUnanswered
            | Self::PeerUnbound
            | Self::NoAnswer
            | Self::NotBound
            | Self::EnquireUnanswered
            | Self::Inactive
            | Self::PartialPdu
            | Self::Frame(_)
            | Self::PeerClosed
            | Self::Io(_) => ConnectStep::Bind,
        }
    }

    /// What it means for submits that are still open.
    pub(crate) const fn lost_cause(&self) -> LostCause {
        match self {
            Self::Drained | Self::NoAnswer => LostCause::NoAnswer,
            Self::Dropped
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::BindRefused(_)
            | Self::BindUnanswered
            | Self::PeerUnbound
            | Self::NotBound
            | Self::EnquireUnanswered
            | Self::Inactive
            | Self::PartialPdu
            | Self::Frame(_)
            | Self::PeerClosed
            | Self::Io(_) => LostCause::ConnectionLost,
        }
    }
}

impl Retire {
    pub(super) const fn close(self) -> Close {
        match self {
            Self::Drained => Close::Drained,
            Self::PeerUnbound { .. } => Close::PeerUnbound,
            Self::NoAnswer => Close::NoAnswer,
            Self::NotBound => Close::NotBound,
        }
    }

    /// Two reasons at once: what must be answered goes first, then what the owner asked for.
    pub(super) const fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::PeerUnbound { .. }, _) => self,
            (_, Self::PeerUnbound { .. } | Self::Drained) => other,
            (Self::Drained, _) => self,
            (Self::NoAnswer | Self::NotBound, Self::NoAnswer | Self::NotBound) => self,
        }
    }
}
