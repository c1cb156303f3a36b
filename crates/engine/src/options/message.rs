//! `[message]`: what recipients get.

mod check;

use std::{collections::BTreeMap, num::NonZeroU8};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{HumanDuration, SmartEncoding};

/// Variants of one message at most.
pub const MAX_VARIANTS: usize = 16;

/// `[message]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MessageOptions {
    /// Sender ID: a number, a short code, or up to 11 letters and digits.
    pub sender: String,
    /// The text, with `{{ column }}` placeholders, filters and conditions; of a message with
    /// variants the text for rows that none of them is for.
    #[serde(default)]
    pub text: String,
    /// Other texts for some of the rows.
    #[serde(default, rename = "variant", skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantOptions>,
    /// Share of all rows that get nothing, chosen by number: what a campaign did shows beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<Share>,
    /// How dates, numbers and amounts are written, such as `de` or `pt-BR`; a row's own language
    /// (`locale-column` of `[audience]`) goes before it. Default `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What an empty field of a column does. Without a word here a row whose text would print it is
    /// rejected.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub empty: BTreeMap<String, EmptyPolicy>,
    /// Which characters may be replaced to save segments.
    #[serde(default)]
    pub smart_encoding: SmartEncoding,
    /// Columns whose values smart encoding leaves alone: one-time codes and the like. Links are
    /// always left alone.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Rows whose text needs more segments are rejected. Default 3.
    #[serde(default = "three")]
    pub max_segments: NonZeroU8,
    /// How long the carrier may try, e.g. "12h"; the carrier's own default when not given.
    #[serde(default)]
    pub validity: Option<HumanDuration>,
}

/// `[[message.variant]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VariantOptions {
    /// Its name in previews and reports: 1 to 32 letters, digits, `-` and `_`; the values of `when`
    /// when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows that it is for: by column one value or several, whatever their case. `locale` stands
    /// for the list's `locale-column`, and `de` for `de-AT` too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, OneOrMany>,
    /// Its share of all rows, chosen by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// The text.
    pub text: String,
}

/// One value or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Any of several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// What an empty field does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmptyPolicy {
    /// This stands there instead, which may be nothing.
    Default(String),
    /// The row is rejected.
    Skip,
    /// Nothing is sent at all: a list like that is not the right one.
    Stop,
}

/// A share in millionths; 0.45 in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u32);

impl Share {
    /// All.
    pub const WHOLE: Self = Self(1_000_000);
    /// What may be missing from a whole: thirds, written with three digits.
    pub const SLACK: u32 = 1_000;
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / f64::from(Self::WHOLE.0))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if !(share > 0.0 && share <= 1.0) {
            return Err(D::Error::custom(format!("`{share}` is no share: write 0.1 for a tenth")));
        }
        Ok(Self((share * f64::from(Self::WHOLE.0)).round() as u32))
    }
}

/// Which text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKey {
    /// Its own.
    Message,
    /// That of the variant with this index.
    Variant(usize),
}

impl MessageOptions {
    /// Its own text, which may be empty, and those of its variants.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.variants.iter().map(|variant| variant.text.as_str()))
    }

    /// The name of a row's variant as plans number them, if the message has any.
    #[must_use]
    pub fn variant_name(&self, variant: u8) -> Option<String> {
        if variant == crate::text::HOLD_OUT {
            return Some("hold-out".to_owned());
        }
        if self.variants.is_empty() {
            return None;
        }
        match usize::from(variant).checked_sub(1) {
            None => Some("default".to_owned()),
            Some(index) => self.variants.get(index).map(VariantOptions::title),
        }
    }
}

impl VariantOptions {
    /// Its name, or the values that it is for.
    #[must_use]
    pub fn title(&self) -> String {
        let of_values = || self.when.values().flat_map(OneOrMany::iter).collect::<Vec<_>>().join("-");
        self.name.clone().unwrap_or_else(of_values)
    }
}

const fn three() -> NonZeroU8 {
    NonZeroU8::MIN.saturating_add(2)
}
