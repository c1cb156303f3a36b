//! Errors as people see them, and exit codes.

use std::{io, process::ExitCode};

use volley_engine::{Ended, Error, MessageState, Outcome, Refusal};

/// Exit codes (DESIGN section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Clean = 0,
    Failures = 1,
    Usage = 2,
    Guarded = 3,
    Unreachable = 4,
    InUse = 5,
    InDoubt = 6,
    Damaged = 7,
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Code {
    /// How a run that came to an end went.
    pub(crate) fn of_outcome(outcome: &Outcome) -> Self {
        let n_in = |state| outcome.summary.states.get(state);
        match outcome.ended {
            Ended::Interrupted => Self::Interrupted,
            Ended::NoCarrier => Self::Unreachable,
            Ended::Guarded => Self::Guarded,
            Ended::Finished if n_in(MessageState::InDoubt) > 0 => Self::InDoubt,
            // Recipients who can't be reached are in the report; only when nothing at all was
            // taken is the run itself a failure.
            Ended::Finished if outcome.summary.segments.accepted == 0 => Self::Failures,
            Ended::Finished if n_in(MessageState::Cancelled) > 0 => Self::Failures,
            Ended::Finished => Self::Clean,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    Engine(Error),
    Simulator(volley_engine::simulator::Error),
    Io {
        what: String,
        source: io::Error,
    },
    Usage {
        message: String,
        hint: Option<String>,
    },
    /// Whoever read our output has left: no failure.
    ClosedPipe,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let is_closed_pipe = matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe);
        if is_closed_pipe { Self::ClosedPipe } else { Self::Engine(error) }
    }
}

impl Failure {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| match source.kind() == io::ErrorKind::BrokenPipe {
            true => Self::ClosedPipe,
            false => Self::Io { what, source },
        }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Self::ClosedPipe => Code::Clean,
            Self::Simulator(_) | Self::Io { .. } | Self::Usage { .. } => Code::Usage,
            Self::Engine(error) => match error {
                Error::InUse { .. } | Error::NotOrdered { refusal: Refusal::RunsAnother(_), .. } => Code::InUse,
                Error::NoCarrier { .. } => Code::Unreachable,
                Error::Guarded { .. } | Error::GuardStops { .. } => Code::Guarded,
                Error::Journal(_)
                | Error::Ledger(_)
                | Error::DoesNotReconcile { .. }
                | Error::Changed { .. }
                | Error::PlanDamaged { .. }
                | Error::BadArchive { .. } => Code::Damaged,
                Error::StillInDoubt { .. } => Code::InDoubt,
                Error::NothingToSend { .. }
                | Error::EmptyField { .. }
                | Error::IsSuppressed { .. }
                | Error::NoTestRow { .. } => Code::Failures,
                Error::Options(_)
                | Error::List(_)
                | Error::Carrier(_)
                | Error::NoData { .. }
                | Error::NoCampaign { .. }
                | Error::NoNumber { .. }
                | Error::NoList { .. }
                | Error::BadListName { .. }
                | Error::PlanChanged { .. }
                | Error::PlanUsed { .. }
                | Error::NoPlan { .. }
                | Error::SeveralPlans { .. }
                | Error::NoHash { .. }
                | Error::NoRoute { .. }
                | Error::NotInDoubt { .. }
                | Error::NotOrdered { .. }
                | Error::NotFinished { .. }
                | Error::IsArchived { .. }
                | Error::Unfinished { .. }
                | Error::SeveralUnfinished { .. }
                | Error::TooManyCarriers
                | Error::Simulator(_)
                | Error::Io { .. } => Code::Usage,
            },
        }
    }

    /// `error: what`, its causes, and `hint: what to do`.
    pub(crate) fn show(&self) {
        let (message, hint) = match self {
            Self::ClosedPipe => return,
            Self::Engine(error) => (chain(error), error.hint()),
            Self::Simulator(error) => (chain(error), None),
            Self::Io { what, source } => (format!("{what}: {source}"), None),
            Self::Usage { message, hint } => (message.clone(), hint.clone()),
        };
        say!("error: {message}");
        if let Some(hint) = hint {
            say!("hint: {hint}");
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
