//! What becomes of a refused segment (HANDBOOK A.5, A.7).

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use volley_pipeline::StatusClasses;
use volley_smpp::pdu::{CommandStatus, StatusClass};

use crate::options::CarrierOptions;

/// Waits before a message that the carrier refused for now is tried again.
const SCHEDULE: [Duration; 3] = [Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];
/// The same when the queue for one destination is full.
const QUEUE_FULL_SCHEDULE: [Duration; 3] =
    [Duration::from_secs(60), Duration::from_secs(120), Duration::from_secs(180)];
const QUEUE_FULL_TRIES: u8 = 5;
/// How often a refusal that nobody can read is tried again.
const UNKNOWN_TRIES: u8 = 2;
/// Over how long full queues are counted, and the share of answers above which the whole account
/// is meant, not one destination.
const QUEUE_FULL_OVER: Duration = Duration::from_secs(10);
const QUEUE_FULL_SHARE: f64 = 0.05;

/// What to do with a refused segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// We were too fast: at once again, as far as the carrier's pace allows; no attempt used up.
    Throttled,
    /// Later.
    Defer(Duration),
    /// Never.
    Fail,
    /// Never, and so it would be with every other message.
    FailAll,
}

/// One carrier's reading of refusals.
#[derive(Debug, Clone)]
pub(crate) struct StatusTable {
    classes: StatusClasses,
    /// The carrier's `retry`.
    schedule: Vec<Duration>,
    /// The narrowest range first.
    own: Vec<(RangeInclusive<u32>, Retries)>,
}

#[derive(Debug, Clone, Default)]
struct Retries {
    tries: Option<u8>,
    waits: Option<Vec<Duration>>,
}

impl StatusTable {
    pub(crate) fn new(options: &CarrierOptions) -> Self {
        let durations = |waits: &[crate::options::HumanDuration]| waits.iter().map(|wait| wait.0).collect::<Vec<_>>();
        let mut own: Vec<_> = options
            .statuses
            .iter()
            .map(|(codes, rule)| {
                (codes.range(), Retries { tries: rule.tries, waits: rule.retry.as_deref().map(durations) })
            })
            .collect();
        own.sort_by_key(|(codes, _)| codes.end() - codes.start());
        let schedule = options.retry.as_deref().map_or_else(|| SCHEDULE.to_vec(), durations);
        Self { classes: classes(options), schedule, own }
    }

    /// The schedule in seconds.
    #[cfg(test)]
    pub(crate) fn schedule_s(&self) -> Vec<u64> {
        self.schedule.iter().map(Duration::as_secs).collect()
    }

    /// `attempts`: made so far, this one included. `queue_full`: many answers of late were 0x14.
    pub(crate) fn disposition(&self, status: CommandStatus, attempts: u8, queue_full: bool) -> Disposition {
        let own = self.own.iter().find(|(codes, _)| codes.contains(&status.0)).map(|(_, retries)| retries);
        match self.classes.class_of(status) {
            StatusClass::Throttle if status == CommandStatus::RMSGQFUL && own.is_none() && !queue_full => {
                again(&QUEUE_FULL_SCHEDULE, QUEUE_FULL_TRIES, attempts)
            }
            StatusClass::Throttle => Disposition::Throttled,
            // An operation that the SMSC doesn't know is not repeated.
            StatusClass::Session if status == CommandStatus::RINVCMDID && own.is_none() => Disposition::Fail,
            StatusClass::Transient | StatusClass::Session => {
                let waits = own.and_then(|own| own.waits.as_deref()).unwrap_or(&self.schedule);
                let default = u8::try_from(waits.len()).unwrap_or(u8::MAX);
                let default = if is_readable(status) || own.is_some() { default } else { default.min(UNKNOWN_TRIES) };
                again(waits, own.and_then(|own| own.tries).unwrap_or(default), attempts)
            }
            // "ok" does not refuse; a carrier that answers 0 without an id is handled before.
            StatusClass::Ok | StatusClass::Permanent => Disposition::Fail,
            StatusClass::Config | StatusClass::Auth => Disposition::FailAll,
        }
    }
}

/// The classes alone, as the pipeline wants them.
pub(crate) fn classes(options: &CarrierOptions) -> StatusClasses {
    StatusClasses::new(options.statuses.iter().map(|(codes, rule)| (codes.range(), rule.class.class())))
}

fn again(waits: &[Duration], tries: u8, attempts: u8) -> Disposition {
    let wait = waits.get(usize::from(attempts.saturating_sub(1))).or(waits.last());
    match wait {
        Some(wait) if attempts <= tries => Disposition::Defer(*wait),
        Some(_) | None => Disposition::Fail,
    }
}

/// Whether the standard has a meaning for it.
fn is_readable(status: CommandStatus) -> bool {
    status.name().is_some() && status != CommandStatus::RUNKNOWNERR
}

