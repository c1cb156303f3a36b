//! Outcomes over a sliding window, and the shares above which something is paused.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use volley_core::ReceiptState;
use volley_pipeline::StatusClasses;
use volley_smpp::pdu::CommandStatus;

use super::percent;
use crate::options::PauseOptions;

/// Steps in which a window slides.
const STEPS: u32 = 20;

/// Counts over the last `span`, to a twentieth of it.
#[derive(Debug)]
struct Tally {
    span: Duration,
    /// When each step began, and its counts.
    steps: VecDeque<(Instant, Vec<u64>)>,
    sums: Vec<u64>,
}

impl Tally {
    fn new(span: Duration, n_counts: usize) -> Self {
        Self { span, steps: VecDeque::new(), sums: vec![0; n_counts] }
    }

    fn add(&mut self, now: Instant, which: usize, n: u64) {
        if n == 0 {
            return;
        }
        let step = self.span / STEPS;
        if self.steps.back().is_none_or(|(begun, _)| now.saturating_duration_since(*begun) >= step) {
            self.steps.push_back((now, vec![0; self.sums.len()]));
        }
        let last = self.steps.back_mut().and_then(|(_, counts)| counts.get_mut(which));
        last.into_iter().chain(self.sums.get_mut(which)).for_each(|count| *count += n);
    }

    fn slide(&mut self, now: Instant) {
        while self.steps.front().is_some_and(|(begun, _)| now.saturating_duration_since(*begun) >= self.span) {
            let gone = self.steps.pop_front().map(|(_, counts)| counts).unwrap_or_default();
            self.sums.iter_mut().zip(gone).for_each(|(sum, n)| *sum -= n);
        }
    }

    fn get(&self, which: usize) -> u64 {
        self.sums.get(which).copied().unwrap_or(0)
    }

    fn clear(&mut self) {
        *self = Self::new(self.span, self.sums.len());
    }
}

/// Answers; refusals for good; final receipts; of these, those that don't say delivered; from
/// here on, refusals by rule.
const ANSWERS: usize = 0;
const FAILED: usize = 1;
const FINALS: usize = 2;
const UNDELIVERED: usize = 3;
const RULES: usize = 4;

/// One carrier's outcomes, in segments.
#[derive(Debug)]
pub(crate) struct LaneWatch {
    options: Arc<PauseOptions>,
    classes: StatusClasses,
    tally: Tally,
}

impl LaneWatch {
    /// `None` when nothing is watched.
    pub(crate) fn new(options: &Arc<PauseOptions>, classes: StatusClasses) -> Option<Self> {
        let tally = Tally::new(options.window.0, RULES + options.refused.len());
        let watches = options.failed.is_some() || !options.refused.is_empty();
        watches.then(|| Self { options: Arc::clone(options), classes, tally })
    }

    pub(crate) fn answers(&mut self, now: Instant, n: u32) {
        self.tally.add(now, ANSWERS, n.into());
    }

    /// Of these, one that refused.
    pub(crate) fn refused(&mut self, now: Instant, status: CommandStatus, is_final: bool) {
        self.tally.add(now, FAILED, is_final.into());
        let class = self.classes.class_of(status);
        let rules = self.options.refused.keys().enumerate().filter(|(_, rule)| rule.is_meant(status.0, class));
        rules.for_each(|(n, _)| self.tally.add(now, RULES + n, 1));
    }

    pub(crate) fn receipt(&mut self, now: Instant, state: ReceiptState) {
        if state.is_final() {
            self.tally.add(now, FINALS, 1);
            self.tally.add(now, UNDELIVERED, (state != ReceiptState::Delivered).into());
        }
    }

    /// Why the carrier is to be paused, if it is. Counting begins anew then.
    pub(crate) fn verdict(&mut self, now: Instant) -> Option<String> {
        self.tally.slide(now);
        let minimum = u64::from(self.options.minimum.get());
        let window = self.options.window;
        let get = |which| self.tally.get(which);
        let (bad, outcomes) = (get(FAILED) + get(UNDELIVERED), get(FAILED) + get(FINALS));
        let failed = self.options.failed.filter(|share| outcomes >= minimum && share.is_exceeded(bad, outcomes));
        let failed = failed.map(|share| {
            let of = percent(bad, outcomes);
            format!("{bad} of {outcomes} outcomes ({of}) of the last {window} failed, more than {share}")
        });
        let answers = get(ANSWERS);
        let mut rules = self.options.refused.iter().zip(RULES..);
        let rule = rules.find(|((_, share), at)| answers >= minimum && share.is_exceeded(get(*at), answers));
        let refused = rule.map(|((rule, share), at)| {
            let (n, of) = (get(at), percent(get(at), answers));
            format!("{n} of {answers} answers ({of}) of the last {window} were {rule}, more than {share}")
        });
        let why = failed.or(refused)?;
        self.tally.clear();
        Some(why)
    }
}

