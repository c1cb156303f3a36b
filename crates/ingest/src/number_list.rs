//! Lists of numbers alone, such as those who must get nothing: one column counts, the others may
//! say more.

use std::{ops::ControlFlow, path::Path};

use volley_core::Msisdn;

use crate::{
    Error, ListOptions,
    blocks::{Block, Blocks},
    freeze,
    number::{self, NumberError},
    record::{Record, Walk, walk},
};

/// How a list of numbers is read.
#[derive(Debug, Clone, Default)]
pub struct NumberListOptions {
    /// The column with the number; the first one where it isn't given.
    pub column: Option<String>,
    /// Country of numbers without a country code.
    pub country: Option<String>,
    /// The delimiter, if it should not be found out.
    pub delimiter: Option<char>,
}

/// One row. It has no `Debug`: numbers stay out of logs.
pub struct ListedNumber<'a> {
    /// Its line in the file.
    pub line: u64,
    /// The number, or why there is none.
    pub number: Result<Msisdn, NumberError>,
    record: Record<'a>,
    header: &'a [String],
}

impl ListedNumber<'_> {
    /// The value of another column, by its name in any case; empty where there is none.
    #[must_use]
    pub fn value(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name.trim().eq_ignore_ascii_case(column));
        let field = at.and_then(|at| self.record.get(at)).and_then(|field| std::str::from_utf8(field).ok());
        field.unwrap_or_default().trim()
    }
}

/// Gives every row of a CSV to `each`. A first line that begins with a number is no header.
///
/// # Errors
/// When the file can't be read, or has no such column; or what `each` says.
pub fn read_numbers<E: From<Error>>(
    path: &Path,
    options: &NumberListOptions,
    each: &mut dyn FnMut(&ListedNumber<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let country = options.country.as_deref();
    if let Some(country) = country.filter(|country| !number::is_country(country)) {
        return Err(Error::UnknownCountry { country: country.to_owned() }.into());
    }
    let mut list = ListOptions::new(path.to_owned(), String::new());
    list.delimiter = options.delimiter;
    let (mut blocks, mut header) = Blocks::open(&list)?;
    let at = match &options.column {
        Some(column) => freeze::column(&list, &header, column)?,
        None => 0,
    };
    let is_number = header.get(at).is_some_and(|field| read(field, country).is_ok());
    if options.column.is_none() && is_number {
        list.header = false;
        (blocks, _) = Blocks::open(&list)?;
        header.clear();
    }
    let (mut block, mut buffers) = (Block::default(), Walk::default());
    let mut said = Ok(());
    while said.is_ok() && blocks.next(&list, &mut block)? {
        let endless = walk(&block, blocks.csv(), &mut buffers, &mut |record, found| {
            let field = record.get(at).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or_default();
            let line = found.place.line;
            said = each(&ListedNumber { line, number: read(field, country), record, header: &header });
            if said.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if let Some(line) = endless {
            return Err(Error::EndlessRow { path: path.to_owned(), line }.into());
        }
    }
    said
}

/// A number that is meant to get nothing need not lie in a range that is in use.
fn read(field: &str, country: Option<&str>) -> Result<Msisdn, NumberError> {
    let number = number::normalise(field, country)?;
    if number.has_letters { Err(NumberError::NotANumber) } else { Ok(number.msisdn) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn check(text: &str, column: Option<&str>, expected: &[(u64, Option<&str>, &str)]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.csv");
        fs::write(&path, text).unwrap();
        let options = NumberListOptions {
            column: column.map(str::to_owned),
            country: Some("DE".to_owned()),
            ..NumberListOptions::default()
        };
        let mut rows = Vec::new();
        let mut keep = |row: &ListedNumber<'_>| {
            let number = row.number.as_ref().ok().map(Msisdn::to_string);
            rows.push((row.line, number, row.value("reason").to_owned()));
            Ok::<_, Error>(())
        };
        read_numbers(&path, &options, &mut keep).unwrap();
        let owned = |(line, number, reason): &(u64, Option<&str>, &str)| {
            (*line, number.map(str::to_owned), (*reason).to_owned())
        };
        let expected: Vec<_> = expected.iter().map(owned).collect();
        assert_eq!(rows, expected, "{text}");
    }

    #[test]
    fn numbers_stand_in_the_first_column_or_in_the_one_that_is_named() {
        let number = Some("4915112345678");
        check("+4915112345678\n0151 12345678\n", None, &[(1, number, ""), (2, number, "")]);
        check("phone,reason\n+4915112345678,moved\nx,\n", None, &[(2, number, "moved"), (3, None, "")]);
        check("Reason;msisdn\nmoved;015112345678\n", Some("msisdn"), &[(2, number, "moved")]);
        check("number\n\n4.91511E+12\n", None, &[(3, None, "")]);
    }
}
