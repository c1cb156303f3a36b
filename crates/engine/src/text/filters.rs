//! The filters of campaign texts.

use std::borrow::Cow;

use minijinja::{
    Environment, Error, ErrorKind, State,
    value::{Kwargs, Value},
};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    dates,
    decimals::Decimal,
    locale::Locale,
    logic::{LOCALE, PROBE},
};

/// Their names, for whoever mistypes one.
pub(super) const NAMES: [&str; 10] =
    ["default", "title", "upper", "lower", "trim", "truncate", "date", "number", "currency", "int"];
/// The tests behind `is`.
pub(super) const TESTS: [&str; 2] = ["defined", "undefined"];
/// Digits behind the point at most.
const MAX_DIGITS: usize = 9;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("default", default);
    environment.add_filter("title", |state: &State<'_, '_>, value: Value| {
        Ok::<_, Error>(title(&text_of(&value)?, locale_of(state)))
    });
    environment.add_filter("upper", |state: &State<'_, '_>, value: Value| {
        Ok::<_, Error>(upper(&text_of(&value)?, locale_of(state)))
    });
    environment.add_filter("lower", |state: &State<'_, '_>, value: Value| {
        Ok::<_, Error>(lower(&text_of(&value)?, locale_of(state)))
    });
    environment.add_filter("trim", |value: Value| Ok::<_, Error>(text_of(&value)?.trim().to_owned()));
    environment.add_filter("truncate", truncate);
    environment.add_filter("date", date);
    environment.add_filter("number", number);
    environment.add_filter("currency", currency);
    environment.add_filter("int", int);
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment.add_test("undefined", |value: &Value| value.is_undefined());
}

fn failed(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// A value as text; an empty field has none.
fn text_of(value: &Value) -> Result<Cow<'_, str>, Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    Ok(value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed))
}

fn locale_of(state: &State<'_, '_>) -> &'static Locale {
    let tag = state.lookup(LOCALE);
    tag.as_ref().and_then(Value::as_str).and_then(Locale::find).unwrap_or_else(Locale::fallback)
}

/// Whether a text is only tried before any row is read: arguments count, values don't.
fn is_probe(state: &State<'_, '_>) -> bool {
    state.lookup(PROBE).is_some_and(|value| value.is_true())
}

fn argument_locale(state: &State<'_, '_>, arguments: &Kwargs) -> Result<&'static Locale, Error> {
    let Some(tag) = arguments.get::<Option<String>>("locale")? else { return Ok(locale_of(state)) };
    Locale::find(&tag).ok_or_else(|| {
        let known = Locale::tags().collect::<Vec<_>>().join(", ");
        failed(format!("no formats are known for the locale `{}`: {known} are", super::shown(&tag)))
    })
}

/// What stands there in place of an empty field.
fn default(value: Value, other: Option<Value>) -> Value {
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_undefined() || value.is_none() || is_blank { other.unwrap_or_else(|| Value::from("")) } else { value }
}

fn is_turkish(locale: &Locale) -> bool {
    locale.tag == "tr"
}

fn upper(text: &str, locale: &Locale) -> String {
    if is_turkish(locale) { text.replace('i', "İ").to_uppercase() } else { text.to_uppercase() }
}

fn lower(text: &str, locale: &Locale) -> String {
    if is_turkish(locale) { text.replace('I', "ı").replace('İ', "i").to_lowercase() } else { text.to_lowercase() }
}

/// Names as people write them: a capital letter at the beginning and behind blanks, hyphens and
/// apostrophes.
fn title(text: &str, locale: &Locale) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for cluster in lower(text, locale).graphemes(true) {
        if begins {
            let capital = upper(cluster, locale);
            // ß and the like: only the first of what becomes two letters.
            let mut letters = capital.chars();
            out.extend(letters.next());
            out.push_str(&lower(letters.as_str(), locale));
        } else {
            out.push_str(cluster);
        }
        begins = cluster.chars().all(|c| c.is_whitespace() || "-'’.(/".contains(c));
    }
    out
}

