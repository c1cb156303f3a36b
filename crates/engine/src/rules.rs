//! Sending rules of countries and carriers: dated data, from `data/rules` or a file of that form.

mod findings;
mod show;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use volley_core::Msisdn;
use volley_scheduler::{Holidays, Hours};

use crate::options::{Class, DateText, FileError, TlvTag, WindowOptions, read_toml};
pub(crate) use findings::Looked;
pub use findings::{RuleCode, RuleFinding};
pub use show::{PackFacts, RegionHours, rule_packs};

/// The packs that hold where nobody chose others.
const BUILT_IN: [(&str, &str); 13] = [
    ("us-federal.toml", include_str!("../data/rules/us-federal.toml")),
    ("us-states.toml", include_str!("../data/rules/us-states.toml")),
    ("us-10dlc.toml", include_str!("../data/rules/us-10dlc.toml")),
    ("ca.toml", include_str!("../data/rules/ca.toml")),
    ("eu.toml", include_str!("../data/rules/eu.toml")),
    ("gb.toml", include_str!("../data/rules/gb.toml")),
    ("fr.toml", include_str!("../data/rules/fr.toml")),
    ("in.toml", include_str!("../data/rules/in.toml")),
    ("ae.toml", include_str!("../data/rules/ae.toml")),
    ("ng.toml", include_str!("../data/rules/ng.toml")),
    ("jo.toml", include_str!("../data/rules/jo.toml")),
    ("kr.toml", include_str!("../data/rules/kr.toml")),
    ("tr.toml", include_str!("../data/rules/tr.toml")),
];

/// Hours by the class of a message; a class that is not named may be sent at any time.
type HoursByClass = BTreeMap<Class, WindowOptions>;

/// A file of packs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RulesFile {
    pack: Vec<RulePack>,
}

/// `[[pack]]`: what holds in some countries, and how we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RulePack {
    /// Its name.
    pub id: String,
    /// What it is, for people.
    pub title: String,
    /// Where it holds (ISO 3166).
    pub countries: Vec<String>,
    /// Hours in the recipient's own time.
    #[serde(default)]
    pub hours: HoursByClass,
    /// Dates on which nothing of the classes in `hours` is sent.
    #[serde(default)]
    pub holidays: Vec<DateText>,
    /// The last day up to which `holidays` are written down.
    #[serde(default)]
    pub holidays_until: Option<DateText>,
    /// The hours are recommended, no duty. They hold all the same.
    #[serde(default)]
    pub recommended: bool,
    /// Hours of parts of the country.
    #[serde(default, rename = "region")]
    pub regions: Vec<Region>,
    /// Area codes of `+1` in no region. A code that stands nowhere gets what all regions allow.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// What texts need.
    #[serde(default, rename = "text")]
    pub texts: Vec<TextRule>,
    /// What senders need.
    #[serde(default, rename = "sender")]
    pub senders: Vec<SenderRule>,
    /// What carriers' own fields need.
    #[serde(default, rename = "field")]
    pub fields: Vec<FieldRule>,
    /// How much carriers take.
    #[serde(default, rename = "cap")]
    pub caps: Vec<CapRule>,
    /// What no program can check.
    #[serde(default)]
    pub duties: Vec<String>,
    /// From when it holds, as far as we know.
    pub valid_from: DateText,
    /// When it was written down.
    pub collected: DateText,
    /// From what.
    pub source: String,
    /// How sure it is.
    pub evidence: Evidence,
}

/// `[[pack.region]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Region {
    /// Its short name, such as `FL`.
    pub name: String,
    /// Its hours.
    pub hours: HoursByClass,
    /// Area codes of its numbers: three digits behind `+1`.
    pub area_codes: Vec<String>,
}

/// `[[pack.text]]`: one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TextRule {
    /// Which messages.
    pub class: Class,
    /// One of these stands in it, in capital letters or not.
    #[serde(default)]
    pub any_of: Vec<String>,
    /// It begins with this.
    #[serde(default)]
    pub starts_with: Option<String>,
    /// What is needed, for people.
    pub what: String,
}

/// `[[pack.sender]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SenderRule {
    /// Which messages.
    pub class: Class,
    /// It begins with this.
    pub prefix: String,
    /// Most characters.
    pub max_length: usize,
    /// What is needed, for people.
    pub what: String,
}

/// `[[pack.field]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FieldRule {
    /// What is needed, for people.
    pub what: String,
    /// Which messages.
    pub classes: Vec<Class>,
    /// The fields, where they are the same with all carriers.
    #[serde(default)]
    pub tags: Vec<TlvTag>,
}

/// `[[pack.cap]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CapRule {
    /// Whose, and for what.
    pub what: String,
    /// Segments by tier.
    pub segments: Vec<u32>,
    /// `minute` or `day`.
    pub per: CapPer,
    /// Whose midnight begins a day.
    #[serde(default)]
    pub reset_zone: Option<String>,
}

/// What a cap counts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapPer {
    /// A minute.
    Minute,
    /// A day in the cap's zone.
    Day,
}

/// How sure a pack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Documents of vendors.
    VendorDocuments,
    /// Confirmed in the law or by a regulator.
    Confirmed,
    /// General knowledge, confirmed in no document that we have.
    General,
}

impl Evidence {
    /// For tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VendorDocuments => "vendor documents",
            Self::Confirmed => "confirmed",
            Self::General => "general",
        }
    }
}

/// The built-in packs.
///
/// # Panics
/// Never: a test reads the files that they are compiled from.
#[must_use]
pub fn built_in_rules() -> Vec<RulePack> {
    let read = |(name, text): (&str, &str)| {
        toml::from_str::<RulesFile>(text).unwrap_or_else(|error| panic!("data/rules/{name}: {error}")).pack
    };
    BUILT_IN.into_iter().flat_map(read).collect()
}

