//! Writes `data/number-ranges.txt` from libphonenumber's metadata, for a new version of it:
//! `cargo run -p volley-ingest --example ranges -- …/rlibphonenumber-*/src/generated/metadata/metadata.bin`.
//! Field numbers are those of `phonemetadata.proto`.

use std::{collections::BTreeMap, env, fs, process::ExitCode};

/// Kinds in the order in which libphonenumber asks for them, with their field numbers.
const KINDS: [(&str, u64); 10] = [
    ("premium", 5),
    ("toll-free", 4),
    ("shared-cost", 6),
    ("voip", 8),
    ("personal", 7),
    ("pager", 21),
    ("company", 25),
    ("voicemail", 28),
    ("landline", 2),
    ("mobile", 3),
];

#[expect(clippy::print_stdout, reason = "the file goes to stdout")]
fn main() -> ExitCode {
    let Some(octets) = env::args().nth(1).and_then(|path| fs::read(path).ok()) else { return ExitCode::from(2) };
    println!("# Which numbers are in use, from libphonenumber (Apache-2.0); made by `examples/ranges.rs`.");
    println!("# country CODE REGION MAIN SAME INTERNATIONAL-PREFIX NATIONAL-PREFIX HAS-TRANSFORM LEADING-DIGITS");
    println!("# then `general` and the kinds in the order of asking, each with its lengths and pattern");
    for (_, country) in fields(&octets).into_iter().filter(|(number, _)| *number == 1) {
        let Value::Octets(country) = country else { continue };
        let country = by_number(country);
        let text = |number| country.get(&number).and_then(|values| values.last()).map_or("-".to_owned(), Value::text);
        let number = |number| country.get(&number).and_then(|values| values.last()).map_or(0, Value::number);
        let has_transform = u8::from(text(16) != "-");
        let (code, main, same) = (number(10), number(22), number(18));
        println!(
            "country\t{code}\t{}\t{main}\t{same}\t{}\t{}\t{has_transform}\t{}",
            text(9),
            text(11),
            text(15),
            text(23)
        );
        for (kind, number) in [("general", 1)].into_iter().chain(KINDS) {
            let Some(Value::Octets(desc)) = country.get(&number).and_then(|values| values.last()) else { continue };
            let desc = by_number(desc);
            let pattern = desc.get(&2).and_then(|values| values.last()).map_or(String::new(), Value::text);
            let lengths = desc.get(&9).map(|values| values.iter().flat_map(Value::numbers).collect::<Vec<_>>());
            let lengths = lengths.unwrap_or_default();
            // A kind that the country doesn't have has the length -1.
            if !pattern.is_empty() && !lengths.contains(&-1) {
                let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
                let lengths = if lengths.is_empty() { "-".to_owned() } else { lengths.join(",") };
                println!("{kind}\t{lengths}\t{pattern}");
            }
        }
    }
    ExitCode::SUCCESS
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Octets(&'a [u8]),
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Self::Octets([]) | Self::Number(_) => "-".to_owned(),
            Self::Octets(octets) => {
                let text: String = String::from_utf8_lossy(octets).split_whitespace().collect();
                let inner = text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$"));
                inner.map(str::to_owned).unwrap_or(text)
            }
        }
    }

    const fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Octets(_) => 0,
        }
    }

    /// Repeated numbers, packed or not.
    fn numbers(&self) -> Vec<i32> {
        match self {
            Self::Number(number) => vec![*number as i32],
            Self::Octets(octets) => {
                let mut rest = *octets;
                std::iter::from_fn(|| varint(&mut rest)).map(|number| number as i32).collect()
            }
        }
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (octet, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn fields(octets: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut rest = octets;
    let mut fields = Vec::new();
    while let Some(key) = varint(&mut rest) {
        let value = match key & 7 {
            0 => varint(&mut rest).map(Value::Number),
            2 => varint(&mut rest).and_then(|len| {
                let (value, after) = rest.split_at_checked(usize::try_from(len).ok()?)?;
                rest = after;
                Some(Value::Octets(value))
            }),
            _ => None,
        };
        let Some(value) = value else { break };
        fields.push((key >> 3, value));
    }
    fields
}

fn by_number(octets: &[u8]) -> BTreeMap<u64, Vec<Value<'_>>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (number, value) in fields(octets) {
        all.entry(number).or_default().push(value);
    }
    all
}
