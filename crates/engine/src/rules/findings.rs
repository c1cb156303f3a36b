//! What a campaign lacks by the rules of the countries that it goes to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::{RulePack, SenderRule, TextRule};
use crate::options::{CampaignOptions, Class, TlvTag};

/// Something to look at before sending. It holds nothing back: no program knows what a text means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleFinding {
    /// What kind it is.
    pub code: RuleCode,
    /// The pack that says so.
    pub pack: String,
    /// In words, with what to do.
    pub what: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleCode {
    /// A text lacks what a country requires.
    RequiredText,
    /// The sender is not as a country requires it.
    RequiredSender,
    /// No carrier's own field is set that a country requires.
    RequiredField,
    /// Nobody wrote down the holidays of the time in which it is sent.
    HolidaysUnknown,
}

impl RuleCode {
    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequiredText => "required-text",
            Self::RequiredSender => "required-sender",
            Self::RequiredField => "required-field",
            Self::HolidaysUnknown => "holidays-unknown",
        }
    }
}

/// What is looked at.
pub(crate) struct Looked<'a> {
    pub(crate) options: &'a CampaignOptions,
    /// Where its rows go (ISO 3166).
    pub(crate) countries: &'a BTreeSet<&'a str>,
    /// The fields that each carrier of its routes has.
    pub(crate) fields: &'a BTreeMap<&'a str, BTreeSet<TlvTag>>,
    /// The last day on which it may be sent.
    pub(crate) until: Date,
}

impl Looked<'_> {
    /// All findings by these packs.
    pub(crate) fn findings(&self, packs: &[RulePack]) -> Vec<RuleFinding> {
        let concerned = packs.iter().filter(|pack| self.countries.iter().any(|country| pack.is_for(country)));
        concerned.flat_map(|pack| self.of_pack(pack)).collect()
    }

    fn of_pack(&self, pack: &RulePack) -> Vec<RuleFinding> {
        let class = self.options.class;
        let finding = |code, what| RuleFinding { code, pack: pack.id.clone(), what };
        let mut findings = Vec::new();
        for rule in pack.texts.iter().filter(|rule| rule.class == class) {
            if let Some(text) = self.texts().find(|text| !rule.is_kept_by(text)) {
                let begin: String = text.chars().take(30).collect();
                let what = format!("{}: the text `{begin}…` lacks {}", pack.title, rule.what);
                findings.push(finding(RuleCode::RequiredText, what));
            }
        }
        let sender = &self.options.message.sender;
        for rule in pack.senders.iter().filter(|rule| rule.class == class && !rule.is_kept_by(sender)) {
            let what = format!("{}: `sender` is `{sender}`, and it takes {}", pack.title, rule.what);
            findings.push(finding(RuleCode::RequiredSender, what));
        }
        for rule in pack.fields.iter().filter(|rule| rule.classes.contains(&class)) {
            let lacks = |fields: &BTreeSet<TlvTag>| {
                if rule.tags.is_empty() { fields.is_empty() } else { rule.tags.iter().any(|tag| !fields.contains(tag)) }
            };
            if let Some((carrier, _)) = self.fields.iter().find(|(_, fields)| lacks(fields)) {
                let what = format!(
                    "{}: carriers want {}, and `tlvs` of carrier `{carrier}` has no such fields",
                    pack.title, rule.what
                );
                findings.push(finding(RuleCode::RequiredField, what));
            }
        }
        if pack.has_hours(class) && !pack.knows_holidays_of(self.until) {
            let what = format!(
                "{}: its holidays were not written down as far as {}: put them under `holidays`",
                pack.title, self.until
            );
            findings.push(finding(RuleCode::HolidaysUnknown, what));
        }
        findings
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let message = &self.options.message;
        let variants = message.variants.iter().map(|variant| variant.text.as_str());
        std::iter::once(message.text.as_str()).chain(variants).filter(|text| !text.is_empty())
    }
}

impl TextRule {
    /// As far as it can be seen in the text of the campaign file.
    fn is_kept_by(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let has_word = self.any_of.is_empty() || self.any_of.iter().any(|word| lower.contains(&word.to_lowercase()));
        has_word && self.starts_with.as_deref().is_none_or(|begin| text.trim_start().starts_with(begin))
    }
}

impl SenderRule {
    fn is_kept_by(&self, sender: &str) -> bool {
        sender.starts_with(&self.prefix) && sender.chars().count() <= self.max_length
    }
}

impl RulePack {
    /// Whether it asks anything of a class.
    pub(crate) fn concerns(&self, class: Class) -> bool {
        self.has_hours(class)
            || self.texts.iter().any(|rule| rule.class == class)
            || self.senders.iter().any(|rule| rule.class == class)
            || self.fields.iter().any(|rule| rule.classes.contains(&class))
    }
}
