use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn holidays(dates: &[&str]) -> Holidays {
    dates.iter().map(|date| date.parse::<Date>().unwrap()).collect::<std::collections::BTreeSet<_>>().into()
}

fn daily(spans: &[&str]) -> Hours {
    Hours::daily(&spans.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>()).unwrap()
}

fn local(span: &str, zone_name: &str) -> LocalHours {
    LocalHours::new(daily(&[span]), Holidays::default(), zone(zone_name))
}

fn calendar(parts: impl IntoIterator<Item = LocalHours>) -> Calendar {
    let mut calendar = Calendar::always();
    parts.into_iter().for_each(|part| calendar.add(part));
    calendar
}

fn utc(text: &str) -> UnixMicros {
    micros(text.parse().unwrap())
}

/// Opening and closing around or after `at`, in UTC.
#[track_caller]
fn check(calendar: &Calendar, at: &str, opens: &str, closes: &str) {
    let opening = calendar.next_opening(utc(at)).unwrap();
    assert_eq!(opening, utc(opens), "opens at {}", timestamp(opening));
    let closing = calendar.closing(opening).unwrap();
    assert_eq!(closing, utc(closes), "closes at {}", timestamp(closing));
    assert!(calendar.allowed_at(opening) && !calendar.allowed_at(closing));
    assert!(calendar.allowed_at(UnixMicros(closing.0 - 1)));
}

#[test]
fn a_window_opens_and_closes_by_the_zones_clock() {
    let berlin = calendar([local("09:00-20:00", "Europe/Berlin")]);
    check(&berlin, "2026-11-25T03:00:00Z", "2026-11-25T08:00:00Z", "2026-11-25T19:00:00Z");
    check(&berlin, "2026-11-25T12:00:00Z", "2026-11-25T12:00:00Z", "2026-11-25T19:00:00Z");
    check(&berlin, "2026-11-25T19:00:00Z", "2026-11-26T08:00:00Z", "2026-11-26T19:00:00Z");
    assert_eq!(berlin.closing(utc("2026-11-25T19:00:00Z")), None);
    let Verdict::Closed(closed) = berlin.verdict(utc("2026-11-25T03:00:00Z")) else { panic!("it is closed") };
    assert_eq!(closed.reason, "quiet hours until 09:00 in Europe/Berlin");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let night = calendar([local("22:00-02:00", "Asia/Kolkata")]);
    check(&night, "2026-11-25T12:00:00Z", "2026-11-25T16:30:00Z", "2026-11-25T20:30:00Z");
    check(&night, "2026-11-25T19:00:00Z", "2026-11-25T19:00:00Z", "2026-11-25T20:30:00Z");
    let friday = Hours::by_weekday([("fri".parse().unwrap(), &["22:00-02:00".parse().unwrap()][..])].into_iter());
    let friday = calendar([LocalHours::new(friday.unwrap(), Holidays::default(), zone("UTC"))]);
    check(&friday, "2026-11-25T00:00:00Z", "2026-11-27T22:00:00Z", "2026-11-28T02:00:00Z");
    let Verdict::Closed(closed) = friday.verdict(utc("2026-11-25T00:00:00Z")) else { panic!("it is closed") };
    assert_eq!(closed.reason, "quiet hours until Fri 2026-11-27 22:00 in UTC");
}

#[test]
fn nothing_is_sent_on_holidays_however_the_window_lies() {
    let dates = holidays(&["2026-12-25", "2026-12-26"]);
    let day = calendar([LocalHours::new(daily(&["09:00-20:00"]), dates.clone(), zone("UTC"))]);
    check(&day, "2026-12-24T20:00:00Z", "2026-12-27T09:00:00Z", "2026-12-27T20:00:00Z");
    let night = calendar([LocalHours::new(daily(&["22:00-02:00"]), dates.clone(), zone("UTC"))]);
    check(&night, "2026-12-24T12:00:00Z", "2026-12-24T22:00:00Z", "2026-12-25T00:00:00Z");
    check(&night, "2026-12-25T00:00:00Z", "2026-12-27T22:00:00Z", "2026-12-28T02:00:00Z");
    let always = calendar([LocalHours::new(daily(&["00:00-24:00"]), dates, zone("UTC"))]);
    check(&always, "2026-12-20T00:00:00Z", "2026-12-20T00:00:00Z", "2026-12-25T00:00:00Z");
    assert!(!always.is_always() && calendar([local("00:00-24:00", "Asia/Tokyo")]).is_always());
}

