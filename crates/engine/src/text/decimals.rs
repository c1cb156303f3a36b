//! Numbers of a list, read exactly and written for people.

use super::locale::{CurrencyPlace, Locale};

/// Digits of a number at most.
const MAX_DIGITS: usize = 30;

/// A number, digit by digit: nothing is rounded that nobody asked to round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// At least one digit, without leading zeros.
    whole: String,
    broken: String,
}

impl Decimal {
    /// Reads a number with or without groups of thousands. What could be read in two ways, such as
    /// `1.234`, is not guessed: `decimal`, a point or a comma, says which sign begins the broken
    /// part.
    pub(super) fn read(text: &str, decimal: Option<char>) -> Result<Self, String> {
        let trimmed = text.trim();
        let no_number = || format!("`{}` is no number", super::shown(trimmed));
        let unsigned = trimmed.trim_start_matches(['+', '-', '\u{2212}']);
        if trimmed.chars().count() > unsigned.chars().count() + 1 {
            return Err(no_number());
        }
        let is_group = |c: char| matches!(c, ' ' | '\u{A0}' | '\u{202F}' | '\'' | '\u{2019}');
        let decimal = match decimal {
            Some(sign) => Some(sign),
            None => decimal_of(unsigned, is_group).ok_or_else(|| {
                format!("`{}` can be read in two ways: say which with decimal=\".\" or \",\"", super::shown(trimmed))
            })?,
        };
        let (whole, broken) = decimal.and_then(|sign| unsigned.split_once(sign)).unwrap_or((unsigned, ""));
        let groups: Vec<&str> =
            whole.split(|c| is_group(c) || (matches!(c, '.' | ',') && Some(c) != decimal)).collect();
        let are_groups = groups.len() == 1
            || (groups.first().is_some_and(|first| (1..=3).contains(&first.len()))
                && groups.iter().skip(1).all(|group| group.len() == 3));
        let is_number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        let digits: String = groups.concat();
        let is_whole = decimal.is_some_and(|sign| unsigned.contains(sign)) && broken.is_empty();
        if digits.is_empty() || is_whole || !are_groups || !is_number(&digits) || !is_number(broken) {
            return Err(no_number());
        }
        if digits.len() + broken.len() > MAX_DIGITS {
            return Err(format!("`{}` has more than {MAX_DIGITS} digits", super::shown(trimmed)));
        }
        let whole = digits.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole }.to_owned();
        Ok(Self { is_negative: trimmed.starts_with(['-', '\u{2212}']), whole, broken: broken.to_owned() })
    }

    /// With so many digits behind the point; half a digit is rounded away from zero.
    fn rounded(&self, digits: usize) -> Self {
        let mut all: Vec<u8> = self.whole.bytes().chain(self.broken.bytes()).collect();
        let wanted = self.whole.len() + digits;
        let rounds_up = all.get(wanted).is_some_and(|digit| *digit >= b'5');
        all.resize(wanted, b'0');
        let mut carry = rounds_up;
        for digit in all.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        if carry {
            all.insert(0, b'1');
        }
        let broken = all.split_off(all.len() - digits);
        let text = |digits: Vec<u8>| String::from_utf8(digits).unwrap_or_default();
        Self { is_negative: self.is_negative, whole: text(all), broken: text(broken) }
    }

    fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.broken.bytes()).all(|digit| digit == b'0')
    }

    /// The whole part, where there is nothing else and it fits.
    pub(super) fn as_int(&self) -> Option<i64> {
        let whole: i64 = self.whole.parse().ok().filter(|_| self.broken.bytes().all(|digit| digit == b'0'))?;
        Some(if self.is_negative { -whole } else { whole })
    }

    /// With the locale's signs, without the number's own.
    fn unsigned(&self, locale: &Locale) -> String {
        let mut out = String::new();
        let n_digits = self.whole.len();
        for (at, digit) in self.whole.chars().enumerate() {
            if at > 0 && (n_digits - at).is_multiple_of(3) && n_digits >= locale.grouped_from {
                out.push(locale.group);
            }
            out.push(digit);
        }
        if !self.broken.is_empty() {
            out.push(locale.decimal);
            out.push_str(&self.broken);
        }
        out
    }

    /// As the locale writes it, with so many digits behind the point or as many as it has.
    pub(super) fn write(&self, digits: Option<usize>, locale: &Locale) -> String {
        let number = digits.map_or_else(|| self.clone(), |digits| self.rounded(digits));
        let sign = if number.is_negative && !number.is_zero() { "-" } else { "" };
        format!("{sign}{}", number.unsigned(locale))
    }

    /// As an amount of `currency` (ISO 4217). `as_code`: the code in place of the symbol, some of
    /// which are in no GSM alphabet.
    pub(super) fn write_currency(
        &self,
        currency: &str,
        as_code: bool,
        digits: Option<usize>,
        locale: &Locale,
    ) -> String {
        let (symbol, usual) = symbol_and_digits(currency);
        let symbol = if as_code { currency } else { symbol };
        let number = self.rounded(digits.unwrap_or(usual));
        let sign = if number.is_negative && !number.is_zero() { "-" } else { "" };
        let text = number.unsigned(locale);
        let is_word = symbol.chars().all(char::is_alphabetic);
        match locale.currency {
            CurrencyPlace::Before if is_word => format!("{sign}{symbol} {text}"),
            CurrencyPlace::Before => format!("{sign}{symbol}{text}"),
            CurrencyPlace::BeforeSpaced => format!("{symbol} {sign}{text}"),
            CurrencyPlace::After => format!("{sign}{text} {symbol}"),
        }
    }
}

