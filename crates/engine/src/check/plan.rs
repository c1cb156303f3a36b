//! The sending plan: which carrier gets how much in which hour, and when it is done. An estimate by
//! rates: whatever may be sent at an hour shares the room of that hour evenly.

mod rounding;
#[cfg(test)]
mod tests;

use std::time::Duration;

use volley_core::{Rate, UnixMicros};
use volley_scheduler::{Calendar, Deadline, Over, Pace};

use self::rounding::Rounded;
use super::{groups::Times, tally::Load};

/// How far ahead a plan looks.
const HORIZON: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Parts of a segment that are left over from rounding.
const NOTHING: f64 = 1e-6;
/// Parts of a segment that many roundings may have gained.
const ROUNDING: f64 = 1e-3;

/// What a carrier can take.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceiling {
    /// The carrier.
    pub carrier: String,
    /// Its share against the others while all have room.
    pub weight: u32,
    /// Segments that its account and binds allow; `None` where the carriers file has no limit.
    pub rate: Option<f64>,
}

/// Messages that may go out at the same hours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Demand {
    /// What they have in common, for people: countries or time zones.
    pub(crate) label: String,
    pub(crate) load: Load,
    /// When they may go out.
    pub(crate) calendar: Calendar,
}

/// One hour, or what of it lies in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// When it begins.
    pub begins: UnixMicros,
    /// Segments by carrier, in the order of [`SendingPlan::ceilings`].
    pub segments: Vec<u64>,
    /// Segments that each carrier could take in that time.
    pub ceilings: Vec<Option<u64>>,
    /// Messages that were allowed to go out and had to wait for room, at its end.
    pub waiting: u64,
}

/// Messages that are not begun by the deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Where: countries or time zones.
    pub place: String,
    /// How many.
    pub load: Load,
}

/// The plan of a campaign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SendingPlan {
    /// When the first message may go out.
    pub starts: UnixMicros,
    /// When the last has gone out; `None` when some never may.
    pub finishes: Option<UnixMicros>,
    /// When it must be done.
    pub finish_by: Option<UnixMicros>,
    /// What the carriers can take.
    pub ceilings: Vec<Ceiling>,
    /// Segments per second at most, all carriers together; `None` for no limit that stands in the files.
    pub per_sec: Option<f64>,
    /// Hours in which something goes out.
    pub hours: Vec<Hour>,
    /// What is not begun by the deadline.
    pub late: Vec<Late>,
    /// Messages that are late, by the carrier that would get them.
    pub late_by_carrier: Vec<u64>,
    /// Segments per second that keeping the deadline takes at least.
    pub needed_per_sec: Option<f64>,
}

/// A carrier's rate for a plan: of its account, and of its binds together.
pub(crate) fn per_sec(rate: Option<Rate>, bind_rate: Option<Rate>, n_binds: u32) -> Option<f64> {
    let of_binds = bind_rate.map(|rate| rate.as_per_sec() * f64::from(n_binds));
    match (rate.map(Rate::as_per_sec), of_binds) {
        (Some(account), Some(binds)) => Some(account.min(binds)),
        (account, binds) => account.or(binds),
    }
}

/// Divides a rate among carriers as lanes do: by weight, and what one can't take goes to the others.
pub(crate) fn divide(ceilings: &[Ceiling], campaign: Option<f64>) -> Vec<f64> {
    let most = |ceiling: &Ceiling| ceiling.rate.unwrap_or(f64::INFINITY);
    let sum: f64 = ceilings.iter().map(most).sum();
    let total = campaign.unwrap_or(f64::INFINITY).min(sum);
    if total.is_infinite() {
        // Nothing limits: all at once, by weight among those without a limit.
        return ceilings.iter().map(|ceiling| if ceiling.rate.is_none() { f64::INFINITY } else { 0.0 }).collect();
    }
    let mut shares = vec![0.0; ceilings.len()];
    let mut is_full = vec![false; ceilings.len()];
    let mut left = total;
    while left > NOTHING * total.max(1.0) {
        let free = || ceilings.iter().zip(&is_full).filter(|(_, is_full)| !**is_full);
        let weights: f64 = free().map(|(ceiling, _)| f64::from(ceiling.weight)).sum();
        if weights <= 0.0 {
            break;
        }
        let per_weight = left / weights;
        for ((ceiling, is_full), share) in ceilings.iter().zip(&mut is_full).zip(&mut shares) {
            if *is_full {
                continue;
            }
            let wanted = per_weight * f64::from(ceiling.weight);
            let given = wanted.min(most(ceiling) - *share);
            *share += given;
            left -= given;
            *is_full = given < wanted;
        }
    }
    shares
}