/// Those who were reached, and those who opted out.
#[derive(Debug)]
pub(crate) struct ReplyWatch {
    options: Arc<PauseOptions>,
    tally: Tally,
}

const REACHED: usize = 0;
const OPTED_OUT: usize = 1;

impl ReplyWatch {
    /// `None` when nothing is watched.
    pub(crate) fn new(options: &Arc<PauseOptions>) -> Option<Self> {
        let tally = Tally::new(options.window.0, 2);
        options.opted_out.is_some().then(|| Self { options: Arc::clone(options), tally })
    }

    pub(crate) fn reached(&mut self, now: Instant, n: u64) {
        self.tally.add(now, REACHED, n);
    }

    pub(crate) fn opted_out(&mut self, now: Instant, n: u64) {
        self.tally.add(now, OPTED_OUT, n);
    }

    /// Why the campaign is to be paused, if it is.
    pub(crate) fn verdict(&mut self, now: Instant) -> Option<String> {
        self.tally.slide(now);
        let (n, of) = (self.tally.get(OPTED_OUT), self.tally.get(REACHED));
        let is_sample = of >= u64::from(self.options.minimum.get());
        let share = self.options.opted_out.filter(|share| is_sample && share.is_exceeded(n, of))?;
        self.tally.clear();
        let (percent, window) = (percent(n, of), self.options.window);
        Some(format!("{n} opted out of {of} reached ({percent}) in the last {window}, more than {share}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use volley_core::Clock as _;

    fn options(keys: &str) -> Arc<PauseOptions> {
        Arc::new(toml::from_str(keys).unwrap())
    }

    #[test]
    fn a_carrier_that_fails_too_much_is_paused_and_only_of_late() {
        let start = volley_core::SystemClock.now();
        let at = |s| start + Duration::from_secs(s);
        let options = options("window = \"100s\"\nminimum = 10\nfailed = 0.2");
        let mut watch = LaneWatch::new(&options, StatusClasses::default()).unwrap();
        for _ in 0..3 {
            watch.receipt(at(0), ReceiptState::Undeliverable);
            watch.receipt(at(0), ReceiptState::Enroute);
        }
        assert_eq!(watch.verdict(at(0)), None, "three are no sample");
        (0..7).for_each(|_| watch.receipt(at(50), ReceiptState::Delivered));
        assert!(watch.verdict(at(50)).unwrap().contains("3 of 10 outcomes (30.0 %)"));
        assert_eq!(watch.verdict(at(50)), None, "counted anew");
        (0..3).for_each(|_| watch.receipt(at(60), ReceiptState::Expired));
        (0..12).for_each(|_| watch.receipt(at(100), ReceiptState::Delivered));
        assert_eq!(watch.verdict(at(100)), None, "exactly a fifth is not more");
        watch.refused(at(100), CommandStatus(0x45), true);
        assert!(watch.verdict(at(100)).is_some());
        (0..3).for_each(|_| watch.receipt(at(110), ReceiptState::Expired));
        (0..9).for_each(|_| watch.receipt(at(200), ReceiptState::Delivered));
        assert_eq!(watch.verdict(at(211)), None, "what is older than the window is forgotten");
    }

    #[test]
    fn codes_and_classes_have_shares_of_their_own() {
        let now = volley_core::SystemClock.now();
        let options = options("minimum = 10\n[refused]\n\"0x45\" = 0.1\nconfig = 0");
        let mut watch = LaneWatch::new(&options, StatusClasses::default()).unwrap();
        watch.answers(now, 20);
        (0..2).for_each(|_| watch.refused(now, CommandStatus(0x45), true));
        assert_eq!(watch.verdict(now), None);
        watch.refused(now, CommandStatus(0x45), true);
        assert!(watch.verdict(now).unwrap().contains("3 of 20 answers (15.0 %) of the last 5m were 0x45"));
        watch.answers(now, 20);
        watch.refused(now, CommandStatus::RINVSRCADR, true);
        assert!(watch.verdict(now).unwrap().contains("were config, more than 0 %"));
    }

    #[test]
    fn opt_outs_are_counted_against_those_who_were_reached() {
        let now = volley_core::SystemClock.now();
        let mut watch = ReplyWatch::new(&options("minimum = 100\nopted-out = 0.02")).unwrap();
        watch.opted_out(now, 50);
        watch.reached(now, 99);
        assert_eq!(watch.verdict(now), None);
        watch.reached(now, 1);
        assert!(watch.verdict(now).is_some());
        assert!(ReplyWatch::new(&options("failed = 0.5")).is_none());
    }
}
