//! How a list is read, and where its columns are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, form::Encoding, number::KindPolicies, rejects::RejectsFile};

/// Which of several rows with the same number wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// The first, whatever becomes of it.
    #[default]
    First,
    /// The last, whatever becomes of it. The list is read twice; of stdin a copy is kept meanwhile.
    Last,
}

/// How a list is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOptions {
    /// The CSV; `-` for stdin.
    pub list: PathBuf,
    /// The column with the number.
    pub to: String,
    /// Country of numbers without a country code.
    pub default_country: Option<String>,
    /// The column with the country (two letters) of a row's number, before the default.
    pub country_column: Option<String>,
    /// The encoding, if it should not be found out.
    pub encoding: Option<Encoding>,
    /// The delimiter, if it should not be found out.
    pub delimiter: Option<char>,
    /// What stands around fields: one ASCII sign, or `none`. A double quote if not given.
    pub quote: Option<String>,
    /// Whether the first row names the columns; else they are `column_1`, `column_2` and so on.
    pub header: bool,
    /// Which of several rows with the same number wins.
    pub duplicates: Duplicates,
    /// Numbers are declared to be clean E.164: their digits are taken as they stand.
    pub clean_e164: bool,
    /// Which kinds of numbers are sent to.
    pub kinds: KindPolicies,
    /// The columns to keep, in the order in which rows give them.
    pub columns: Vec<String>,
    /// Where rejected rows go besides the plan's own file.
    #[serde(skip)]
    pub rejects: Option<RejectsFile>,
}

impl ListOptions {
    /// A list with a header, all else found out or by default.
    #[must_use]
    pub fn new(list: impl Into<PathBuf>, to: impl Into<String>) -> Self {
        Self {
            list: list.into(),
            to: to.into(),
            default_country: None,
            country_column: None,
            encoding: None,
            delimiter: None,
            quote: None,
            header: true,
            duplicates: Duplicates::First,
            clean_e164: false,
            kinds: KindPolicies::default(),
            columns: Vec::new(),
            rejects: None,
        }
    }
}

/// The column with this name: exactly, else whatever the case; `#3` is the third in any case, and
/// without a header `3` is too.
pub(crate) fn column(options: &ListOptions, header: &[String], wanted: &str) -> Result<usize, Error> {
    let found = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
        header.iter().enumerate().filter(|(_, name)| is(name)).map(|(at, _)| at).collect()
    };
    let exact = found(&|name| name == wanted);
    let similar = if exact.is_empty() { found(&|name| name.eq_ignore_ascii_case(wanted.trim())) } else { exact };
    let path = || options.list.clone();
    match similar.as_slice() {
        [column] => Ok(*column),
        [] => {
            let number = wanted.strip_prefix('#').or_else(|| (!options.header).then_some(wanted));
            let number = number.and_then(|number| number.parse::<usize>().ok()?.checked_sub(1));
            if let Some(column) = number.filter(|column| *column < header.len()) {
                return Ok(column);
            }
            let found = header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let likeness = |name: &str| {
                let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
                if name.contains(&wanted) { 1.0 } else { strsim::jaro_winkler(&name, &wanted) }
            };
            let nearest = header.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let nearest = nearest.filter(|name| likeness(name) > 0.75).cloned();
            Err(Error::NoColumn { path: path(), wanted: wanted.to_owned(), found, nearest })
        }
        _ => Err(Error::AmbiguousColumn { path: path(), column: wanted.to_owned() }),
    }
}
