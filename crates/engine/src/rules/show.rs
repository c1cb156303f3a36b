//! Rule packs as people look at them.

use std::path::Path;

use serde::Serialize;

use super::{CapRule, HoursByClass, RulePack, TextRule, built_in_rules, load_rules};
use crate::options::{Class, FileError};

/// One pack in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackFacts {
    /// Its name.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Where it holds (ISO 3166).
    pub countries: Vec<String>,
    /// Hours by class; `any time` where nothing is said.
    pub hours: Vec<(&'static str, String)>,
    /// Whether the hours are only recommended. They hold all the same.
    pub recommended: bool,
    /// Dates without sending.
    pub holidays: Vec<String>,
    /// Hours of parts of the country.
    pub regions: Vec<RegionHours>,
    /// What texts, senders and fields need, by class.
    pub required: Vec<String>,
    /// How much carriers take.
    pub caps: Vec<String>,
    /// What no program can check.
    pub duties: Vec<String>,
    /// From when.
    pub valid_from: String,
    /// When it was written down.
    pub collected: String,
    /// From what.
    pub source: String,
    /// How sure it is.
    pub evidence: &'static str,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionHours {
    /// Its short name.
    pub name: String,
    /// Its hours by class.
    pub hours: Vec<(&'static str, String)>,
    /// Area codes that belong to it.
    pub area_codes: Vec<String>,
}

/// The packs of a file, or the built-in ones; those of one country, or all.
///
/// # Errors
/// When the file can't be used.
pub fn rule_packs(file: Option<&Path>, country: Option<&str>) -> Result<Vec<PackFacts>, FileError> {
    let packs = file.map_or_else(|| Ok(built_in_rules()), load_rules)?;
    let wanted = packs.iter().filter(|pack| country.is_none_or(|country| pack.is_for(country)));
    Ok(wanted.map(PackFacts::of).collect())
}

impl PackFacts {
    fn of(pack: &RulePack) -> Self {
        let date = |date: crate::options::DateText| date.date().to_string();
        let regions = pack.regions.iter().map(|region| RegionHours {
            name: region.name.clone(),
            hours: hours(&region.hours, false),
            area_codes: region.area_codes.clone(),
        });
        let texts = pack.texts.iter().map(|TextRule { class, what, .. }| format!("{}: {what}", class.name()));
        let senders = pack.senders.iter().map(|rule| format!("{}: {}", rule.class.name(), rule.what));
        let fields = pack.fields.iter().map(|rule| {
            let classes: Vec<_> = rule.classes.iter().map(|class| class.name()).collect();
            format!("{}: {}", classes.join(", "), rule.what)
        });
        Self {
            id: pack.id.clone(),
            title: pack.title.clone(),
            countries: pack.countries.clone(),
            hours: hours(&pack.hours, pack.regions.is_empty()),
            recommended: pack.recommended,
            holidays: pack.holidays.iter().map(|day| date(*day)).collect(),
            regions: regions.collect(),
            required: texts.chain(senders).chain(fields).collect(),
            caps: pack.caps.iter().map(cap).collect(),
            duties: pack.duties.clone(),
            valid_from: date(pack.valid_from),
            collected: date(pack.collected),
            source: pack.source.clone(),
            evidence: pack.evidence.name(),
        }
    }
}

/// By class; with all of them where nothing else could say more.
fn hours(by_class: &HoursByClass, with_all: bool) -> Vec<(&'static str, String)> {
    let words = |class: Class| {
        let known = by_class.get(&class).map(|window| window.hours().to_string());
        let words = known.or_else(|| with_all.then(|| "any time".to_owned()))?;
        Some((class.name(), words))
    };
    Class::ALL.into_iter().filter_map(words).collect()
}

fn cap(cap: &CapRule) -> String {
    let per = match cap.per {
        super::CapPer::Minute => "minute",
        super::CapPer::Day => "day",
    };
    let tiers: Vec<_> = cap.segments.iter().map(u32::to_string).collect();
    let zone = cap.reset_zone.as_ref().map(|zone| format!(", which begins at midnight in {zone}")).unwrap_or_default();
    format!("{}: {} segments a {per}{zone}", cap.what, tiers.join(" / "))
}
