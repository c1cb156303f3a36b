//! Phone numbers as people and spreadsheets write them, to E.164 (HANDBOOK F).

mod country;
mod kind;
mod quick;
mod ranges;
mod zones;

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, Region};
use volley_core::Msisdn;

use self::kind::kind_of;
pub use self::{
    country::Country,
    kind::{KindPolicies, KindPolicy, NumberKind},
    quick::{NumberReader, Reading},
    zones::{ZoneSet, is_time_zone},
};

/// A number that can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its E.164 digits.
    pub msisdn: Msisdn,
    /// What kind of line it is.
    pub kind: NumberKind,
    /// Whether letters stand among its digits. `0151 ANNA5678` can be dialled, and a typing error
    /// such as `0151 1234o678` too; both would reach somebody, but hardly who is meant.
    pub has_letters: bool,
    parsed: PhoneNumber,
}

impl Number {
    /// Whether it lies in a range that is known to be in use.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.kind != NumberKind::Unknown
    }

    /// Whether at least its length is one that its country has: tables of ranges lag behind new ones.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        is_possible(&self.parsed)
    }

    /// The country that its range belongs to (ISO 3166; "001" for none), if known. Not always the
    /// one of its country code: some +44 mobiles belong to Guernsey.
    #[must_use]
    pub fn region(&self) -> Option<String> {
        region(&self.parsed)
    }

    /// The time zones that it may be in (IANA names). Mobiles of most countries are known by
    /// country alone, so that Russia or the United States give many; none for numbers that lie in
    /// no range.
    #[must_use]
    pub fn time_zones(&self) -> &'static [&'static str] {
        time_zones(&self.parsed, self.kind)
    }
}

fn is_possible(number: &PhoneNumber) -> bool {
    number.is_possible_with_reason().is_ok()
}

fn region(number: &PhoneNumber) -> Option<String> {
    let region = number.get_region_code()?;
    Some(if region == Region::World { "001".to_owned() } else { format!("{region:?}") })
}

fn time_zones(number: &PhoneNumber, kind: NumberKind) -> &'static [&'static str] {
    zone_set(number, kind).names()
}

fn zone_set(number: &PhoneNumber, kind: NumberKind) -> ZoneSet {
    if kind == NumberKind::Unknown {
        return ZoneSet::default();
    }
    let e164 = number.format_as(PhoneNumberFormat::E164);
    let digits = e164.trim_start_matches('+').as_bytes();
    if number.is_geographical() { zones::of_digits(digits) } else { zones::of_country_code(digits) }
}

/// All that can be said of a number, whether it is one that could be sent to or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFacts {
    /// A plus, the country code and the digits. More than 15 when the number is too long.
    pub e164: String,
    /// Whether it lies in a range that is known to be in use.
    pub is_valid: bool,
    /// Whether its length is one that its country has.
    pub is_possible: bool,
    /// What kind of line it is.
    pub kind: NumberKind,
    /// The country of its range, as [`Number::region`].
    pub region: Option<String>,
    /// As [`Number::time_zones`].
    pub time_zones: &'static [&'static str],
    /// As [`Number::has_letters`].
    pub has_letters: bool,
}

/// Says what is known of a number, for inspection. `default_country` as in [`normalise`].
///
/// # Errors
/// When it can't be read at all.
pub fn describe(raw: &str, default_country: Option<&str>) -> Result<NumberFacts, NumberError> {
    let Parsed { number, has_letters } = parse(raw, default_country)?;
    let kind = kind_of(number.get_type());
    Ok(NumberFacts {
        e164: number.format_as(PhoneNumberFormat::E164).to_string(),
        is_valid: kind != NumberKind::Unknown,
        is_possible: is_possible(&number),
        kind,
        region: region(&number),
        time_zones: time_zones(&number, kind),
        has_letters,
    })
}

/// A number that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing there.
    #[error("no number")]
    Missing,
    /// A spreadsheet made a floating-point number of it and lost digits.
    #[error(
        "a spreadsheet has turned the number into {0}, and digits are lost: format the column as text and export again"
    )]
    Spreadsheet(String),
    /// Without a country code, and no default country is set.
    #[error("no country code, and no `default-country` in the campaign")]
    NoCountry,
    /// Not a number.
    #[error("not a phone number")]
    NotANumber,
    /// Too few digits for any number.
    #[error("not a phone number: too short")]
    TooShort,
    /// More digits than any number has (E.164: 15).
    #[error("not a phone number: too long")]
    TooLong,
}