/// The packs in a file.
///
/// # Errors
/// When it can't be read, or a key, a country, hours or an area code is wrong.
pub fn load_rules(path: &Path) -> Result<Vec<RulePack>, FileError> {
    let (file, text) = read_toml::<RulesFile>(path)?;
    for pack in &file.pack {
        pack.check().map_err(|(key, what)| FileError::new(path, what).at_key(&text, key))?;
    }
    Ok(file.pack)
}

impl RulePack {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let id = &self.id;
        if let Some(country) = self.countries.iter().find(|country| crate::Country::from_code(country).is_none()) {
            return Err(("countries", format!("pack `{id}`: `{country}` is no country: write two capital letters")));
        }
        let mut known = BTreeSet::new();
        for code in self.regions.iter().flat_map(|region| &region.area_codes).chain(&self.elsewhere) {
            if code.len() != 3 || !code.bytes().all(|c| c.is_ascii_digit()) {
                return Err(("area-codes", format!("pack `{id}`: `{code}` is no area code: write three digits")));
            }
            if !known.insert(code) {
                return Err(("area-codes", format!("pack `{id}`: area code {code} stands in two places")));
            }
        }
        Ok(())
    }

    /// Whether it says anything of when messages of a class are sent.
    pub(crate) fn has_hours(&self, class: Class) -> bool {
        self.hours.contains_key(&class) || self.regions.iter().any(|region| region.hours.contains_key(&class))
    }

    /// Whether it holds in a country (ISO 3166).
    #[must_use]
    pub fn is_for(&self, country: &str) -> bool {
        self.countries.iter().any(|known| known == country)
    }

    /// The hours that a number must keep, with their holidays.
    pub(crate) fn hours_of(&self, class: Class, number: Option<Msisdn>) -> Vec<(Hours, Holidays)> {
        let holidays: Holidays = Arc::new(self.holidays.iter().map(|date| date.date()).collect());
        let nation = self.hours.get(&class).map(|hours| (hours.hours().clone(), holidays));
        let of_region = |region: &Region| Some((region.hours.get(&class)?.hours().clone(), Holidays::default()));
        let code = number.and_then(area_code);
        let is_in = |codes: &[String]| codes.iter().any(|known| known.parse().ok() == code && code.is_some());
        let regions = match self.regions.iter().find(|region| is_in(&region.area_codes)) {
            Some(region) => of_region(region).into_iter().collect(),
            None if is_in(&self.elsewhere) => Vec::new(),
            None => self.regions.iter().filter_map(of_region).collect::<Vec<_>>(),
        };
        nation.into_iter().chain(regions).collect()
    }

    /// Whether its holidays are written down for a date.
    pub(crate) fn knows_holidays_of(&self, date: Date) -> bool {
        self.holidays_until.is_none_or(|until| date <= until.date())
    }
}

/// The three digits behind `+1`.
pub(crate) fn area_code(number: Msisdn) -> Option<u16> {
    // Eleven digits, of which the first is 1.
    let code = number.as_u64() / 10_000_000;
    (1_000..2_000).contains(&code).then_some((code % 1_000) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pack: &str, number: &str) -> Vec<String> {
        let packs = built_in_rules();
        let pack = packs.iter().find(|known| known.id == pack).unwrap();
        let hours = pack.hours_of(Class::Marketing, Msisdn::from_digits(number.as_bytes()));
        hours.iter().map(|(hours, _)| hours.to_string()).collect()
    }

    #[test]
    fn thirteen_packs_are_dated_and_name_their_source() {
        let packs = built_in_rules();
        assert_eq!(packs.len(), 13);
        for pack in &packs {
            assert_eq!(pack.check(), Ok(()));
            assert!(!pack.source.is_empty() && !pack.countries.is_empty(), "{}", pack.id);
            assert!(pack.collected.date() >= jiff::civil::date(2026, 11, 1), "{}", pack.id);
            assert!(!pack.has_hours(Class::Transactional) && !pack.has_hours(Class::Otp), "{}", pack.id);
        }
    }

    #[test]
    fn a_number_keeps_the_hours_of_its_state_or_of_all() {
        assert_eq!(shown("us-federal", "12125550143"), ["08:00-21:00"]);
        assert_eq!(shown("us-states", "12125550143"), [""; 0], "New York has none of its own");
        assert_eq!(shown("us-states", "13055550143"), ["08:00-20:00"]);
        assert_eq!(shown("us-states", "12145550143"), ["Mon-Sat 09:00-21:00, Sun 12:00-21:00"]);
        assert_eq!(shown("us-states", "18005550143").len(), 12, "a number of no state keeps to all");
    }

    #[test]
    fn france_has_sundays_and_holidays_off() {
        let packs = built_in_rules();
        let france = packs.iter().find(|pack| pack.id == "fr").unwrap();
        let hours = france.hours_of(Class::Marketing, None);
        let (hours, holidays) = hours.first().unwrap();
        assert_eq!(hours.to_string(), "Mon-Sat 08:00-20:00");
        // Easter Monday and Ascension move.
        assert!([(4, 6), (5, 14), (7, 14)].iter().all(|(m, d)| holidays.contains(&jiff::civil::date(2026, *m, *d))));
        assert!(france.knows_holidays_of(jiff::civil::date(2030, 12, 31)));
        assert!(!france.knows_holidays_of(jiff::civil::date(2031, 1, 1)));
        assert!(france.hours_of(Class::Otp, None).is_empty());
    }
}
