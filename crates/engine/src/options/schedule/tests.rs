use super::*;

fn read(text: &str) -> Result<ScheduleOptions, String> {
    let schedule: ScheduleOptions = toml::from_str(text).map_err(|error| error.to_string())?;
    schedule.check(Path::new("campaign.toml"), text).map_err(|error| error.to_string())?;
    let json = serde_json::to_string(&schedule).unwrap();
    assert_eq!(serde_json::from_str::<ScheduleOptions>(&json).unwrap(), schedule, "{json}");
    Ok(schedule)
}

#[track_caller]
fn check_wrong(text: &str, expected: &str) {
    let error = read(text).unwrap_err();
    assert!(error.contains(expected), "{text}: {error}");
}

#[test]
fn windows_are_spans_lists_or_weeks() {
    let shown = |text: &str| read(text).unwrap().window.unwrap().hours().to_string();
    assert_eq!(shown("window = \"09:00-20:00\""), "09:00-20:00");
    assert_eq!(shown("window = [\"09:00-12:00\", \"14:00-20:00\"]"), "09:00-12:00 and 14:00-20:00");
    let week = "window = { mon-fri = \"09:00-20:00\", sat = \"10:00-16:00\" }";
    assert_eq!(shown(week), "Mon-Fri 09:00-20:00, Sat 10:00-16:00");
    check_wrong("window = \"9 to 5\"", "`9 to 5` is no span of hours");
    check_wrong("window = { weekend = \"09:00-20:00\" }", "`weekend` names no days");
    check_wrong("window = { mon-fri = \"09:00-20:00\", fri = \"09:00-12:00\" }", "Fri is named twice");
    check_wrong("window = [\"09:00-12:00\", \"11:00-20:00\"]", "overlap");
    check_wrong("window = []", "no hours are left");
    check_wrong("window = 9", "hours are written as");
    check_wrong("windows = \"09:00-20:00\"", "unknown field `windows`");
}

#[test]
fn instants_have_an_offset_a_zone_or_the_schedules() {
    let start = |text: &str| read(text).unwrap().start_at().unwrap().0 / 1_000_000;
    let expected = 1_796_025_600; // 2026-11-30T08:00:00Z
    for text in [
        "start = \"2026-11-30T08:00:00Z\"",
        "start = 2026-11-30T09:00:00+01:00",
        "start = \"2026-11-30 09:00 Europe/Berlin\"",
        "start = \"2026-11-30T09:00[Europe/Berlin]\"",
        "time-zone = \"Europe/Berlin\"\nstart = \"2026-11-30 09:00\"",
        "time-zone = \"Europe/Berlin\"\nstart = 2026-11-30T09:00:00",
    ] {
        assert_eq!(start(text), expected, "{text}");
    }
    check_wrong("start = \"2026-11-30 09:00\"", "nothing says in which zone");
    check_wrong("start = \"2026-11-30\"", "is no time");
    check_wrong("start = \"2026-11-30 09:00 Europe/Berln\"", "did you mean Europe/Berlin?");
    check_wrong("time-zone = \"CEST\"\nwindow = \"09:00-20:00\"", "`CEST` is no time zone");
    let both = "start = \"2026-11-30T09:00:00Z\"\nfinish-by = \"2026-11-30T09:00:00Z\"";
    check_wrong(both, "campaign.toml:2:1: `finish-by` (2026-11-30T09:00:00Z) is not after `start`");
}

#[test]
fn what_changes_nothing_or_contradicts_is_refused() {
    check_wrong("spread = true", "`spread` needs an end");
    check_wrong("burst = 5", "`burst` belongs to a `rate`");
    check_wrong("time-zone = \"UTC\"", "changes nothing");
    check_wrong("ramp = { from = \"10/s\", over = \"30m\" }", "`ramp` grows to `rate`");
    check_wrong("rate = \"10/s\"\nramp = { from = \"10/s\", over = \"30m\" }", "not below `rate`");
    check_wrong("rate = \"20/s\"\nramp = { from = \"10/s\" }", "write `over");
    check_wrong("rate = \"20/s\"\nramp = { from = \"10/s\", over = \"1m\", over-delivered = 3 }", "write one of");
    check_wrong("rules = \"off\"", "needs a `rules-reason`");
    check_wrong("rules = \"off\"\nrules-reason = \" \"", "needs a `rules-reason`");
    check_wrong("rules-reason = \"we asked\"", "belongs to `rules = \"off\"`");
    check_wrong("holidays = [\"24.12.2026\"]", "is no date");
    check_wrong("holidays = \"no-such-file\"", "the file of holidays can't be read");
    let right = read("rate = \"20/s\"\nramp = { from = \"10/s\", over-delivered = 300 }\nholidays = [2026-12-25]\n");
    assert_eq!(right.unwrap().pace().ramp.map(|ramp| ramp.over), Some(Over::Delivered(300)));
}

#[test]
fn a_file_of_holidays_has_a_date_on_each_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("days.txt");
    std::fs::write(&path, "# ours\n2026-12-25 Christmas\n\n2027-01-01\n").unwrap();
    assert_eq!(read_holidays(&path).unwrap().len(), 2);
    std::fs::write(&path, "2026-12-25\n\nChristmas\n").unwrap();
    let error = read_holidays(&path).unwrap_err().to_string();
    assert!(error.ends_with("days.txt:3:1: `Christmas` is no date: write it as 2026-12-25"), "{error}");
}