#[test]
fn a_time_that_does_not_exist_is_when_the_clock_is_set_forward() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00, at 01:00 UTC.
    let opens = calendar([local("02:30-05:00", "Europe/Berlin")]);
    check(&opens, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z");
    let closes = calendar([local("01:00-02:30", "Europe/Berlin")]);
    check(&closes, "2026-03-28T23:30:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z");
    let within = calendar([local("02:10-02:40", "Europe/Berlin")]);
    check(&within, "2026-03-28T23:30:00Z", "2026-03-30T00:10:00Z", "2026-03-30T00:40:00Z");
}

#[test]
fn a_repeated_hour_counts_once() {
    // Berlin, 2026-10-25: 03:00 becomes 02:00, at 01:00 UTC.
    let before = "2026-10-24T22:30:00Z";
    for (span, opens, closes) in [
        ("01:00-02:30", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
        ("02:15-05:00", "2026-10-25T01:15:00Z", "2026-10-25T04:00:00Z"),
        ("02:00-03:00", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
        ("02:15-02:45", "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z"),
    ] {
        let hours = calendar([local(span, "Europe/Berlin")]);
        check(&hours, before, opens, closes);
        let again = hours.next_opening(utc(closes)).unwrap();
        assert!(again > utc("2026-10-25T20:00:00Z"), "{span} opens a second time at {}", timestamp(again));
    }
    // Midnight itself may be repeated: a whole day has no gap there.
    let havana = calendar([local("00:00-24:00", "America/Havana")]);
    assert!(havana.allowed_at(utc("2026-11-01T04:30:00Z")) && havana.allowed_at(utc("2026-11-01T05:30:00Z")));
}

#[test]
fn several_zones_leave_what_they_have_in_common() {
    let us = ["America/New_York", "America/Los_Angeles"].map(|name| local("08:00-21:00", name));
    let us = calendar(us);
    check(&us, "2026-11-25T03:00:00Z", "2026-11-25T16:00:00Z", "2026-11-26T02:00:00Z");
    let Verdict::Closed(closed) = us.verdict(utc("2026-11-25T14:00:00Z")) else { panic!("it is closed") };
    assert_eq!(closed.reason, "quiet hours until 08:00 in America/Los_Angeles");
    let never = calendar([local("08:00-09:00", "UTC"), local("10:00-11:00", "UTC")]);
    assert_eq!((never.verdict(utc("2026-01-01T00:00:00Z")), never.next_opening(UnixMicros(0))), (Verdict::Never, None));
    assert_eq!(us.open_time(utc("2026-11-25T00:00:00Z"), utc("2026-11-27T00:00:00Z")).as_secs(), 3_600 * (2 + 10 + 8));
}

#[test]
fn a_book_asks_again_only_when_the_answer_may_have_changed() {
    let mut book = CalendarBook::default();
    let berlin = calendar([local("09:00-20:00", "Europe/Berlin")]);
    let index = book.add(berlin.clone());
    assert_eq!((book.add(berlin.clone()), book.calendar(index)), (index, Some(&berlin)));
    for at in [
        "2026-11-25T03:00:00Z",
        "2026-11-25T07:59:59Z",
        "2026-11-25T08:00:00Z",
        "2026-11-25T19:00:00Z",
        "2026-11-25T10:00:00Z",
    ] {
        assert_eq!(matches!(book.verdict(index, utc(at)), Verdict::Open { .. }), berlin.allowed_at(utc(at)), "{at}");
    }
}

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) as usize % n
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// One or two spans of a day that don't overlap.
    fn spans(&mut self) -> Vec<String> {
        let minute = |at: usize| format!("{:02}:{:02}", at / 60 % 24, at % 60);
        let from = self.below(96) * 15;
        let len = 15 + self.below(88) * 15;
        let mut spans = vec![format!("{}-{}", minute(from), minute(from + len))];
        if from + len <= 1_200 && self.below(3) == 0 {
            spans.push(format!("{}-{}", minute(from + len + 30), minute(from + len + 90)));
        }
        spans
    }
}

/// Zones with clocks that are set at odd hours and by odd amounts, and days on which they are.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "Asia/Beirut",
    "America/Santiago",
    "Africa/Casablanca",
    "UTC",
];
const DAYS: [&str; 9] = [
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2026-04-05",
    "2026-10-04",
    "2026-04-24",
    "2026-09-06",
    "2026-12-25",
];

struct Scenario {
    rules: Vec<(Hours, Holidays, TimeZone)>,
    from: UnixMicros,
}

fn scenario(seed: u64) -> Scenario {
    let mut random = Random(seed);
    let mut rules = Vec::new();
    for _ in 0..=random.below(2) {
        let spans: Vec<Span> = random.spans().iter().map(|text| text.parse().unwrap()).collect();
        let days = random.pick(&["mon-sun", "mon-sat", "fri-tue", "mon-sun"]).parse().unwrap();
        let hours = Hours::by_weekday([(days, &spans[..])].into_iter()).unwrap();
        let dates = if random.below(3) == 0 { holidays(&[random.pick(&DAYS)]) } else { Holidays::default() };
        for _ in 0..=random.below(2) {
            rules.push((hours.clone(), dates.clone(), zone(random.pick(&ZONES))));
        }
    }
    let day: Date = random.pick(&DAYS).parse().unwrap();
    let from = day.yesterday().unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp();
    Scenario { rules, from: micros(from) }
}

