//! Lists of any size that look like real exports, the same for the same seed on every machine.

use std::io::{self, Write};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerateOptions {
    /// Rows, without the header.
    pub rows: u64,
    /// Same seed, same list.
    pub seed: u64,
    /// Only unique valid numbers in E.164, no broken rows: for benchmarks.
    pub clean: bool,
}

const FIRST: [&str; 20] = [
    "Anna",
    "Jürgen",
    "Zoë",
    "Mehmet",
    "Łukasz",
    "François",
    "Søren",
    "Aylin",
    "Björn",
    "María",
    "Noah",
    "Olga",
    "Ægir",
    "Chloé",
    "Ivan",
    "Emma",
    "José",
    "Greta",
    "Luca",
    "Mia 🌻",
];
const LAST: [&str; 16] = [
    "Müller",
    "Schmidt",
    "O'Neill",
    "Weiß",
    "Kowalski",
    "Dubois",
    "Öztürk",
    "García",
    "van der Berg",
    "Smith, Jr.",
    "Nielsen",
    "Rossi",
    "Nováková",
    "Jensen",
    "Brown",
    "D\"Angelo",
];
const CITY: [&str; 10] =
    ["Berlin", "München", "Köln", "Zürich", "Wien", "London", "Paris", "Malmö", "Kraków", "Frankfurt (Oder), Mitte"];

/// Prefixes in which every number of the given length is a valid mobile: country, international
/// prefix, national prefix, digits that follow.
const RANGES: [(&str, &str, &str, u32); 5] = [
    ("DE", "49151", "0151", 8),
    ("DE", "49170", "0170", 7),
    ("GB", "447400", "07400", 6),
    ("FR", "33612", "0612", 6),
    ("AT", "43664", "0664", 7),
];

/// Writes a list: `phone,first_name,last_name,country,city,code`.
///
/// # Errors
/// When `out` does.
pub fn generate(options: &GenerateOptions, out: &mut impl Write) -> io::Result<()> {
    let mut random = Random(options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    out.write_all(b"phone,first_name,last_name,country,city,code\n")?;
    let mut row = String::new();
    let mut last_phone = String::new();
    for n in 0..options.rows {
        row.clear();
        let fate = if options.clean { u64::MAX } else { random.below(1000) };
        match fate {
            0 => row.push_str("not a number"),
            1 => {}
            2 => row.push_str("4.91512E+12"),
            3 => row.push_str("+49 30 901820"),
            4 => row.push_str("12345"),
            5..=14 if !last_phone.is_empty() => row.push_str(&last_phone),
            _ => put_phone(n, options, &mut random, &mut row),
        }
        if fate > 14 {
            last_phone.clone_from(&row);
        }
        let country = RANGES.get(usize::try_from(n % 5).unwrap_or(0)).map_or("DE", |range| range.0);
        let columns = [random.pick(&FIRST), random.pick(&LAST), country, random.pick(&CITY)];
        for column in columns {
            row.push(',');
            put_quoted(column, &mut row);
        }
        row.push_str(",SPRING");
        row.push_str(&(10_000 + random.below(90_000)).to_string());
        if fate == 15 {
            row.push_str(",one too many");
        }
        row.push('\n');
        out.write_all(row.as_bytes())?;
    }
    out.flush()
}

/// A number that no other row has, up to 100 million rows: its row number, scattered over the range.
fn put_phone(n: u64, options: &GenerateOptions, random: &mut Random, row: &mut String) {
    // The short ranges are full after a million rows each; the widest takes what comes then.
    let is_in_turn = if options.clean { options.rows <= 2_000_000 } else { n < 5_000_000 };
    let (which, index) = if is_in_turn { (n % 5, n / 5) } else { (0, n) };
    let Some((_, international, national, n_digits)) = RANGES.get(usize::try_from(which).unwrap_or(0)).copied() else {
        return;
    };
    let width = n_digits as usize;
    let size = 10_u64.pow(n_digits);
    // Odd and not a multiple of 5: a permutation of the range.
    let within = index.wrapping_mul(7_368_787) % size;
    let form = if options.clean { 0 } else { random.below(6) };
    let is_german = international.starts_with("49");
    let number = match form {
        1 => format!("+{international} {within:0width$}"),
        2 => format!("00{international}{within:0width$}"),
        3 if is_german => format!("{national} {within:0width$}"),
        4 if is_german => format!("{national}/{within:0width$}"),
        _ => format!("+{international}{within:0width$}"),
    };
    row.push_str(&number);
}

fn put_quoted(field: &str, row: &mut String) {
    if field.contains([',', '"', '\n']) {
        row.push('"');
        row.push_str(&field.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(field);
    }
}

/// xorshift64: the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        let at = self.below(words.len() as u64);
        words.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::number::normalise;

    #[test]
    fn the_example_list_is_seed_2026_on_every_machine() {
        let mut list = Vec::new();
        generate(&GenerateOptions { rows: 10_000, seed: 2026, clean: false }, &mut list).unwrap();
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/spring-sale/recipients.csv");
        assert!(std::fs::read(fixture).unwrap() == list, "{fixture} is not what the generator makes");
    }

    /// The short ranges are full at 5,000,000 rows: what comes then must not repeat them.
    #[test]
    fn numbers_of_long_lists_are_valid_and_never_repeat() {
        for clean in [false, true] {
            let options = GenerateOptions { rows: 9_000_000, seed: 3, clean };
            let mut random = Random(options.seed);
            let mut seen = HashSet::new();
            let mut row = String::new();
            for n in [0, 1_000_000, 2_000_000, 4_000_000, 4_999_000, 8_000_000].into_iter().flat_map(|n| n..n + 5_000) {
                row.clear();
                put_phone(n, &options, &mut random, &mut row);
                let number = normalise(&row, Some("DE")).unwrap();
                assert!(number.kind.can_get_sms(), "{row}");
                assert!(seen.insert(number.msisdn), "row {n} repeats {row}");
            }
        }
    }
}
