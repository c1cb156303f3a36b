//! What a pass over a frozen list counts: small tables, whatever the number of rows.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use volley_reconciler::SuppressCause;
use volley_smpp::text::Smart;

use crate::{
    cost::{NO_COUNTRY, SegmentsByCountry},
    country::Country,
};

/// Rows and their segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Rows: messages.
    pub rows: u64,
    /// Segments of all of them.
    pub segments: u64,
}

/// The row with the most parts, the first of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MostParts {
    /// How many.
    pub parts: u8,
    /// Its line in the list.
    pub line: u64,
}

/// What a level of smart encoding would change against the one that the campaign has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SmartTally {
    /// Rows more that need UCS-2.
    pub(crate) ucs2_rows: i64,
    /// Segments more, by country.
    pub(crate) segments: BTreeMap<Option<Country>, i64>,
}

/// Counts of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Rows that get nothing, by why.
    pub(crate) suppressed: BTreeMap<SuppressCause, u64>,
    /// Rows that are ready, by country and parts.
    pub(crate) by_country: HashMap<(Option<Country>, u8), u64>,
    pub(crate) most: Option<MostParts>,
    pub(crate) by_alphabet: BTreeMap<&'static str, Load>,
    /// Rows with a character that forces UCS-2.
    pub(crate) forcing: HashMap<char, u64>,
    /// By level, in the order of [`Smart::ALL`].
    pub(crate) smart: [SmartTally; Smart::ALL.len()],
    /// Rows whose hours are never open.
    pub(crate) outside_windows: u64,
    /// By the number of their group.
    pub(crate) by_group: HashMap<u16, Load>,
}

impl Load {
    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.segments += other.segments;
    }
}

impl Tally {
    pub(crate) fn merge(&mut self, other: Self) {
        let Self { suppressed, by_country, most, by_alphabet, forcing, smart, outside_windows, by_group } = other;
        suppressed.into_iter().for_each(|(cause, n)| *self.suppressed.entry(cause).or_default() += n);
        merge_counts(&mut self.by_country, by_country);
        merge_counts(&mut self.forcing, forcing);
        most.into_iter().for_each(|most| self.see_most(most));
        by_alphabet.into_iter().for_each(|(name, load)| self.by_alphabet.entry(name).or_default().add(load));
        for (ours, theirs) in self.smart.iter_mut().zip(smart) {
            ours.ucs2_rows += theirs.ucs2_rows;
            theirs.segments.into_iter().for_each(|(country, n)| *ours.segments.entry(country).or_default() += n);
        }
        self.outside_windows += outside_windows;
        by_group.into_iter().for_each(|(group, load)| self.by_group.entry(group).or_default().add(load));
    }

    /// Notes a row if no other has as many parts in an earlier line.
    pub(crate) fn see_most(&mut self, seen: MostParts) {
        let is_more = |known: MostParts| (seen.parts, known.line) > (known.parts, seen.line);
        if self.most.is_none_or(is_more) {
            self.most = Some(seen);
        }
    }

    /// As campaigns keep it.
    pub(crate) fn segments_by_country(&self) -> SegmentsByCountry {
        let mut sums = SegmentsByCountry::new();
        for ((country, parts), rows) in &self.by_country {
            let code = country.map_or(NO_COUNTRY, Country::code);
            *sums.entry(code.to_owned()).or_default() += u64::from(*parts) * rows;
        }
        sums
    }

    /// All rows that are ready.
    pub(crate) fn ready(&self) -> Load {
        let mut all = Load::default();
        for ((_, parts), rows) in &self.by_country {
            all.add(Load { rows: *rows, segments: u64::from(*parts) * rows });
        }
        all
    }
}

fn merge_counts<K: Eq + Hash>(ours: &mut HashMap<K, u64>, theirs: HashMap<K, u64>) {
    theirs.into_iter().for_each(|(key, n)| *ours.entry(key).or_default() += n);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_with_the_most_parts_is_kept_in_whatever_order() {
        let rows = [(2, 9), (3, 40), (3, 7), (1, 2), (3, 8)].map(|(parts, line)| MostParts { parts, line });
        let (mut forward, mut backward) = (Tally::default(), Tally::default());
        rows.into_iter().for_each(|row| forward.see_most(row));
        rows.into_iter().rev().for_each(|row| backward.see_most(row));
        assert_eq!((forward.most, backward.most), (Some(MostParts { parts: 3, line: 7 }), forward.most));
    }
}
