//! The ranges of numbers in use, as automata over digits: what libphonenumber finds with up to ten
//! expressions, in one step for each digit. It answers only for numbers that are valid and that
//! libphonenumber takes as they stand; a test holds both to the same answers.

use std::{collections::HashMap, sync::LazyLock, sync::OnceLock};

use regex_automata::{
    Anchored, Input, MatchKind,
    dfa::{Automaton as _, StartKind, dense},
    util::{primitives::StateID, syntax},
};

use super::{Country, NumberKind};

const DATA: &str = include_str!("../../data/number-ranges.txt");

/// Digits of an international number at most.
const MAX_DIGITS: usize = 15;
/// An automaton that would grow beyond this is not built: the library answers for that country.
const MAX_AUTOMATON_BYTES: usize = 64 << 20;

/// What a number in use is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) country: Country,
    pub(super) kind: NumberKind,
}

/// How numbers are dialled from a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialling {
    pub(super) country: Country,
    pub(super) code: u16,
    /// Whether `00` comes before a country's code, and nothing else does.
    pub(super) is_double_zero: bool,
    /// Whether a single `0` comes before a national number, and nothing else does.
    pub(super) is_zero: bool,
    /// Whether a number that begins with another digit than `0` can only be a national one, or
    /// begin with the country's own code.
    pub(super) is_bare: bool,
}

/// A country as the data has it.
struct Region {
    country: Country,
    code: u16,
    is_main: bool,
    /// Landlines and mobiles are not told apart.
    is_same: bool,
    international_prefix: &'static str,
    national_prefix: &'static str,
    leading_digits: &'static str,
    descs: Vec<Desc>,
}

struct Desc {
    /// `None` for what all its numbers have in common.
    kind: Option<NumberKind>,
    lengths: Vec<u8>,
    pattern: &'static str,
}

struct Regions {
    all: Vec<Region>,
    /// By calling code.
    automata: Vec<OnceLock<Option<Automaton>>>,
}

static REGIONS: LazyLock<Regions> =
    LazyLock::new(|| Regions { all: read(), automata: (0..1000).map(|_| OnceLock::new()).collect() });

fn read() -> Vec<Region> {
    let mut all: Vec<Region> = Vec::new();
    for line in DATA.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&'static str> = line.split('\t').collect();
        match words.as_slice() {
            ["country", code, region, main, same, international, national, _transform, leading] => all.push(Region {
                country: Country::from_code(region).unwrap_or_default(),
                code: code.parse().unwrap_or_default(),
                is_main: *main == "1",
                is_same: *same == "1",
                international_prefix: international,
                national_prefix: national,
                leading_digits: leading,
                descs: Vec::new(),
            }),
            [kind, lengths, pattern] => {
                let lengths = lengths.split(',').filter_map(|length| length.parse().ok()).collect();
                let desc = Desc { kind: kind_of(kind), lengths, pattern };
                if let Some(region) = all.last_mut() {
                    region.descs.push(desc);
                }
            }
            _ => {}
        }
    }
    all
}

fn kind_of(word: &str) -> Option<NumberKind> {
    Some(match word {
        "premium" => NumberKind::PremiumRate,
        "toll-free" => NumberKind::TollFree,
        "shared-cost" => NumberKind::SharedCost,
        "voip" => NumberKind::Voip,
        "personal" => NumberKind::Personal,
        "pager" => NumberKind::Pager,
        "company" => NumberKind::Company,
        "voicemail" => NumberKind::Voicemail,
        "landline" => NumberKind::FixedLine,
        "mobile" => NumberKind::Mobile,
        _ => return None,
    })
}

/// What these digits (a country's code and a national number, without a plus) are, if they are in
/// use and the library would take them as they stand.
pub(super) fn of_digits(digits: &[u8]) -> Option<Range> {
    let (code, national) = split_code(digits)?;
    of_national(code, national)
}

/// The same, for a national number as it stands behind the country's code.
pub(super) fn of_national(code: u16, national: &[u8]) -> Option<Range> {
    let slot = REGIONS.automata.get(usize::from(code))?;
    slot.get_or_init(|| Automaton::build(code)).as_ref()?.run(national)
}