impl NumberError {
    /// Its name in libphonenumber.
    #[must_use]
    pub const fn library_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Spreadsheet(_) | Self::NotANumber => "NOT_A_NUMBER",
            Self::NoCountry => "INVALID_COUNTRY_CODE",
            Self::TooShort => "TOO_SHORT_NSN",
            Self::TooLong => "TOO_LONG",
        }
    }
}

impl From<ParseError> for NumberError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::TooShortAfterIdd | ParseError::TooShortNsn => Self::TooShort,
            ParseError::TooLongNsn => Self::TooLong,
            ParseError::InvalidCountryCode | ParseError::NotANumber(_) => Self::NotANumber,
        }
    }
}

/// Reads a number. `default_country`: ISO 3166 code of numbers without a country code.
///
/// # Errors
/// When it can't be read at all. A number that can be read may still not be valid.
pub fn normalise(raw: &str, default_country: Option<&str>) -> Result<Number, NumberError> {
    let Parsed { number: parsed, has_letters } = parse(raw, default_country)?;
    let e164 = parsed.format_as(PhoneNumberFormat::E164);
    let digits = e164.trim_start_matches('+').as_bytes();
    let msisdn = Msisdn::from_digits(digits).ok_or(match digits.len() {
        ..=15 => NumberError::TooShort,
        _ => NumberError::TooLong,
    })?;
    let kind = kind_of(parsed.get_type());
    Ok(Number { msisdn, kind, has_letters, parsed })
}

struct Parsed {
    number: PhoneNumber,
    has_letters: bool,
}

fn parse(raw: &str, default_country: Option<&str>) -> Result<Parsed, NumberError> {
    let raw = raw.trim_matches(|c: char| c.is_whitespace() || c == '\u{A0}' || c == '\'');
    if raw.is_empty() {
        return Err(NumberError::Missing);
    }
    if is_floating_point(raw) {
        return Err(NumberError::Spreadsheet(raw.chars().take(24).collect()));
    }
    let text = raw.strip_prefix("tel:").unwrap_or(raw);
    let region = default_country.and_then(|country| country.parse::<Region>().ok());
    let parsed = match international(text, region) {
        Some(number) => Ok(number),
        None => PHONE_NUMBER_UTIL.parse(text, region),
    };
    let number = match parsed {
        Ok(number) => number,
        // Digits alone are often an international number whose plus a spreadsheet has eaten.
        Err(error) if region.is_none() => {
            let with_plus = PHONE_NUMBER_UTIL.parse(format!("+{text}"), None).ok();
            let valid = with_plus.filter(|number| number.is_valid());
            let has_digits = text.contains(char::is_numeric);
            valid.ok_or_else(|| match error {
                ParseError::InvalidCountryCode if has_digits && !text.starts_with('+') => NumberError::NoCountry,
                ParseError::InvalidCountryCode
                | ParseError::NotANumber(_)
                | ParseError::TooShortAfterIdd
                | ParseError::TooShortNsn
                | ParseError::TooLongNsn => NumberError::from(error),
            })?
        }
        Err(error) => return Err(error.into()),
    };
    let has_letters = has_letters(text, region, &number);
    Ok(Parsed { number, has_letters })
}

/// Whether the number needs what stands after a letter. Words before it, such as "mobile:", and an
/// extension after it do no harm; an x is also the sign of an extension and of a carrier to choose.
fn has_letters(text: &str, region: Option<Region>, number: &PhoneNumber) -> bool {
    let number_and_rest = text.find(|c: char| c.is_numeric()).and_then(|first| text.get(first..)).unwrap_or_default();
    let Some(letter) = number_and_rest.find(|c: char| c.is_alphabetic() && !matches!(c, 'x' | 'X')) else {
        return false;
    };
    let n_before = text.len() - number_and_rest.len() + letter;
    let head = text.get(..n_before).unwrap_or_default();
    let whole = international(head, region).or_else(|| PHONE_NUMBER_UTIL.parse(head, region).ok());
    let whole = whole.or_else(|| PHONE_NUMBER_UTIL.parse(format!("+{head}"), None).ok());
    whole.is_none_or(|whole| whole.format_as(PhoneNumberFormat::E164) != number.format_as(PhoneNumberFormat::E164))
}

