//! What happened, in order: to be shown, and to compare two runs by.

use std::fmt;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Virtual time in microseconds.
    pub at_us: u64,
    /// What.
    pub what: &'static str,
    /// The row concerned, if it is one.
    pub row: Option<u32>,
    /// Numbers that say more.
    pub numbers: [u64; 2],
}

/// Everything that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace(Vec<Entry>);

impl Trace {
    /// Adds something.
    pub fn note(&mut self, at_us: u64, what: &'static str, row: Option<u32>, numbers: [u64; 2]) {
        self.0.push(Entry { at_us, what, row, numbers });
    }

    /// The same for the same run: FNV-1a over all of it.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        let mut take = |octets: &[u8]| {
            for octet in octets {
                hash = (hash ^ u64::from(*octet)).wrapping_mul(0x100_0000_01B3);
            }
        };
        for entry in &self.0 {
            take(&entry.at_us.to_le_bytes());
            take(entry.what.as_bytes());
            take(&entry.row.map_or(u64::MAX, u64::from).to_le_bytes());
            entry.numbers.iter().for_each(|number| take(&number.to_le_bytes()));
        }
        hash
    }

    /// What concerns `row`, and what concerns no row: enough to see how it came about.
    pub fn about(&self, row: Option<u32>) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| row.is_none() || entry.row.is_none() || entry.row == row)
    }

    /// How much happened.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10}.{:06} s  {}", self.at_us / 1_000_000, self.at_us % 1_000_000, self.what)?;
        if let Some(row) = self.row {
            write!(f, "  row {row}")?;
        }
        let [a, b] = self.numbers;
        write!(f, "  ({a}, {b})")
    }
}
