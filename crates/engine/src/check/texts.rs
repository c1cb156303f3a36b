//! What alphabets the texts need, and what that costs.

use std::collections::BTreeMap;

use volley_smpp::text::Smart;

use super::{
    cost::{CostChange, Pricing},
    tally::{Load, Tally},
};

/// Characters that a check names; what is rarer is counted together.
const MAX_FORCING: usize = 50;

/// Alphabets of all messages that are ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// `gsm7`, `ucs2` and others, with their messages.
    pub by_alphabet: BTreeMap<&'static str, Load>,
    /// Characters that force UCS-2, those of the most rows first.
    pub forcing: Vec<Forcing>,
    /// Further characters that do.
    pub n_more_forcing: u64,
    /// What each level of smart encoding comes to.
    pub smart: Vec<SmartLevel>,
}

/// A character that is not in the default alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forcing {
    /// The character.
    pub c: char,
    /// Rows that it stands in.
    pub rows: u64,
}

/// All messages at a level of smart encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartLevel {
    /// The level.
    pub level: Smart,
    /// Whether the campaign has it.
    pub is_set: bool,
    /// Messages in UCS-2.
    pub ucs2_rows: u64,
    /// Segments of all messages.
    pub segments: u64,
    /// Messages in UCS-2 less than at the campaign's level.
    pub saved_rows: i64,
    /// Segments less.
    pub saved_segments: i64,
    /// Cost less, by the routes' weights.
    pub saved_cost: CostChange,
}

impl Forcing {
    /// Such as `U+2019`.
    #[must_use]
    pub fn code_point(&self) -> String {
        format!("U+{:04X}", self.c as u32)
    }

    /// The name in Unicode, such as `RIGHT SINGLE QUOTATION MARK`, or what it is by its place.
    #[must_use]
    pub fn name(&self) -> String {
        let by_place = || if self.c.is_control() { "CONTROL CHARACTER" } else { "UNNAMED CHARACTER" }.to_owned();
        unicode_names2::name(self.c).map_or_else(by_place, |name| name.to_string())
    }
}

impl Texts {
    pub(super) fn new(tally: &Tally, level: Smart, pricing: &Pricing) -> Self {
        let mut forcing: Vec<_> = tally.forcing.iter().map(|(c, rows)| Forcing { c: *c, rows: *rows }).collect();
        forcing.sort_by_key(|forcing| (std::cmp::Reverse(forcing.rows), forcing.c));
        let n_more_forcing = forcing.len().saturating_sub(MAX_FORCING) as u64;
        forcing.truncate(MAX_FORCING);
        let ucs2_rows = tally.by_alphabet.get("ucs2").map_or(0, |load| load.rows);
        let segments = tally.ready().segments;
        let levels = Smart::ALL.into_iter().zip(&tally.smart).map(|(this, sums)| {
            let more: i64 = sums.segments.values().sum();
            SmartLevel {
                level: this,
                is_set: this == level,
                ucs2_rows: ucs2_rows.saturating_add_signed(sums.ucs2_rows),
                segments: segments.saturating_add_signed(more),
                saved_rows: -sums.ucs2_rows,
                saved_segments: -more,
                saved_cost: pricing.change(sums.segments.iter().map(|(country, more)| (*country, -more))),
            }
        });
        Self { by_alphabet: tally.by_alphabet.clone(), forcing, n_more_forcing, smart: levels.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_code_points_and_names() {
        let named = |c| {
            let forcing = Forcing { c, rows: 1 };
            (forcing.code_point(), forcing.name())
        };
        assert_eq!(named('’'), ("U+2019".to_owned(), "RIGHT SINGLE QUOTATION MARK".to_owned()));
        assert_eq!(named('🌻'), ("U+1F33B".to_owned(), "SUNFLOWER".to_owned()));
        assert_eq!(named('\u{1b}'), ("U+001B".to_owned(), "CONTROL CHARACTER".to_owned()));
        assert_eq!(named('\u{E000}').1, "UNNAMED CHARACTER");
    }
}
