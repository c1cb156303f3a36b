//! What becomes of a refused segment (HANDBOOK A.7).

use std::time::Duration;

use volley_smpp::pdu::{CommandStatus, StatusClass};

/// Waits between the attempts of a message that the carrier refused for now.
const SCHEDULE: [Duration; 3] = [Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];

/// What to do with a refused segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// We were too fast: at once again, as far as the carrier's pace allows; no attempt used up.
    Throttled,
    /// Later.
    Defer(Duration),
    /// Never.
    Fail,
}

/// `attempts`: made so far, this one included.
pub(crate) fn disposition(status: CommandStatus, attempts: u8) -> Disposition {
    match status.class() {
        StatusClass::Throttle => Disposition::Throttled,
        StatusClass::Transient | StatusClass::Session => {
            let wait = SCHEDULE.get(usize::from(attempts.saturating_sub(1)));
            wait.map_or(Disposition::Fail, |wait| Disposition::Defer(*wait))
        }
        // "ok" does not refuse; a carrier that answers 0 without an id is handled before.
        StatusClass::Ok | StatusClass::Permanent | StatusClass::Config | StatusClass::Auth => Disposition::Fail,
    }
}

/// Whether a refused bind stays refused until a person does something: wrong credentials, more
/// binds than the contract allows. Everything else may pass.
pub(crate) fn needs_a_person(bind_status: CommandStatus) -> bool {
    let is_limit = matches!(bind_status, CommandStatus::RBINDFAIL | CommandStatus::RALYBND);
    is_limit || bind_status.class() == StatusClass::Auth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_refusals_are_tried_again_a_stated_number_of_times() {
        let tries: Vec<_> = (1..=4).map(|attempts| disposition(CommandStatus::RSYSERR, attempts)).collect();
        let defer = |secs| Disposition::Defer(Duration::from_secs(secs));
        assert_eq!(tries, [defer(30), defer(120), defer(600), Disposition::Fail]);
        assert_eq!(disposition(CommandStatus::RTHROTTLED, 200), Disposition::Throttled);
        assert_eq!(disposition(CommandStatus::RINVDSTADR, 1), Disposition::Fail);
    }

    #[test]
    fn a_system_error_at_the_bind_may_pass_and_a_wrong_password_does_not() {
        for status in [CommandStatus::RINVPASWD, CommandStatus::RINVSYSID, CommandStatus::RINVSYSTYP] {
            assert!(needs_a_person(status));
        }
        assert!(needs_a_person(CommandStatus::RBINDFAIL));
        assert!(!needs_a_person(CommandStatus::RSYSERR) && !needs_a_person(CommandStatus::RTHROTTLED));
    }
}