/// At most so many characters as people count them, `end` among them where something was cut off.
fn truncate(value: Value, length: usize, end: Option<String>, arguments: Kwargs) -> Result<String, Error> {
    let end = end.or(arguments.get::<Option<String>>("end")?).unwrap_or_else(|| "...".to_owned());
    arguments.assert_all_used()?;
    let n_end = end.graphemes(true).count();
    if n_end > length {
        return Err(failed(format!("truncate({length}): what is put at the end has {n_end} characters itself")));
    }
    let text = text_of(&value)?;
    let mut starts = text.grapheme_indices(true).map(|(at, _)| at);
    let cut = starts.clone().nth(length - n_end).unwrap_or(text.len());
    if starts.nth(length).is_none() {
        return Ok(text.into_owned());
    }
    Ok(format!("{}{end}", text.get(..cut).unwrap_or_default().trim_end()))
}

fn date(state: &State<'_, '_>, value: Value, form: Option<String>, arguments: Kwargs) -> Result<String, Error> {
    let locale = argument_locale(state, &arguments)?;
    let from: Option<String> = arguments.get("from")?;
    arguments.assert_all_used()?;
    let form = form.as_deref().unwrap_or("medium");
    let text = text_of(&value)?;
    if is_probe(state) {
        return dates::write(jiff::civil::DateTime::constant(2026, 12, 24, 18, 0, 0, 0), form, locale).map_err(failed);
    }
    let at = dates::read(&text, from.as_deref()).map_err(failed)?;
    dates::write(at, form, locale).map_err(failed)
}

/// Reads a value as a number; `decimal` says which sign begins its broken part.
fn decimal_of(state: &State<'_, '_>, value: &Value, arguments: &Kwargs) -> Result<Decimal, Error> {
    let sign = match arguments.get::<Option<String>>("decimal")?.as_deref() {
        None => None,
        Some(".") => Some('.'),
        Some(",") => Some(','),
        Some(_) => return Err(failed("decimal: write \".\" or \",\"")),
    };
    arguments.assert_all_used()?;
    let text = text_of(value)?;
    // What was calculated has a point and no groups.
    let sign = if value.as_str().is_some() { sign } else { Some('.') };
    if is_probe(state) {
        return Decimal::read("1", None).map_err(failed);
    }
    Decimal::read(&text, sign).map_err(failed)
}

fn digits_of(digits: Option<usize>) -> Result<Option<usize>, Error> {
    match digits {
        Some(digits) if digits > MAX_DIGITS => {
            Err(failed(format!("{digits} digits behind the point: {MAX_DIGITS} are the most")))
        }
        digits => Ok(digits),
    }
}

fn number(state: &State<'_, '_>, value: Value, digits: Option<usize>, arguments: Kwargs) -> Result<String, Error> {
    let (locale, digits) = (argument_locale(state, &arguments)?, digits_of(digits)?);
    Ok(decimal_of(state, &value, &arguments)?.write(digits, locale))
}

fn currency(state: &State<'_, '_>, value: Value, code: Option<String>, arguments: Kwargs) -> Result<String, Error> {
    let locale = argument_locale(state, &arguments)?;
    let digits = digits_of(arguments.get("digits")?)?;
    let as_code = match arguments.get::<Option<String>>("style")?.as_deref() {
        None | Some("symbol") => false,
        Some("code") => true,
        Some(_) => return Err(failed("style: write \"symbol\" or \"code\"")),
    };
    let code = code.unwrap_or_else(|| "EUR".to_owned());
    if code.len() != 3 || !code.bytes().all(|c| c.is_ascii_uppercase()) {
        return Err(failed(format!(
            "`{}` is no currency: write three capital letters, such as EUR",
            super::shown(&code)
        )));
    }
    Ok(decimal_of(state, &value, &arguments)?.write_currency(&code, as_code, digits, locale))
}

/// A whole number to calculate and compare with.
fn int(state: &State<'_, '_>, value: Value, arguments: Kwargs) -> Result<i64, Error> {
    let number = decimal_of(state, &value, &arguments)?;
    number.as_int().ok_or_else(|| failed(format!("`{}` is no whole number", super::shown(&value.to_string()))))
}