/// Where a plan stands.
struct Simulation<'a> {
    ceilings: &'a [Ceiling],
    demands: &'a [Demand],
    /// Segments of each demand that have not gone out.
    left: Vec<f64>,
    /// When each demand may go out next, or may now: from, to. `None` for never again.
    stretches: Vec<Option<(UnixMicros, UnixMicros)>>,
    done: f64,
    by_carrier: Vec<f64>,
}

impl SendingPlan {
    pub(crate) fn new(ceilings: Vec<Ceiling>, demands: &[Demand], pace: Pace, times: Times) -> Self {
        let Times { starts, finish_by } = times;
        let full = divide(&ceilings, pace.full_per_sec).iter().sum::<f64>();
        let mut plan = Self { starts, finish_by, per_sec: full.is_finite().then_some(full), ..Self::default() };
        let mut simulation = Simulation::new(&ceilings, demands, starts);
        let mut rounded = Rounded::new(ceilings.len());
        let (mut at, end) = (starts, starts.plus(HORIZON));
        let mut hour: Option<UnixMicros> = None;
        while at < end && simulation.n_left() > NOTHING {
            let begins = hour_of(at);
            if hour.is_some_and(|hour| hour != begins) {
                plan.put_hour(hour.unwrap_or(begins), &simulation, &mut rounded, starts);
            }
            hour = Some(begins);
            if finish_by.is_some_and(|by| at >= by) && plan.late.is_empty() {
                plan.put_late(&simulation);
            }
            let mut until = begins.plus(HOUR).min(end).min(at.plus(step(pace, at.since(starts))));
            if let Some(by) = finish_by.filter(|by| *by > at) {
                until = until.min(by);
            }
            let until = simulation.next_change(at, until);
            let rate = pace.rate(at.since(starts), simulation.done as u64, simulation.deadline(pace, at, finish_by));
            let shares = divide(&ceilings, rate);
            if let Some(spent) = simulation.advance(at, until, &shares) {
                plan.finishes = Some(at.plus(spent));
            }
            at = until;
        }
        if let Some(hour) = hour {
            plan.put_hour(hour, &simulation, &mut rounded, starts);
        }
        if simulation.n_left() > NOTHING {
            plan.finishes = None;
            if plan.late.is_empty() && finish_by.is_some() {
                plan.put_late(&simulation);
            }
        } else if plan.finishes.is_none() {
            plan.finishes = Some(starts);
        }
        if plan.finishes.zip(finish_by).is_some_and(|(finishes, by)| finishes <= by) {
            plan.late.clear();
        }
        plan.needed_per_sec = finish_by.map(|by| needed(demands, starts, by));
        plan.late_by_carrier = plan.share_late(&ceilings);
        plan.ceilings = ceilings;
        plan
    }

    /// Messages that are not begun by the deadline.
    #[must_use]
    pub fn n_late(&self) -> u64 {
        self.late.iter().map(|late| late.load.rows).sum()
    }

