//! Which of a campaign's texts a row gets.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use volley_core::Msisdn;

use super::Locale;
use crate::options::{MessageOptions, Share};

/// Stands in a plan's rows for those that get nothing.
pub(crate) const HOLD_OUT: u8 = u8::MAX;

/// How variants are chosen.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// The first whose conditions hold is taken.
    groups: Vec<Group>,
    /// From which point on rows get nothing.
    held_from: u32,
    /// Whether points matter at all.
    is_drawn: bool,
    salt: String,
    has_text: bool,
}

/// Variants with the same conditions, which divide the rows.
#[derive(Debug, Clone)]
struct Group {
    when: Vec<Condition>,
    /// Below which point each begins to apply no more, and its number in the plan.
    below: Vec<(u32, u8)>,
}

#[derive(Debug, Clone)]
struct Condition {
    /// Index among the kept columns.
    column: usize,
    /// Tags of a language and its region, rather than plain words.
    is_locale: bool,
    /// In small letters.
    values: Vec<String>,
}

impl Choice {
    /// `column`: finds or takes up a kept column; and the list's column with languages.
    pub(super) fn new(
        message: &MessageOptions,
        campaign: &str,
        locale_column: Option<&str>,
        mut column: impl FnMut(&str) -> usize,
    ) -> Self {
        let held_from = Share::WHOLE.0.saturating_sub(message.hold_out.map_or(0, |share| share.0));
        let mut groups: Vec<(&BTreeMap<_, _>, Group)> = Vec::new();
        for (variant, number) in message.variants.iter().zip(1..) {
            let at = groups.iter().position(|(when, _)| **when == variant.when).unwrap_or_else(|| {
                let condition = |(name, values): (&String, &crate::options::OneOrMany)| {
                    let name = if name == "locale" { locale_column.unwrap_or(name) } else { name };
                    let values = values.iter().map(|value| value.trim().to_lowercase()).collect();
                    Condition {
                        column: column(name),
                        is_locale: Some(name) == locale_column || name == "locale",
                        values,
                    }
                };
                let when = variant.when.iter().map(condition).collect();
                groups.push((&variant.when, Group { when, below: Vec::new() }));
                groups.len() - 1
            });
            let Some((_, group)) = groups.get_mut(at) else { continue };
            let begins = group.below.last().map_or(0, |(below, _)| *below);
            let below = variant.share.map_or(held_from, |share| begins.saturating_add(share.0));
            // Thirds don't add up to a whole: what is missing is the last one's.
            let below = if below.abs_diff(held_from) <= Share::SLACK { held_from } else { below };
            group.below.push((below, number));
        }
        Self {
            groups: groups.into_iter().map(|(_, group)| group).collect(),
            held_from,
            is_drawn: message.hold_out.is_some() || message.variants.iter().any(|variant| variant.share.is_some()),
            salt: campaign.to_owned(),
            has_text: !message.text.is_empty(),
        }
    }

    /// The variant of a row, 0 for the message's own text; `None` where there is none for it.
    pub(super) fn of<'a>(&self, number: Msisdn, value: impl Fn(usize) -> &'a str) -> Option<u8> {
        let point = if self.is_drawn { point(&self.salt, number) } else { 0 };
        if point >= self.held_from {
            return Some(HOLD_OUT);
        }
        let mut groups = self.groups.iter();
        let group = groups.find(|group| group.when.iter().all(|condition| condition.holds(value(condition.column))));
        let variant = group.and_then(|group| group.below.iter().find(|(below, _)| point < *below));
        variant.map(|(_, variant)| *variant).or_else(|| self.has_text.then_some(0))
    }
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        let is_in = |wanted: &String| {
            let rest = value.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || (self.is_locale && rest.starts_with(['-', '_'])))
        };
        self.values.iter().any(is_in)
    }
}

/// Where a number lies among a million: the first 8 octets of SHA-256 over the campaign's name, a
/// NUL and the number's digits, as a share of all there are. The same on any machine and in any
/// order of rows.
fn point(salt: &str, number: Msisdn) -> u32 {
    let digest = Sha256::new().chain_update(salt).chain_update([0]).chain_update(number.to_string()).finalize();
    let first = digest.first_chunk().map_or(0, |octets| u64::from_be_bytes(*octets));
    ((u128::from(first) * u128::from(Share::WHOLE.0)) >> 64) as u32
}

/// The formats for a row, by its own language or the campaign's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locales {
    pub(super) column: Option<usize>,
    pub(super) default: &'static Locale,
}

impl Locales {
    pub(super) fn of<'a>(&self, value: impl Fn(usize) -> &'a str) -> &'static Locale {
        self.column.and_then(|column| Locale::find(value(column))).unwrap_or(self.default)
    }
}
