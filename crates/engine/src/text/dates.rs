//! Dates of a list, read and written for people.

use jiff::{
    civil::{Date, DateTime, Time},
    fmt::strtime,
};

use super::locale::Locale;

/// Reads a date, with its time if it has one. What could be read in two ways is not guessed:
/// `from`, as strftime writes it, says how such a list writes dates. A time zone is left aside: the
/// clock shows what was written.
pub(super) fn read(text: &str, from: Option<&str>) -> Result<DateTime, String> {
    let text = text.trim();
    let shown = || super::shown(text);
    if let Some(format) = from {
        let parsed = strtime::parse(format, text).map_err(|_| format!("`{}` is no date like `{format}`", shown()))?;
        let date = parsed.to_date().map_err(|_| format!("`{}` has no day, month and year in `{format}`", shown()))?;
        return Ok(date.to_datetime(parsed.to_time().unwrap_or(Time::midnight())));
    }
    common(text).ok_or_else(|| match text.split('/').count() {
        3 => format!("`{}` can be read in two ways: say how with from=\"%d/%m/%Y\" or from=\"%m/%d/%Y\"", shown()),
        _ => format!("`{}` is no date: write it as 2026-12-24, or say how it is written with from=\"…\"", shown()),
    })
}

/// ISO 8601 dates and times, `24.12.2026`, `2026/12/24`, `20261224`.
fn common(text: &str) -> Option<DateTime> {
    let (date, rest) = text.find(['T', 't', ' ']).map_or((text, ""), |at| text.split_at(at));
    let date = day(date)?;
    let time = rest.trim_start_matches(['T', 't', ' ']);
    if time.is_empty() {
        return Some(date.to_datetime(Time::midnight()));
    }
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let is_zone = zone.chars().all(|c| c.is_ascii_digit() || "Zz+-:".contains(c));
    Some(date.to_datetime(time.trim().parse().ok().filter(|_| is_zone)?))
}

fn day(text: &str) -> Option<Date> {
    let part = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
        text.parse::<i16>().ok().filter(|_| is_number)
    };
    let date = |year: &str, month: &str, day: &str| {
        let (month, day) = (part(month, 1..=2)?, part(day, 1..=2)?);
        Date::new(part(year, 4..=4)?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    for (sign, day_first) in [('-', false), ('/', false), ('.', true)] {
        let mut parts = text.split(sign);
        if let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) {
            return if day_first { date(c, b, a) } else { date(a, b, c) };
        }
    }
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    date(year, month, day).filter(|_| text.len() == 8)
}

/// Writes a date by a form's name (`short`, `medium`, `long`, `full`) or as strftime says, with the
/// locale's own names of months and days.
pub(super) fn write(at: DateTime, form: &str, locale: &Locale) -> Result<String, String> {
    let format = match form {
        "short" => locale.dates.short,
        "medium" => locale.dates.medium,
        "long" => locale.dates.long,
        "full" => locale.dates.full,
        own if own.contains('%') => own,
        other => {
            return Err(format!("no form of dates is called `{other}`: short, medium, long, full, or such as %d.%m."));
        }
    };
    let format = with_names(at, format, locale);
    strtime::format(&format, at).map_err(|error| format!("the form of dates `{form}`: {error}"))
}