/// How numbers are dialled from a country, if it has numbers.
pub(super) fn dialling(country: Country) -> Option<Dialling> {
    let region = REGIONS.all.iter().find(|region| region.country == country)?;
    let n_of_code = REGIONS.all.iter().filter(|other| other.code == region.code).count();
    let is_main = region.is_main || n_of_code == 1;
    Some(Dialling {
        country,
        code: region.code,
        is_double_zero: region.international_prefix == "00",
        is_zero: region.national_prefix == "0" && is_main,
        is_bare: matches!(region.international_prefix, "00" | "011") && is_main,
    })
}

/// The country that a calling code belongs to first of all.
pub(super) fn main_country(code: u16) -> Option<Country> {
    let mut regions = REGIONS.all.iter().filter(|region| region.code == code);
    let first = regions.clone().next();
    regions.find(|region| region.is_main).or(first).map(|region| region.country)
}

/// Cuts a country's code off: no code is the beginning of another.
pub(super) fn split_code(digits: &[u8]) -> Option<(u16, &[u8])> {
    static IS_CODE: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let mut is_code = vec![false; 1000];
        for region in &REGIONS.all {
            is_code.get_mut(usize::from(region.code)).into_iter().for_each(|is| *is = true);
        }
        is_code
    });
    let mut code = 0_u16;
    for (n, digit) in digits.iter().take(3).enumerate() {
        code = code * 10 + u16::from(digit.wrapping_sub(b'0'));
        if IS_CODE.get(usize::from(code)) == Some(&true) {
            return Some((code, digits.get(n + 1..)?));
        }
    }
    None
}

/// All countries of one calling code. A node stands for what the digits so far leave open and for
/// how many they are.
struct Automaton {
    /// For each node, the next for each digit; 0 where no number goes on.
    next: Vec<[u32; 10]>,
    ranges: Vec<Option<Range>>,
}

/// What a pattern of the union stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// The main country's national prefix may begin here: the library may take it off.
    Prefix,
    Leading(usize),
    Desc(usize, usize),
}

impl Automaton {
    fn build(code: u16) -> Option<Self> {
        let mut regions: Vec<&Region> = REGIONS.all.iter().filter(|region| region.code == code).collect();
        regions.sort_by_key(|region| !region.is_main);
        let mut patterns = Vec::new();
        let mut meanings = Vec::new();
        let main = regions.first()?;
        if main.national_prefix != "-" {
            patterns.push(format!("(?:{})[0-9]*", main.national_prefix));
            meanings.push(Means::Prefix);
        }
        for (at, region) in regions.iter().enumerate() {
            if region.leading_digits != "-" {
                patterns.push(format!("(?:{})[0-9]*", region.leading_digits));
                meanings.push(Means::Leading(at));
            }
            for (n, desc) in region.descs.iter().enumerate() {
                patterns.push(format!("(?:{})", desc.pattern));
                meanings.push(Means::Desc(at, n));
            }
        }
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(MAX_AUTOMATON_BYTES))
            .determinize_size_limit(Some(MAX_AUTOMATON_BYTES));
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let dfa = dense::Builder::new().configure(config).syntax(syntax).build_many(&patterns).ok()?;
        let start = dfa.start_state_forward(&Input::new("").anchored(Anchored::Yes)).ok()?;
        Some(Self::unfold(&dfa, start, &regions, &meanings))
    }

    /// All that can be reached by digits, breadth first.
    fn unfold(dfa: &dense::DFA<Vec<u32>>, start: StateID, regions: &[&Region], meanings: &[Means]) -> Self {
        let mut automaton = Self { next: vec![[0; 10]], ranges: vec![None] };
        let mut known: HashMap<(StateID, u8), u32> = HashMap::new();
        let mut nodes = vec![(start, 0_u8)];
        automaton.next.push([0; 10]);
        automaton.ranges.push(None);
        let mut at = 0;
        while let Some((state, n_digits)) = nodes.get(at).copied() {
            let mut steps = [0; 10];
            for (step, digit) in steps.iter_mut().zip(b'0'..=b'9') {
                let to = dfa.next_state(state, digit);
                if dfa.is_dead_state(to) || usize::from(n_digits) == MAX_DIGITS {
                    continue;
                }
                *step = *known.entry((to, n_digits + 1)).or_insert_with(|| {
                    nodes.push((to, n_digits + 1));
                    automaton.next.push([0; 10]);
                    automaton.ranges.push(range_of(dfa, to, n_digits + 1, regions, meanings));
                    nodes.len() as u32
                });
            }
            at += 1;
            automaton.next.get_mut(at).into_iter().for_each(|node| *node = steps);
        }
        automaton
    }

    fn run(&self, national: &[u8]) -> Option<Range> {
        let mut node = 1_u32;
        for digit in national {
            node = *self.next.get(node as usize)?.get(usize::from(digit.wrapping_sub(b'0')))?;
        }
        *self.ranges.get(node as usize)?
    }
}

