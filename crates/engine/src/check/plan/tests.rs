use jiff::tz::TimeZone;
use volley_scheduler::{Holidays, Hours, LocalHours, Ramp, Span};

use super::*;

const DAY: u64 = 86_400;

fn at(seconds: u64) -> UnixMicros {
    UnixMicros(seconds * 1_000_000)
}

fn pace(full_per_sec: Option<f64>) -> Pace {
    Pace { full_per_sec, ..Pace::default() }
}

fn ceiling(carrier: &str, weight: u32, rate: Option<f64>) -> Ceiling {
    Ceiling { carrier: carrier.to_owned(), weight, rate }
}

fn hours(from: u64, to: u64) -> LocalHours {
    let span: Span = format!("{from:02}:00-{to:02}:00").parse().unwrap();
    LocalHours::new(Hours::daily(&[span]).unwrap(), Holidays::default(), TimeZone::UTC)
}

/// Open in these hours of every day.
fn demand(label: &str, segments: u64, from: u64, to: u64) -> Demand {
    let mut calendar = Calendar::always();
    calendar.add(hours(from, to));
    Demand { label: label.to_owned(), load: Load { rows: segments, segments }, calendar }
}

fn plan(ceilings: &[Ceiling], demands: &[Demand], campaign: Option<f64>, by: Option<u64>) -> SendingPlan {
    let plan =
        SendingPlan::new(ceilings.to_vec(), demands, pace(campaign), Times { starts: at(0), finish_by: by.map(at) });
    let planned: u64 = plan.hours.iter().flat_map(|hour| &hour.segments).sum();
    let all: u64 = demands.iter().map(|demand| demand.load.segments).sum();
    assert!(plan.finishes.is_none() || planned == all, "{planned} of {all} are planned");
    plan
}

#[test]
fn a_rate_is_divided_by_weight_and_what_one_can_t_take_goes_to_the_others() {
    let check = |ceilings: &[(u32, Option<f64>)], campaign, expected: &[f64]| {
        let ceilings: Vec<_> = ceilings.iter().map(|(weight, rate)| ceiling("x", *weight, *rate)).collect();
        let shares = divide(&ceilings, campaign);
        assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{shares:?} {expected:?}");
    };
    check(&[(2, Some(100.0)), (1, Some(100.0))], Some(90.0), &[60.0, 30.0]);
    check(&[(2, Some(50.0)), (1, Some(100.0))], Some(90.0), &[50.0, 40.0]);
    check(&[(2, Some(50.0)), (1, Some(100.0))], None, &[50.0, 100.0]);
    check(&[(1, None), (3, None)], Some(8.0), &[2.0, 6.0]);
    check(&[(1, Some(1.0)), (1, None)], Some(8.0), &[1.0, 7.0]);
    let free = divide(&[ceiling("a", 1, Some(5.0)), ceiling("b", 1, None)], None);
    assert!(free.iter().sum::<f64>().is_infinite());
}

#[test]
fn hours_are_filled_one_after_the_other() {
    let ceilings = [ceiling("north", 2, Some(1.0)), ceiling("south", 1, Some(0.5))];
    let plan = plan(&ceilings, &[demand("all", 9_000, 0, 24)], None, None);
    let hours: Vec<_> = plan.hours.iter().map(|hour| hour.segments.clone()).collect();
    assert_eq!(hours, [[3_600, 1_800], [2_400, 1_200]]);
    assert_eq!(plan.hours.iter().map(|hour| hour.waiting).collect::<Vec<_>>(), [3_600, 0]);
    assert_eq!((plan.finishes, plan.per_sec), (Some(at(6_000)), Some(1.5)));
    assert_eq!(plan.hours.first().map(|hour| hour.ceilings.clone()), Some(vec![Some(3_600), Some(1_800)]));
}