/// Digits that begin with the default country's own code are an international number whose plus
/// was lost, if that makes a number that can get an SMS (HANDBOOK F): as a national number
/// 4915112345678 would be a landline in East Frisia.
fn international(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let begins_with_code = !text.starts_with(['+', '0']) && text.starts_with(|c: char| c.is_ascii_digit());
    let country_code = PHONE_NUMBER_UTIL.get_country_code_for_region(region?)?;
    let has_code = begins_with_code && text.starts_with(&country_code.to_string());
    let number = has_code.then(|| PHONE_NUMBER_UTIL.parse(format!("+{text}"), None).ok())??;
    kind_of(number.get_type()).can_get_sms().then_some(number)
}

/// Whether `country` is an ISO 3166 code whose numbers are known.
#[must_use]
pub fn is_country(country: &str) -> bool {
    country.parse::<Region>().is_ok_and(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
}

/// `7.917E+10` and `4.91511234567E12`, also with a comma.
fn is_floating_point(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
    is_number(mantissa.trim_start_matches('+')) && !exponent.is_empty() && exponent.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, country: Option<&str>, expected: &str, kind: NumberKind) {
        let number = normalise(raw, country).unwrap();
        assert_eq!((number.msisdn.to_string().as_str(), number.kind), (expected, kind), "{raw}");
    }

    #[test]
    fn numbers_as_people_write_them() {
        check("0151 12345678", Some("DE"), "4915112345678", NumberKind::Mobile);
        check("+49 (0)151-1234.5678", Some("DE"), "4915112345678", NumberKind::Mobile);
        check("004915112345678", Some("DE"), "4915112345678", NumberKind::Mobile);
        check("4915112345678", Some("DE"), "4915112345678", NumberKind::Mobile);
        check("4915112345678", None, "4915112345678", NumberKind::Mobile);
        check("tel:+44 7911 123456", None, "447911123456", NumberKind::Mobile);
        check("011 15 2345 6789", Some("AR"), "5491123456789", NumberKind::Mobile);
        check("+39 06 6982 1234", None, "390669821234", NumberKind::FixedLine);
        check("+1 202-555-0143", None, "12025550143", NumberKind::FixedLineOrMobile);
        check("０１５１１２３４５６７８", Some("DE"), "4915112345678", NumberKind::Mobile);
        check("+٤٩١٥١١٢٣٤٥٦٧٨", None, "4915112345678", NumberKind::Mobile);
    }

    #[test]
    fn what_is_no_number_says_why() {
        assert_eq!(normalise("  ", Some("DE")), Err(NumberError::Missing));
        assert_eq!(normalise("4.9151E+12", Some("DE")), Err(NumberError::Spreadsheet("4.9151E+12".into())));
        assert_eq!(normalise("0151 12345678", None), Err(NumberError::NoCountry));
        assert_eq!(normalise("n/a", Some("DE")), Err(NumberError::NotANumber));
        assert_eq!(normalise("123456789012345678901234", Some("DE")), Err(NumberError::TooLong));
        assert_eq!(normalise("+4479111234567890123", None), Err(NumberError::TooLong));
        assert_eq!(normalise("+49 1", None), Err(NumberError::TooShort));
        assert_eq!(normalise("abc", None), Err(NumberError::NotANumber));
    }

    #[test]
    fn what_cannot_be_sent_to_is_described_all_the_same() {
        let facts = describe("+4479111234567890123", None).unwrap();
        assert_eq!((facts.e164.as_str(), facts.is_valid, facts.is_possible), ("+4479111234567890123", false, false));
        assert_eq!((facts.kind, facts.region, facts.time_zones), (NumberKind::Unknown, None, &[][..]));
    }

    #[test]
    fn time_zones_are_those_of_the_range_or_of_the_country() {
        let zones = |raw| normalise(raw, None).unwrap().time_zones();
        assert_eq!(zones("+4915112345678"), ["Europe/Berlin"]);
        assert_eq!(zones("+12025550143"), ["America/New_York"]);
        assert!(zones("+79171234567").len() > 5);
    }
}
