//! Our tables of ranges say what the library says, or leave it to the library.

use volley_ingest::number::{Country, NumberError, NumberReader, Reading, normalise};

/// xorshift64, seeded: the seed is printed where it matters.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn digits(&mut self, n: u64) -> String {
        (0..n).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

#[track_caller]
fn check(reader: &NumberReader, raw: &str, country: Option<&str>, seed: u64) -> bool {
    let ours = reader.read(raw);
    let theirs: Result<Reading, NumberError> = normalise(raw, country).map(|number| Reading::from(&number));
    assert_eq!(ours, theirs, "{raw:?} in {country:?}, seed {seed}");
    ours.is_ok_and(|reading| reading.kind.can_get_sms())
}

const COUNTRIES: [&str; 40] = [
    "DE", "US", "GB", "FR", "IT", "ES", "AR", "MX", "BR", "CI", "RU", "KZ", "AU", "NZ", "JP", "CN", "IN", "ID", "KR",
    "ZA", "NG", "EG", "TR", "PL", "SE", "NO", "FI", "AT", "CH", "NL", "BE", "GG", "CA", "JM", "SM", "GA", "HU", "LT",
    "BY", "CO",
];

#[test]
fn both_say_the_same_of_any_number_in_any_form() {
    let seed = 20_261_124;
    let mut random = Random(seed);
    for country in COUNTRIES.into_iter().map(Some).chain([None]) {
        let reader = NumberReader::new(country);
        let code = country.map(calling_code).unwrap_or_default();
        for _ in 0..600 {
            let n_digits = 4 + random.below(9);
            let digits = random.digits(n_digits);
            let raw = match random.below(8) {
                0 => format!("+{digits}"),
                1 => format!("+{code}{digits}"),
                2 => format!("00{code}{digits}"),
                3 => format!("0{digits}"),
                4 => format!("{code}{digits}"),
                5 => format!("+{code} (0){digits}"),
                6 => format!("({}) {}", digits.get(..3).unwrap(), digits.get(3..).unwrap()),
                _ => digits,
            };
            check(&reader, &raw, country, seed);
        }
    }
}

/// Numbers near those in use: a valid one with some of its digits changed.
#[test]
fn both_say_the_same_of_numbers_in_use_and_near_them() {
    let seed = 7;
    let mut random = Random(seed);
    let mut n_in_use = 0;
    for code in 1..1000_u32 {
        let reader = NumberReader::new(None);
        let mut seeds: Vec<String> = Vec::new();
        for _ in 0..150 {
            let raw = match seeds.get(random.below(8) as usize) {
                Some(known) => {
                    let mut octets = known.clone().into_bytes();
                    let n = octets.len() as u64;
                    for _ in 0..=random.below(3) {
                        let at = (n - 1 - random.below(n - 2)) as usize;
                        *octets.get_mut(at).unwrap() = b'0' + random.below(10) as u8;
                    }
                    String::from_utf8(octets).unwrap()
                }
                None => {
                    let n_digits = 5 + random.below(7);
                    format!("+{code}{}", random.digits(n_digits))
                }
            };
            if check(&reader, &raw, None, seed) {
                n_in_use += 1;
                if seeds.len() < 8 {
                    seeds.push(raw);
                }
            }
        }
    }
    assert!(n_in_use > 10_000, "only {n_in_use}");
}

#[test]
fn clean_numbers_keep_country_and_zones_without_being_asked_for_their_range() {
    let reading = NumberReader::read_clean("+4915112345678").unwrap();
    assert_eq!((reading.country, reading.zones.names()), (Country::from_code("DE").unwrap(), &["Europe/Berlin"][..]));
    assert_eq!(NumberReader::read_clean("499"), None);
    let new_range = NumberReader::read_clean("4919912345678").unwrap();
    assert_eq!(new_range.country.to_string(), "DE");
    assert_eq!(NumberReader::read_clean("0151 12345678"), None);
}

fn calling_code(country: &str) -> String {
    let all = [
        ("DE", "49"),
        ("US", "1"),
        ("GB", "44"),
        ("FR", "33"),
        ("IT", "39"),
        ("ES", "34"),
        ("AR", "54"),
        ("MX", "52"),
        ("BR", "55"),
        ("CI", "225"),
        ("RU", "7"),
        ("KZ", "7"),
        ("AU", "61"),
        ("NZ", "64"),
        ("JP", "81"),
        ("CN", "86"),
        ("IN", "91"),
        ("ID", "62"),
        ("KR", "82"),
        ("ZA", "27"),
        ("NG", "234"),
        ("EG", "20"),
        ("TR", "90"),
        ("PL", "48"),
        ("SE", "46"),
        ("NO", "47"),
        ("FI", "358"),
        ("AT", "43"),
        ("CH", "41"),
        ("NL", "31"),
        ("BE", "32"),
        ("GG", "44"),
        ("CA", "1"),
        ("JM", "1"),
        ("SM", "378"),
        ("GA", "241"),
        ("HU", "36"),
        ("LT", "370"),
        ("BY", "375"),
    ];
    all.iter().find(|(name, _)| *name == country).map_or("57", |(_, code)| code).to_owned()
}