impl Scenario {
    fn calendar(&self) -> Calendar {
        calendar(
            self.rules.iter().map(|(hours, dates, zone)| LocalHours::new(hours.clone(), dates.clone(), zone.clone())),
        )
    }

    /// Read off the clocks on the wall: whether each shows a time within its hours. Knows nothing of
    /// stretches.
    fn is_inside(&self, at: UnixMicros) -> bool {
        self.rules.iter().all(|(hours, dates, zone)| {
            let now: DateTime = zone.to_datetime(timestamp(at));
            let began = |day: Date| {
                let spans = if dates.contains(&day) { &[] } else { hours.on(day.weekday()) };
                spans.iter().any(|span| span.on(day).is_some_and(|(from, to)| from <= now && now < to))
            };
            !dates.contains(&now.date()) && (began(now.date()) || began(now.date().yesterday().unwrap()))
        })
    }

    /// Whether a clock is or was set within two hours of `at`.
    fn is_near_a_change(&self, at: UnixMicros) -> bool {
        let offset = |zone: &TimeZone, hours: i64| {
            zone.to_offset(timestamp(at).checked_add(jiff::SignedDuration::from_hours(hours)).unwrap())
        };
        self.rules.iter().any(|(_, _, zone)| offset(zone, -2) != offset(zone, 2))
    }
}

/// Simulated time in steps of ten minutes over four days, around days on which clocks are set.
#[test]
fn random_hours_are_never_left_and_always_used() {
    for seed in 0..500 {
        let scenario = scenario(seed);
        let calendar = scenario.calendar();
        let mut book = CalendarBook::default();
        let index = book.add(calendar.clone());
        for step in 0..4 * 144 {
            let at = scenario.from.plus(std::time::Duration::from_secs(step * 600));
            let told = format!("seed {seed}, {}: {:?}", timestamp(at), scenario.rules);
            let is_open = calendar.allowed_at(at);
            assert!(!is_open || scenario.is_inside(at), "outside its hours: {told}");
            assert!(is_open || !scenario.is_inside(at) || scenario.is_near_a_change(at), "starved: {told}");
            let verdict = book.verdict(index, at).clone();
            assert_eq!(matches!(verdict, Verdict::Open { .. }), is_open, "the book differs: {told}");
            let Verdict::Closed(closed) = verdict else { continue };
            assert!(closed.until > at && calendar.allowed_at(closed.until), "does not open when it says: {told}");
            assert!(!calendar.allowed_at(UnixMicros(closed.until.0 - 1)), "opens earlier: {told}");
        }
    }
}

/// Messages arrive at any time, wait until their calendar opens, and leave at a rate.
#[test]
fn every_message_leaves_once_and_within_its_hours() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let scenarios: Vec<Scenario> = (0..3).map(|n| scenario(seed * 3 + n)).collect();
        let mut book = CalendarBook::default();
        let indexes: Vec<_> = scenarios.iter().map(|scenario| book.add(scenario.calendar())).collect();
        let from = scenarios[0].from;
        let mut waiting: std::collections::BinaryHeap<std::cmp::Reverse<(UnixMicros, usize, usize)>> = (0..200)
            .map(|n| {
                std::cmp::Reverse((
                    from.plus(std::time::Duration::from_secs(random.below(100_000) as u64)),
                    n,
                    random.below(3),
                ))
            })
            .collect();
        let (mut n_sent, mut n_never, mut now) = (0, 0, from);
        while let Some(std::cmp::Reverse((due, n, which))) = waiting.pop() {
            now = now.max(due);
            match book.verdict(indexes[which], now).clone() {
                Verdict::Open { until } => {
                    assert!(
                        now < until && scenarios[which].is_inside(now),
                        "seed {seed}, message {n}: {}",
                        timestamp(now)
                    );
                    n_sent += 1;
                    now = now.plus(std::time::Duration::from_millis(500));
                }
                Verdict::Closed(closed) => waiting.push(std::cmp::Reverse((closed.until, n, which))),
                Verdict::Never => n_never += 1,
            }
        }
        assert_eq!(n_sent + n_never, 200, "seed {seed}");
        let common = |scenario: &Scenario| scenario.calendar().next_opening(from).is_some();
        assert!(n_never == 0 || !scenarios.iter().all(common), "seed {seed}: {n_never} messages starved");
    }
}