/// Puts in what the library knows in English only.
fn with_names(at: DateTime, format: &str, locale: &Locale) -> String {
    let names = locale.names;
    let month = usize::from(at.month().unsigned_abs()).saturating_sub(1);
    let day = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut chars = after.chars();
        let sign = chars.next();
        let name = match sign {
            Some('B') => names.months.get(month),
            Some('b' | 'h') => names.short_months.get(month),
            Some('A') => names.days.get(day),
            Some('a') => names.short_days.get(day),
            Some(_) | None => None,
        };
        match name {
            Some(name) => out.push_str(name),
            None => {
                out.push('%');
                out.extend(sign);
            }
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_read(text: &str, expected: Option<&str>) {
        let read = read(text, None).ok().map(|at| at.to_string());
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_where_they_have_one_meaning() {
        for text in ["2026-12-24", "24.12.2026", " 2026/12/24 ", "20261224", "2026-12-24T00:00:00Z"] {
            check_read(text, Some("2026-12-24T00:00:00"));
        }
        for text in ["2026-12-24 18:30", "2026-12-24T18:30:00+01:00", "24.12.2026 18:30", "2026-12-24t18:30:00.000Z"] {
            check_read(text, Some("2026-12-24T18:30:00"));
        }
        check_read("1.2.2026", Some("2026-02-01T00:00:00"));
        for text in ["", "tomorrow", "12/24/2026", "2026-13-01", "2026-02-30", "24.12.26", "2026-12-24 x", "1-2-3-4"] {
            check_read(text, None);
        }
        assert_eq!(read("12/24/2026", Some("%m/%d/%Y")).unwrap().to_string(), "2026-12-24T00:00:00");
        assert_eq!(read("24.12.26 7:05", Some("%d.%m.%y %H:%M")).unwrap().to_string(), "2026-12-24T07:05:00");
        assert!(read("12/24/2026", None).unwrap_err().contains("in two ways"));
    }

    #[test]
    fn dates_are_written_as_each_language_does() {
        let golden = [
            ("en", "12/4/26 | Dec 4, 2026 | December 4, 2026 | Friday, December 4, 2026"),
            ("en-GB", "04/12/2026 | 4 Dec 2026 | 4 December 2026 | Friday 4 December 2026"),
            ("de", "04.12.26 | 04.12.2026 | 4. Dezember 2026 | Freitag, 4. Dezember 2026"),
            ("es", "4/12/26 | 4 dic 2026 | 4 de diciembre de 2026 | viernes, 4 de diciembre de 2026"),
            ("fr", "04/12/2026 | 4 déc. 2026 | 4 décembre 2026 | vendredi 4 décembre 2026"),
            ("it", "04/12/26 | 4 dic 2026 | 4 dicembre 2026 | venerdì 4 dicembre 2026"),
            ("nl", "04-12-2026 | 4 dec 2026 | 4 december 2026 | vrijdag 4 december 2026"),
            ("pl", "4.12.2026 | 4 gru 2026 | 4 grudnia 2026 | piątek, 4 grudnia 2026"),
            ("pt", "04/12/2026 | 4 de dez. de 2026 | 4 de dezembro de 2026 | sexta-feira, 4 de dezembro de 2026"),
            ("pt-PT", "04/12/26 | 04/12/2026 | 4 de dezembro de 2026 | sexta-feira, 4 de dezembro de 2026"),
            ("sv", "2026-12-04 | 4 dec. 2026 | 4 december 2026 | fredag 4 december 2026"),
            ("da", "04.12.2026 | 4. dec. 2026 | 4. december 2026 | fredag den 4. december 2026"),
            ("tr", "4.12.2026 | 4 Ara 2026 | 4 Aralık 2026 | 4 Aralık 2026 Cuma"),
            ("cs", "04.12.26 | 4. 12. 2026 | 4. prosince 2026 | pátek 4. prosince 2026"),
        ];
        let at = read("2026-12-04", None).unwrap();
        for (tag, expected) in golden {
            let locale = Locale::find(tag).unwrap();
            let forms = ["short", "medium", "long", "full"].map(|form| write(at, form, locale).unwrap());
            assert_eq!(forms.join(" | "), expected, "{tag}");
        }
    }

    #[test]
    fn own_forms_take_names_from_the_locale() {
        let at = read("2026-03-02 09:05", None).unwrap();
        let de = Locale::find("de-DE").unwrap();
        assert_eq!(write(at, "%a %-d. %b, %H:%M Uhr", de).unwrap(), "Mo. 2. März, 09:05 Uhr");
        assert_eq!(write(at, "100 %%B %A", de).unwrap(), "100 %B Montag");
        assert!(write(at, "longish", de).unwrap_err().contains("short, medium, long"));
        assert!(write(at, "%", de).is_err() && write(at, "%!", de).is_err());
    }
}
