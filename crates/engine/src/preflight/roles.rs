//! Columns of a list that steer its rows: time zone, language, consent, validity.

use std::collections::HashSet;

use jiff::{Timestamp, civil, tz::TimeZone};
use volley_ingest::{Rejection, RowView};

use crate::options::{AudienceOptions, HumanDuration};

/// Distinct time zones that are remembered on a thread.
const MAX_ZONES: usize = 1_000;

/// The code of rows without a consent that counts.
pub(crate) const NO_CONSENT: &str = "no-consent";

/// How long a row's message may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowValidity {
    /// From when it is sent.
    For(std::time::Duration),
    /// Until an instant, in seconds since 1970.
    Until(i64),
}

impl RowValidity {
    /// From a row's field: a span such as `12h`, or an instant such as `2026-12-24T18:00:00Z`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let span = HumanDuration::parse(text).ok().filter(|span| !span.0.is_zero()).map(|span| Self::For(span.0));
        span.or_else(|| text.parse::<Timestamp>().ok().map(|at| Self::Until(at.as_second())))
    }
}

/// Where the columns lie among those that the list keeps.
#[derive(Debug, Clone)]
pub(crate) struct RoleColumns {
    time_zone: Option<(usize, String)>,
    locale: Option<(usize, String)>,
    consent: Option<(usize, String)>,
    /// From when on consent counts, if it must be there.
    consent_from: Option<civil::Date>,
    validity: Option<(usize, String)>,
}

/// What checking remembers on a thread.
#[derive(Default)]
pub(crate) struct RoleScratch {
    zones: HashSet<String>,
}

/// The columns that a campaign names for a role, for the list to keep.
pub(crate) fn columns(audience: &AudienceOptions) -> impl Iterator<Item = &String> {
    let AudienceOptions { time_zone_column, locale_column, consent_column, validity_column, .. } = audience;
    [time_zone_column, locale_column, consent_column, validity_column].into_iter().flatten()
}

impl RoleColumns {
    pub(crate) fn new(audience: &AudienceOptions, kept: &[String]) -> Self {
        let at = |column: &Option<String>| {
            let name = column.as_ref()?;
            Some((kept.iter().position(|known| known == name)?, name.clone()))
        };
        Self {
            time_zone: at(&audience.time_zone_column),
            locale: at(&audience.locale_column),
            consent: at(&audience.consent_column),
            consent_from: None,
            validity: at(&audience.validity_column),
        }
    }

    /// Rows without a consent of this day or later are rejected.
    pub(crate) fn requiring_consent(self, consent_from: Option<civil::Date>) -> Self {
        Self { consent_from, ..self }
    }

    /// Where the column with the time zone lies.
    pub(crate) fn time_zone(&self) -> Option<usize> {
        self.time_zone.as_ref().map(|(index, _)| *index)
    }

    /// Where the column with the validity lies.
    pub(crate) fn validity(&self) -> Option<usize> {
        self.validity.as_ref().map(|(index, _)| *index)
    }

    /// That each says what it is for, or nothing.
    pub(crate) fn check(&self, row: &RowView<'_>, scratch: &mut RoleScratch) -> Result<(), Rejection> {
        let wrong = |column: &Option<(usize, String)>, is_right: &mut dyn FnMut(&str) -> bool| {
            let (index, name) = column.as_ref()?;
            let value = row.field(*index).trim();
            (!value.is_empty() && !is_right(value)).then(|| (name.clone(), value.chars().take(40).collect::<String>()))
        };
        let refuse = |code, (column, value): (String, String), what: &str| {
            Err(Rejection { column: Some(column), code, reason: format!("`{value}` is {what}") })
        };
        if let Some(found) = wrong(&self.time_zone, &mut |name| scratch.is_zone(name)) {
            return refuse("unknown-time-zone", found, "no time zone: an IANA name such as Europe/Berlin is needed");
        }
        if let Some(found) = wrong(&self.locale, &mut |tag| is_locale(tag)) {
            return refuse("unknown-locale", found, "no language: a tag such as de or pt-BR is needed");
        }
        if let Some(found) = wrong(&self.consent, &mut |text| date(text).is_some()) {
            return refuse("invalid-date", found, "no date: write it as 2026-11-24");
        }
        self.check_consent(row)?;
        if let Some(found) = wrong(&self.validity, &mut |text| RowValidity::parse(text).is_some()) {
            return refuse(
                "invalid-validity",
                found,
                "neither a span such as 12h nor a time such as 2026-12-24T18:00:00Z",
            );
        }
        Ok(())
    }

    fn check_consent(&self, row: &RowView<'_>) -> Result<(), Rejection> {
        let (Some((index, column)), Some(from)) = (&self.consent, self.consent_from) else { return Ok(()) };
        let reason = match date(row.field(*index)) {
            Some(given) if given >= from => return Ok(()),
            Some(given) => format!("the consent is of {given}, and `require-consent-after` says {from}"),
            None => "no consent is known, and `require-consent-after` wants one".to_owned(),
        };
        Err(Rejection { column: Some(column.clone()), code: NO_CONSENT, reason })
    }
}

impl RoleScratch {
    fn is_zone(&mut self, name: &str) -> bool {
        if self.zones.contains(name) {
            return true;
        }
        let is_zone = TimeZone::get(name).is_ok();
        if is_zone && self.zones.len() < MAX_ZONES {
            self.zones.insert(name.to_owned());
        }
        is_zone
    }
}

fn is_locale(tag: &str) -> bool {
    let mut parts = tag.split(['-', '_']);
    let is_language = |part: &str| matches!(part.len(), 2 | 3) && part.chars().all(|c| c.is_ascii_alphabetic());
    let is_rest = |part: &str| matches!(part.len(), 1..=8) && part.chars().all(|c| c.is_ascii_alphanumeric());
    parts.next().is_some_and(is_language) && parts.all(is_rest)
}

/// A date, with or without a time: 2026-11-24, 24.11.2026. Nobody can tell 11/12 from 12/11.
pub(crate) fn date(text: &str) -> Option<civil::Date> {
    let text = text.trim();
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    day.parse::<civil::Date>().ok().or_else(|| civil::Date::strptime("%d.%m.%Y", day).ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn spans_and_instants_are_validities() {
        let parse = RowValidity::parse;
        assert_eq!(parse(" 12h "), Some(RowValidity::For(Duration::from_secs(12 * 3600))));
        assert_eq!(parse("2026-12-24T18:00:00Z"), Some(RowValidity::Until(1_798_135_200)));
        assert_eq!(parse("2026-12-24T19:00:00+01:00"), parse("2026-12-24T18:00:00Z"));
        assert_eq!([parse("0s"), parse("tomorrow"), parse("2026-12-24"), parse("")], [None; 4]);
    }

    #[test]
    fn dates_are_read_where_they_have_one_meaning() {
        let expected = civil::date(2026, 11, 4);
        for text in ["2026-11-04", "2026-11-04 10:00", "2026-11-04T10:00:00Z", "04.11.2026", "4.11.2026"] {
            assert_eq!(date(text), Some(expected), "{text}");
        }
        assert_eq!([date("11/04/2026"), date("2026-13-01"), date("yes")], [None; 3]);
    }

    #[test]
    fn languages_are_tags() {
        assert!(["de", "pt-BR", "zh_Hant_TW", "eng"].into_iter().all(is_locale));
        assert!(!["", "german!", "d", "english"].into_iter().any(is_locale));
    }
}