/// What the number is whose last digit led to `state`, as the library decides it.
fn range_of(
    dfa: &dense::DFA<Vec<u32>>,
    state: StateID,
    n_digits: u8,
    regions: &[&Region],
    meanings: &[Means],
) -> Option<Range> {
    let end = dfa.next_eoi_state(state);
    let n_matches = if dfa.is_match_state(end) { dfa.match_len(end) } else { 0 };
    let matches = (0..n_matches).filter_map(|n| meanings.get(dfa.match_pattern(end, n).as_usize()).copied());
    let matches: Vec<Means> = matches.collect();
    if matches.contains(&Means::Prefix) {
        return None;
    }
    let kind_in = |at: usize, region: &Region| {
        let is_one = |n: usize, desc: &Desc| {
            (desc.lengths.is_empty() || desc.lengths.contains(&n_digits)) && matches.contains(&Means::Desc(at, n))
        };
        let descs = || region.descs.iter().enumerate();
        if !descs().any(|(n, desc)| desc.kind.is_none() && is_one(n, desc)) {
            return None;
        }
        let mut kinds = descs().filter(|(n, desc)| is_one(*n, desc)).filter_map(|(_, desc)| desc.kind);
        match (kinds.next()?, kinds.next()) {
            (NumberKind::FixedLine, Some(NumberKind::Mobile)) => Some(NumberKind::FixedLineOrMobile),
            (NumberKind::FixedLine, _) if region.is_same => Some(NumberKind::FixedLineOrMobile),
            (NumberKind::Mobile, _) if region.is_same => None,
            (kind, _) => Some(kind),
        }
    };
    for (at, region) in regions.iter().enumerate() {
        let kind = kind_in(at, region);
        if kind.is_some() || regions.len() > 1 && matches.contains(&Means::Leading(at)) {
            return kind.map(|kind| Range { country: region.country, kind });
        }
    }
    None
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_the_data_has_an_automaton() {
        assert_eq!(REGIONS.all.len(), 254);
        assert!(REGIONS.all.iter().all(|region| region.code > 0 && !region.descs.is_empty()));
        let codes: std::collections::BTreeSet<u16> = REGIONS.all.iter().map(|region| region.code).collect();
        for code in &codes {
            let automaton = Automaton::build(*code).unwrap_or_else(|| panic!("no automaton for +{code}"));
            // Small enough for the caches.
            assert!(automaton.next.len() < 5_000, "+{code}: {} nodes", automaton.next.len());
            // Whatever follows Argentina's code may be dialled with a 15 in its middle.
            assert_eq!(automaton.ranges.iter().any(Option::is_some), *code != 54, "+{code}");
        }
    }

    #[test]
    fn codes_are_cut_off_where_they_end() {
        assert_eq!(split_code(b"4915112345678"), Some((49, &b"15112345678"[..])));
        assert_eq!(split_code(b"12025550143"), Some((1, &b"2025550143"[..])));
        assert_eq!(split_code(b"2250707123456"), Some((225, &b"0707123456"[..])));
        assert_eq!([split_code(b"999123"), split_code(b"")], [None; 2]);
        assert_eq!(of_digits(b"4915112345678").map(|range| range.kind), Some(NumberKind::Mobile));
        assert_eq!(of_digits(b"490151123456"), None, "the library takes the zero off");
    }
}