/// How many answers of the last ten seconds said that the queue is full.
#[derive(Debug)]
pub(crate) struct QueueFull {
    since: Instant,
    /// Answers and full queues of the present half and of the one before.
    now: (u32, u32),
    before: (u32, u32),
}

impl QueueFull {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { since: now, now: (0, 0), before: (0, 0) }
    }

    /// Counts answers at `now`; says whether the account as a whole is meant.
    pub(crate) fn count(&mut self, now: Instant, n_answers: u32, n_full: u32) -> bool {
        let half = QUEUE_FULL_OVER / 2;
        let passed = now.saturating_duration_since(self.since);
        if passed >= half {
            self.before = if passed >= QUEUE_FULL_OVER { (0, 0) } else { self.now };
            (self.now, self.since) = ((0, 0), now);
        }
        self.now = (self.now.0 + n_answers, self.now.1 + n_full);
        let (n_answers, n_full) = (self.now.0 + self.before.0, self.now.1 + self.before.1);
        f64::from(n_full) > QUEUE_FULL_SHARE * f64::from(n_answers)
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

    fn table(text: &str) -> StatusTable {
        let carrier = toml::from_str(&format!("kind = \"smpp\"\n{text}"));
        StatusTable::new(&carrier.unwrap())
    }

    /// What becomes of a message that is refused again and again.
    fn tries(table: &StatusTable, status: CommandStatus) -> Vec<u64> {
        let dispositions = (1..=20).map(|attempts| table.disposition(status, attempts, false));
        dispositions
            .map_while(|it| if let Disposition::Defer(wait) = it { Some(wait.as_secs()) } else { None })
            .collect()
    }

    #[test]
    fn transient_refusals_are_tried_again_a_stated_number_of_times() {
        let table = table("");
        assert_eq!(tries(&table, CommandStatus::RSYSERR), [30, 120, 600]);
        assert_eq!(table.disposition(CommandStatus::RSYSERR, 4, false), Disposition::Fail);
        for unreadable in [CommandStatus::RUNKNOWNERR, CommandStatus(0x410), CommandStatus(0x7777)] {
            assert_eq!(tries(&table, unreadable), [30, 120], "{unreadable}");
        }
        assert_eq!(table.disposition(CommandStatus::RTHROTTLED, 200, false), Disposition::Throttled);
        assert_eq!(table.disposition(CommandStatus::RINVDSTADR, 1, false), Disposition::Fail);
        assert_eq!(table.disposition(CommandStatus::RINVSRCADR, 1, false), Disposition::FailAll);
        assert_eq!(table.disposition(CommandStatus::RINVCMDID, 1, false), Disposition::Fail);
    }

    #[test]
    fn a_full_queue_is_waited_for_by_message_or_by_the_whole_account() {
        let table = table("");
        assert_eq!(tries(&table, CommandStatus::RMSGQFUL), [60, 120, 180, 180, 180]);
        assert_eq!(table.disposition(CommandStatus::RMSGQFUL, 200, true), Disposition::Throttled);
        let start = volley_core::Clock::now(&volley_core::SystemClock);
        let mut full = QueueFull::new(start);
        assert!(!full.count(start, 100, 5));
        assert!(full.count(start + Duration::from_secs(1), 10, 2));
        assert!(!full.count(start + Duration::from_secs(12), 100, 1), "what is long ago does not count");
    }

    #[test]
    fn a_carriers_own_table_goes_before_the_handbooks() {
        let table = table(
            "retry = [\"1s\", \"2s\", \"3s\"]\n[statuses]\n\"0x45\" = { class = \"transient\", tries = 4, retry = [\"5s\", \"9s\"] }\n\
             \"0x400-0x4ff\" = \"permanent\"\n\"0x410\" = \"throttle\"\n\"0x411\" = \"transient\"\n\"0x0a\" = \"permanent\"\n\
             \"0x14\" = \"throttle\"\n",
        );
        assert_eq!(tries(&table, CommandStatus::RSUBMITFAIL), [5, 9, 9, 9]);
        assert_eq!(table.disposition(CommandStatus(0x400), 1, false), Disposition::Fail);
        assert_eq!(table.disposition(CommandStatus(0x410), 9, false), Disposition::Throttled);
        assert_eq!(table.disposition(CommandStatus::RMSGQFUL, 9, false), Disposition::Throttled);
        assert_eq!(tries(&table, CommandStatus(0x411)), [1, 2, 3]);
        assert_eq!(tries(&table, CommandStatus::RSYSERR), [1, 2, 3]);
        assert_eq!(tries(&table, CommandStatus::RUNKNOWNERR), [1, 2]);
        assert_eq!(table.disposition(CommandStatus::RINVSRCADR, 1, false), Disposition::Fail);
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