#[test]
fn what_is_closed_waits_for_its_opening() {
    let ceilings = [ceiling("north", 1, Some(1.0))];
    let demands = [demand("east", 7_200, 1, 2), demand("west", 1_800, 5, 6)];
    let plan = plan(&ceilings, &demands, None, None);
    let hours: Vec<_> = plan.hours.iter().map(|hour| (hour.begins.0 / 3_600_000_000, hour.segments.clone())).collect();
    assert_eq!(hours, [(1, vec![3_600]), (5, vec![1_800]), (25, vec![3_600])]);
    assert_eq!(plan.finishes, Some(at(26 * 3_600)));
}

#[test]
fn a_deadline_that_can_t_be_kept_is_told_by_place_and_carrier() {
    let ceilings = [ceiling("north", 3, Some(0.75)), ceiling("south", 1, Some(0.25))];
    let demands = [demand("east", 7_200, 1, 2), demand("west", 1_800, 5, 6)];
    let late = plan(&ceilings, &demands, None, Some(DAY));
    let places: Vec<_> = late.late.iter().map(|late| (late.place.as_str(), late.load.rows)).collect();
    assert_eq!((places, late.n_late()), (vec![("east", 3_600)], 3_600));
    assert_eq!(late.late_by_carrier, [2_700, 900]);
    assert_eq!(late.needed_per_sec, Some(9_000.0 / 7_200.0));
    let in_time = plan(&ceilings, &demands, None, Some(26 * 3_600));
    assert_eq!((in_time.n_late(), in_time.finishes), (0, Some(at(26 * 3_600))));
}

#[test]
fn without_any_limit_all_goes_out_at_its_opening() {
    let ceilings = [ceiling("north", 1, None), ceiling("south", 3, None)];
    let plan = plan(&ceilings, &[demand("all", 4_000, 8, 20)], None, None);
    assert_eq!((plan.finishes, plan.per_sec), (Some(at(8 * 3_600)), None));
    let hours: Vec<_> = plan.hours.iter().map(|hour| (hour.segments.clone(), hour.ceilings.clone())).collect();
    assert_eq!(hours, [(vec![1_000, 3_000], vec![None, None])]);
}

#[test]
fn what_never_opens_has_no_end() {
    let mut never = demand("never", 10, 0, 1);
    never.calendar.add(hours(2, 3));
    let ceilings = [ceiling("north", 1, Some(1.0))];
    let some = plan(&ceilings, &[never, demand("day", 10, 0, 24)], None, Some(3_600));
    assert_eq!((some.finishes, some.n_late()), (None, 10));
    let nothing = plan(&ceilings, &[], None, Some(3_600));
    assert_eq!((nothing.finishes, nothing.n_late(), nothing.hours.len()), (Some(at(0)), 0, 0));
}

#[test]
fn ramps_begin_slowly_and_spread_rows_end_with_the_deadline() {
    let ceilings = [ceiling("north", 1, Some(10.0))];
    let demands = [demand("all", 36_000, 0, 24)];
    let times = |by: Option<u64>| Times { starts: at(0), finish_by: by.map(at) };
    let ramp = Ramp { from_per_sec: 0.0, over: Over::Time(HOUR) };
    let ramped = Pace { full_per_sec: Some(10.0), ramp: Some(ramp), spread: false };
    let plan = SendingPlan::new(ceilings.to_vec(), &demands, ramped, times(None));
    // Half of the first hour, within a step.
    let hours: Vec<_> = plan.hours.iter().map(|hour| hour.segments.iter().sum::<u64>()).collect();
    assert!(hours.len() == 2 && hours.first().is_some_and(|first| first.abs_diff(18_000) < 400), "{hours:?}");
    let spread = Pace { full_per_sec: Some(10.0), ramp: None, spread: true };
    let plan = SendingPlan::new(ceilings.to_vec(), &demands, spread, times(Some(4 * 3_600)));
    let hours: Vec<_> = plan.hours.iter().map(|hour| hour.segments.iter().sum::<u64>()).collect();
    assert_eq!((hours, plan.n_late()), (vec![9_000; 4], 0));
}