    fn put_hour(&mut self, begins: UnixMicros, simulation: &Simulation<'_>, rounded: &mut Rounded, starts: UnixMicros) {
        let segments = rounded.next(&simulation.by_carrier);
        if segments.iter().all(|n| *n == 0) {
            return;
        }
        let from = begins.max(starts);
        let seconds = begins.plus(HOUR).since(from).as_secs_f64();
        let ceiling = |ceiling: &Ceiling| ceiling.rate.map(|rate| (rate * seconds).round() as u64);
        let ceilings = simulation.ceilings.iter().map(ceiling).collect();
        let waiting = simulation.waiting(begins.plus(HOUR));
        self.hours.push(Hour { begins, segments, ceilings, waiting });
    }

    fn put_late(&mut self, simulation: &Simulation<'_>) {
        for (demand, left) in simulation.demands.iter().zip(&simulation.left) {
            let load = part_of(demand.load, *left);
            if load.rows > 0 {
                match self.late.iter_mut().find(|late| late.place == demand.label) {
                    Some(late) => late.load.add(load),
                    None => self.late.push(Late { place: demand.label.clone(), load }),
                }
            }
        }
    }

    /// Late messages by the carriers that would get them: by their weights.
    fn share_late(&self, ceilings: &[Ceiling]) -> Vec<u64> {
        let weights: u64 = ceilings.iter().map(|ceiling| u64::from(ceiling.weight)).sum::<u64>().max(1);
        let n_late = self.n_late();
        let mut before = 0;
        let share = |ceiling: &Ceiling| {
            let up_to = |weight: u64| (u128::from(n_late) * u128::from(weight) / u128::from(weights)) as u64;
            let share = up_to(before + u64::from(ceiling.weight)) - up_to(before);
            before += u64::from(ceiling.weight);
            share
        };
        ceilings.iter().map(share).collect()
    }
}

/// How long a rate may be taken for constant.
fn step(pace: Pace, since_start: Duration) -> Duration {
    match pace.ramp.map(|ramp| ramp.over) {
        Some(Over::Time(over)) if since_start < over => RAMP_STEP,
        Some(Over::Delivered(_)) => RAMP_STEP,
        Some(Over::Time(_)) | None => HOUR,
    }
}

/// A ramp is taken in steps of this length.
const RAMP_STEP: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// When the hour of UTC begins that `at` lies in.
fn hour_of(at: UnixMicros) -> UnixMicros {
    UnixMicros(at.0 - at.0 % (HOUR.as_micros() as u64))
}

/// What is left of a load, in whole messages: a message that was begun in part counts as left.
fn part_of(load: Load, segments_left: f64) -> Load {
    let share = segments_left / (load.segments as f64).max(1.0);
    let rows = (load.rows as f64 * share - NOTHING).ceil().max(0.0) as u64;
    let segments = (segments_left - NOTHING).ceil().max(0.0) as u64;
    Load { rows: rows.min(load.rows), segments: segments.min(load.segments) }
}

/// Segments per second that it takes to be done by `by`, over the time in which anything is open.
fn needed(demands: &[Demand], starts: UnixMicros, by: UnixMicros) -> f64 {
    let segments: f64 = demands.iter().map(|demand| demand.load.segments as f64).sum();
    let (mut open, mut at) = (Duration::ZERO, starts);
    while at < by {
        let stretches = demands.iter().filter_map(|demand| next_stretch(&demand.calendar, at));
        let Some((from, to)) = stretches.min_by_key(|(from, to)| (*from, std::cmp::Reverse(*to))) else { break };
        open += to.min(by).since(from);
        at = to;
    }
    if segments == 0.0 { 0.0 } else { segments / open.as_secs_f64() }
}

/// When a calendar is open next from `at` on: from, to.
fn next_stretch(calendar: &Calendar, at: UnixMicros) -> Option<(UnixMicros, UnixMicros)> {
    let from = calendar.next_opening(at)?;
    Some((from, calendar.closing(from).unwrap_or(UnixMicros(u64::MAX))))
}

