//! A report's rows by one of their properties.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use volley_core::{CarrierIndex, MessageState};

use super::{
    facts::{ByKey, Facts},
    tally::{Tally, amounts_json},
};
use crate::{Amounts, country::Country, options::Currency};

/// Which property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The account that the row went to last.
    Carrier,
    /// The recipient's country.
    Country,
    /// The sender ID.
    Sender,
    /// Which of the campaign's texts.
    Variant,
    /// Why it is not delivered.
    Error,
    /// When it was submitted last.
    Hour,
}

impl By {
    /// All of them, as `--by` lists them.
    pub const ALL: [Self; 6] = [Self::Carrier, Self::Country, Self::Sender, Self::Variant, Self::Error, Self::Hour];

    /// Its word on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Country => "country",
            Self::Sender => "sender",
            Self::Variant => "variant",
            Self::Error => "error",
            Self::Hour => "hour",
        }
    }
}

/// One line of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What its rows have in common; `None` for those that have no such property: never sent, of
    /// no country, without an error.
    pub key: Option<String>,
    /// The same for people.
    pub name: String,
    /// The carrier's own code, for errors that have one.
    pub code: Option<String>,
    /// Its sums.
    pub tally: Tally,
    /// What it was to cost, where the plan knows: by carrier and country.
    pub cost_planned: Option<Amounts>,
}

/// All lines; every column adds up to the whole report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// The property.
    pub by: By,
    /// Hours by their time, others by their rows, most first; what has no such property last.
    pub lines: Vec<Line>,
}

impl Breakdown {
    pub(super) fn of(facts: &Facts, by: By, words: &Words<'_>) -> Self {
        let mut lines: BTreeMap<(Option<String>, String, Option<String>), Tally> = BTreeMap::new();
        for (key, tally) in facts.by(by) {
            lines.entry(words.label(by, *key)).or_default().merge(tally);
        }
        for (code, n_rows) in words.rejected {
            let label = match by {
                By::Error => (Some(format!("rejected: {code}")), format!("rejected: {code}"), None),
                By::Carrier | By::Country | By::Sender | By::Variant | By::Hour => words.label(by, ByKey::NONE),
            };
            lines.entry(label).or_default().states.add(MessageState::Rejected, *n_rows);
        }
        let cost_planned = |key: &Option<String>| match by {
            By::Carrier => key.as_ref().and_then(|name| words.planned.by_carrier.get(name)).cloned(),
            By::Country => {
                let country = key.as_deref().and_then(Country::from_code);
                words.planned.by_country.get(&country).cloned()
            }
            By::Sender | By::Variant | By::Error | By::Hour => None,
        };
        let mut lines: Vec<Line> = lines
            .into_iter()
            .map(|((key, name, code), tally)| Line { cost_planned: cost_planned(&key), key, name, code, tally })
            .collect();
        // A stable sort: what is equal stays in the order of its key.
        match by {
            By::Hour => lines.sort_by_key(|line| line.key.is_none()),
            By::Carrier | By::Country | By::Sender | By::Variant | By::Error => {
                lines.sort_by_key(|line| (line.key.is_none(), std::cmp::Reverse(line.tally.rows())));
            }
        }
        Self { by, lines }
    }

    /// All lines together.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.lines.iter().for_each(|line| total.merge(&line.tally));
        total
    }

    /// Every currency that occurs.
    pub(super) fn currencies(&self) -> Vec<Currency> {
        let planned = self.lines.iter().filter_map(|line| line.cost_planned.as_ref());
        let settled = self.lines.iter().map(|line| &line.tally.cost_submitted);
        let mut all: Vec<_> = planned.chain(settled).flat_map(Amounts::iter).map(|money| money.currency).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// `{"by", "lines": [{"key", "name", "rows", …}], "total"}`; the keys are a promise.
    #[must_use]
    pub fn json(&self) -> Value {
        let line = |line: &Line| {
            let mut map = serde_json::Map::new();
            map.insert("key".to_owned(), json!(line.key));
            map.insert("name".to_owned(), json!(line.name));
            if self.by == By::Error {
                map.insert("code".to_owned(), json!(line.code));
            }
            map.extend(line.tally.json());
            if let Some(planned) = &line.cost_planned {
                map.insert("cost_planned".to_owned(), amounts_json(planned));
            }
            Value::Object(map)
        };
        let lines: Vec<_> = self.lines.iter().map(line).collect();
        json!({ "by": self.by.name(), "lines": lines, "total": self.total().json() })
    }

    /// A header and a line for each; numbers without grouping.
    #[must_use]
    pub fn csv(&self) -> String {
        let currencies = self.currencies();
        let mut out = format!("{},name,code,rows", self.by.name());
        for state in MessageState::ALL {
            out.push_str(&format!(",{state}"));
        }
        out.push_str(",segments_planned,segments_submitted,segments_accepted,segments_delivered,possible_duplicates");
        for currency in &currencies {
            for what in ["planned", "submitted", "settled"] {
                out.push_str(&format!(",cost_{what}_{currency}"));
            }
        }
        out.push_str(",no_price_segments\n");
        for line in &self.lines {
            super::put_field(&mut out, line.key.as_deref().unwrap_or(""));
            for field in [&line.name, line.code.as_deref().unwrap_or("")] {
                out.push(',');
                super::put_field(&mut out, field);
            }
            let (tally, segments) = (&line.tally, &line.tally.segments);
            let counts = std::iter::once(tally.rows()).chain(tally.states.iter().map(|(_, n_rows)| n_rows));
            let steps = [segments.planned, segments.submitted, segments.accepted, segments.delivered];
            for n in counts.chain(steps).chain([tally.possible_duplicates]) {
                out.push_str(&format!(",{n}"));
            }
            for currency in &currencies {
                let planned = line.cost_planned.as_ref().map(|planned| planned.of(*currency).amount());
                out.push_str(&format!(
                    ",{},{},{}",
                    planned.unwrap_or_default(),
                    tally.cost_submitted.of(*currency).amount(),
                    tally.cost_settled.of(*currency).amount()
                ));
            }
            out.push_str(&format!(",{}\n", tally.no_price));
        }
        out
    }
}

