//! The texts of a campaign: which one a row gets, and how its values come in.
//!
//! A text of plain `{{ column }}` placeholders is copied together; one with filters, conditions or
//! loops is run by minijinja, compiled once. Both are checked before a row is read.

mod choice;
mod dates;
mod decimals;
mod filters;
mod format;
mod locale;
mod logic;
mod scan;
#[cfg(test)]
mod tests;

use volley_core::{Template, TemplateError};

use self::logic::LogicText;
pub(crate) use self::{
    choice::HOLD_OUT,
    format::{Composed, MessageFormat, Unmade},
    locale::Locale,
};

/// Why a text can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextError {
    /// The octet of the text at which it is seen.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// A text, ready for rows.
#[derive(Debug, Clone)]
pub(crate) enum CompiledText {
    /// Placeholders alone.
    Plain(Template),
    /// More than that.
    Logic(LogicText),
}

impl CompiledText {
    /// Reads a text.
    pub(crate) fn compile(source: &str) -> Result<Self, TextError> {
        let octet = |character: usize| {
            let mut starts = source.char_indices().map(|(at, _)| at);
            starts.nth(character.saturating_sub(1)).unwrap_or(source.len())
        };
        match Template::parse(source) {
            Ok(template) => Ok(Self::Plain(template)),
            Err(TemplateError::NotPlain { .. }) => LogicText::compile(source).map(Self::Logic),
            Err(error @ (TemplateError::Unclosed { position } | TemplateError::Empty { position })) => {
                Err(TextError { at: octet(position), message: error.to_string(), hint: None })
            }
        }
    }

    /// The columns that it needs, in order of first use.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::Plain(template) => template.columns(),
            Self::Logic(text) => text.columns(),
        }
    }
}

/// Where a text names a column first.
pub(crate) fn place_of_column(source: &str, column: &str) -> Option<usize> {
    match Template::parse(source) {
        Ok(_) => source.match_indices(column).map(|(at, _)| at).find(|at| {
            let before = source.get(..*at).unwrap_or_default().trim_end();
            before.ends_with("{{")
        }),
        Err(_) => scan::words(source).iter().find(|word| word.text == column).map(|word| word.at),
    }
}

/// The beginning of a value, for messages: without control characters.
fn shown(value: &str) -> String {
    const SHOWN: usize = 40;
    let short: String = clean(value).chars().take(SHOWN).collect();
    if value.chars().count() > SHOWN { format!("{short}…") } else { short }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