/// Which sign begins the broken part; `Some(None)` where none does, `None` where nobody can know.
fn decimal_of(text: &str, is_group: impl Fn(char) -> bool) -> Option<Option<char>> {
    let count = |sign: char| text.matches(sign).count();
    match (count('.'), count(',')) {
        (0, 0) => Some(None),
        (0, 1) | (1, 0) => {
            let sign = if count('.') == 1 { '.' } else { ',' };
            let (before, after) = text.split_once(sign)?;
            let could_be_group = after.len() == 3 && (1..=3).contains(&before.len()) && !before.starts_with('0');
            (!could_be_group || before.contains(is_group)).then_some(Some(sign))
        }
        (0, _) | (_, 0) => Some(None),
        (_, _) => Some(text.rfind(['.', ',']).and_then(|at| text.get(at..)?.chars().next())),
    }
}

/// A currency's symbol, its code where it has none, and its digits behind the point (ISO 4217).
fn symbol_and_digits(code: &str) -> (&str, usize) {
    let symbol = match code {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        "PLN" => "zł",
        "BRL" => "R$",
        "MXN" => "$",
        "SEK" | "NOK" | "DKK" => "kr",
        "CZK" => "Kč",
        "TRY" => "₺",
        "INR" => "₹",
        other => other,
    };
    let digits = match code {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "PYG" | "UGX" | "XAF" | "XOF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    (symbol, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_read(text: &str, expected: Option<&str>) {
        let en = Locale::find("en").unwrap();
        let read = Decimal::read(text, None).ok().map(|number| number.write(None, en));
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn numbers_are_read_where_they_have_one_meaning() {
        for text in ["1234.5", "1,234.5", "1.234,5", "1 234,5", "1'234.5", "1\u{202F}234,5", " +1234,5 "] {
            check_read(text, Some("1,234.5"));
        }
        check_read("1,234,567", Some("1,234,567"));
        check_read("1.234.567,89", Some("1,234,567.89"));
        check_read("0.125", Some("0.125"));
        check_read("1234.567", Some("1,234.567"));
        check_read("\u{2212}7", Some("-7"));
        check_read("-0", Some("0"));
        check_read("007", Some("7"));
        for text in ["", "-", "1.234", "1,234", "12,34,5", "1e5", "5 €", "--5", "1.2.3", ".", "5.", "١", "1,2,3.4"] {
            check_read(text, None);
        }
        let decimal = |text, sign| Decimal::read(text, Some(sign)).unwrap().write(None, Locale::find("en").unwrap());
        assert_eq!((decimal("1.234", '.'), decimal("1.234", ',')), ("1.234".to_owned(), "1,234".to_owned()));
        assert!(Decimal::read("1.234", None).unwrap_err().contains("two ways"));
        assert!(Decimal::read(&"9".repeat(31), None).unwrap_err().contains("30 digits"));
    }

    #[test]
    fn rounding_is_exact() {
        let en = Locale::find("en").unwrap();
        let rounded = |text, digits| Decimal::read(text, Some('.')).unwrap().write(Some(digits), en);
        assert_eq!(rounded("0.125", 2), "0.13");
        assert_eq!(rounded("999.995", 2), "1,000.00");
        assert_eq!(rounded("-0.004", 2), "0.00");
        assert_eq!(rounded("1234.5", 0), "1,235");
        assert_eq!(rounded("5", 3), "5.000");
        assert_eq!(rounded("0.30000000000000004", 17), "0.30000000000000004");
    }

    #[test]
    fn amounts_are_written_as_each_language_does() {
        let golden = [
            ("en", "1,234.50 | €1,234.50 | EUR 1,234.50 | -€12,345.00"),
            ("de", "1.234,50 | 1.234,50 € | 1.234,50 EUR | -12.345,00 €"),
            ("de-AT", "1.234,50 | € 1.234,50 | EUR 1.234,50 | € -12.345,00"),
            ("de-CH", "1'234.50 | € 1'234.50 | EUR 1'234.50 | € -12'345.00"),
            ("fr", "1 234,50 | 1 234,50 € | 1 234,50 EUR | -12 345,00 €"),
            ("es", "1234,50 | 1234,50 € | 1234,50 EUR | -12.345,00 €"),
            ("it", "1234,50 | 1234,50 € | 1234,50 EUR | -12.345,00 €"),
            ("nl", "1.234,50 | € 1.234,50 | EUR 1.234,50 | € -12.345,00"),
            ("pl", "1234,50 | 1234,50 € | 1234,50 EUR | -12 345,00 €"),
            ("pt", "1.234,50 | € 1.234,50 | EUR 1.234,50 | € -12.345,00"),
            ("pt-PT", "1234,50 | 1234,50 € | 1234,50 EUR | -12 345,00 €"),
        ];
        let read = |text| Decimal::read(text, Some('.')).unwrap();
        for (tag, expected) in golden {
            let locale = Locale::find(tag).unwrap();
            let number = read("1234.5");
            let forms = [
                number.write(Some(2), locale),
                number.write_currency("EUR", false, None, locale),
                number.write_currency("EUR", true, None, locale),
                read("-12345").write_currency("EUR", false, None, locale),
            ];
            assert_eq!(forms.join(" | "), expected, "{tag}");
        }
        let currency = |tag, code| read("1234.5").write_currency(code, false, None, Locale::find(tag).unwrap());
        assert_eq!(currency("en", "JPY"), "¥1,235");
        assert_eq!(currency("en", "CHF"), "CHF 1,234.50");
        assert_eq!(currency("pl", "PLN"), "1234,50 zł");
        assert_eq!(currency("pt-BR", "BRL"), "R$ 1.234,50");
        assert_eq!(currency("en", "KWD"), "KWD 1,234.500");
    }
}