/// What the small numbers of a breakdown mean.
pub(super) struct Words<'a> {
    pub(super) carrier: &'a dyn Fn(CarrierIndex) -> String,
    pub(super) reason: &'a dyn Fn(u16) -> String,
    pub(super) sender: &'a str,
    pub(super) variant: &'a dyn Fn(u8) -> Option<String>,
    pub(super) time_zone: &'a TimeZone,
    pub(super) rejected: &'a BTreeMap<String, u64>,
    pub(super) planned: &'a crate::PlannedCost,
}

impl Words<'_> {
    /// Key, name, and the carrier's own code.
    fn label(&self, by: By, key: ByKey) -> (Option<String>, String, Option<String>) {
        let plain = |text: String| (Some(text.clone()), text, None);
        let none = |name: &str| (None, name.to_owned(), None);
        let Some(n) = key.get() else {
            return none(match by {
                By::Carrier | By::Sender | By::Hour => "not sent",
                By::Country => "no country",
                By::Variant => "–",
                By::Error => "no error",
            });
        };
        match by {
            By::Carrier => plain((self.carrier)(CarrierIndex(n as u8))),
            By::Country => match Country::from_index(n as usize) {
                Some(country) => (Some(country.code().to_owned()), country.name().to_owned(), None),
                None => none("no country"),
            },
            By::Sender => plain(self.sender.to_owned()),
            By::Variant => (self.variant)(n as u8).map_or_else(|| none("–"), plain),
            By::Error => {
                let text = (self.reason)(n as u16);
                let (words, code) = split_reason(&text);
                (Some(text.clone()), words, code)
            }
            By::Hour => plain(hour(n, self.time_zone)),
        }
    }
}

/// Our words and the carrier's own code of a reason.
fn split_reason(text: &str) -> (String, Option<String>) {
    if let Some((words, code)) = text.split_once(", err ") {
        return (words.to_owned(), Some(code.to_owned()));
    }
    match text.strip_prefix("refused: ") {
        Some(status) => {
            let (code, name) = status.split_once(' ').unwrap_or((status, ""));
            let words = if name.is_empty() { "refused".to_owned() } else { format!("refused: {name}") };
            (words, Some(code.to_owned()))
        }
        None => (text.to_owned(), None),
    }
}

/// The hour that a quarter of an hour since 1970 lies in: zones differ by quarters, too.
fn hour(quarter: u32, time_zone: &TimeZone) -> String {
    let at = Timestamp::from_second(i64::from(quarter) * 900).unwrap_or_default().to_zoned(time_zone.clone());
    let minutes = i64::from(at.minute());
    let begins = at.timestamp().as_second() - minutes * 60;
    let begins = Timestamp::from_second(begins).unwrap_or_default().to_zoned(time_zone.clone());
    begins.strftime("%Y-%m-%dT%H:%M%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_where_the_clock_of_the_zone_says() {
        let quarter = 1_700_000_100 / 900; // 2023-11-14T22:15:00Z
        let zone = |name: &str| TimeZone::get(name).unwrap();
        assert_eq!(hour(quarter, &TimeZone::UTC), "2023-11-14T22:00+00:00");
        assert_eq!(hour(quarter, &zone("Europe/Berlin")), "2023-11-14T23:00+01:00");
        assert_eq!(hour(quarter, &zone("Asia/Kolkata")), "2023-11-15T03:00+05:30");
        assert_eq!(hour(quarter, &zone("Asia/Kathmandu")), "2023-11-15T04:00+05:45");
    }

    #[test]
    fn the_carriers_own_code_stands_beside_our_words() {
        for (text, words, code) in [
            ("refused: 0x0B RINVDSTADR", "refused: RINVDSTADR", Some("0x0B")),
            ("refused: 0x400 (vendor's own)", "refused: (vendor's own)", Some("0x400")),
            ("receipt: undeliverable, err 034", "receipt: undeliverable", Some("034")),
            ("no receipt before the deadline", "no receipt before the deadline", None),
        ] {
            assert_eq!(split_reason(text), (words.to_owned(), code.map(str::to_owned)), "{text}");
        }
    }
}