impl<'a> Simulation<'a> {
    fn new(ceilings: &'a [Ceiling], demands: &'a [Demand], starts: UnixMicros) -> Self {
        Self {
            ceilings,
            demands,
            left: demands.iter().map(|demand| demand.load.segments as f64).collect(),
            stretches: demands.iter().map(|demand| next_stretch(&demand.calendar, starts)).collect(),
            done: 0.0,
            by_carrier: vec![0.0; ceilings.len()],
        }
    }

    fn n_left(&self) -> f64 {
        self.left.iter().sum()
    }

    /// What a pace that spreads divides: what is left, over the open time of those that have least.
    fn deadline(&self, pace: Pace, at: UnixMicros, finish_by: Option<UnixMicros>) -> Option<Deadline> {
        let by = finish_by.filter(|by| pace.spread && at < *by)?;
        let waiting = self.demands.iter().zip(&self.left).filter(|(_, left)| **left > NOTHING);
        let open = waiting.map(|(demand, _)| demand.calendar.open_time(at, by)).filter(|open| !open.is_zero());
        Some(Deadline { n_left: (self.n_left() - ROUNDING).ceil() as u64, open_left: open.min()? })
    }

    fn is_open(&self, index: usize, at: UnixMicros) -> bool {
        self.stretches.get(index).copied().flatten().is_some_and(|(from, to)| from <= at && at < to)
    }

    /// When something opens or closes next, at `until` at the latest.
    fn next_change(&mut self, at: UnixMicros, until: UnixMicros) -> UnixMicros {
        let mut next = until;
        for (stretch, demand) in self.stretches.iter_mut().zip(self.demands) {
            if stretch.is_some_and(|(_, to)| to <= at) {
                *stretch = next_stretch(&demand.calendar, at);
            }
            let Some((from, to)) = *stretch else { continue };
            next = next.min(if from > at { from } else { to });
        }
        next.max(UnixMicros(at.0 + 1))
    }

    /// Sends from `at` to `until` at these rates. Gives the time it took when nothing that may go
    /// out is left.
    fn advance(&mut self, at: UnixMicros, until: UnixMicros, shares: &[f64]) -> Option<Duration> {
        let is_open: Vec<bool> = (0..self.demands.len()).map(|index| self.is_open(index, at)).collect();
        let mut left: Vec<_> = self.left.iter_mut().zip(&is_open).filter(|(_, is_open)| **is_open).collect();
        let wanted: f64 = left.iter().map(|(left, _)| **left).sum();
        if wanted <= NOTHING {
            return None;
        }
        let rate: f64 = shares.iter().sum();
        let room = rate * until.since(at).as_secs_f64();
        let sent = wanted.min(room);
        if sent <= 0.0 {
            return None;
        }
        let kept = 1.0 - sent / wanted;
        left.iter_mut().for_each(|(left, _)| **left *= kept);
        self.done += sent;
        let free = self.ceilings.iter().filter(|ceiling| ceiling.rate.is_none());
        let free_weights: f64 = free.map(|ceiling| f64::from(ceiling.weight)).sum();
        for ((sum, share), ceiling) in self.by_carrier.iter_mut().zip(shares).zip(self.ceilings) {
            let part = match (rate.is_finite(), ceiling.rate) {
                (true, _) => share / rate,
                (false, None) => f64::from(ceiling.weight) / free_weights,
                (false, Some(_)) => 0.0,
            };
            *sum += sent * part;
        }
        (sent >= wanted).then(|| match rate.is_finite() {
            true => Duration::try_from_secs_f64(sent / rate).unwrap_or_default(),
            false => Duration::ZERO,
        })
    }

    /// Messages that may go out right before `at` and have not.
    fn waiting(&self, at: UnixMicros) -> u64 {
        let before = UnixMicros(at.0.saturating_sub(1));
        let counted = self.demands.iter().zip(&self.left).enumerate().filter(|(index, _)| self.is_open(*index, before));
        counted.map(|(_, (demand, left))| part_of(demand.load, *left).rows).sum()
    }
}
