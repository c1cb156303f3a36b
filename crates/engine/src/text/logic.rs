//! Texts that are more than placeholders: filters, conditions, loops. Compiled once, run for each
//! row within limits.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior,
    value::{Object, Value},
};

use super::{TextError, filters, locale::Locale, scan};
use crate::options::nearest;

/// Steps that one row's text may take. Some ten for each tag are usual.
pub(crate) const MAX_STEPS: u64 = 20_000;
/// Octets that one row's text may have before it is cut: beyond 255 segments in any alphabet.
pub(crate) const MAX_TEXT_OCTETS: usize = 128 << 10;
/// The name of each environment's one text.
const NAME: &str = "text";
/// Names that no text can spell.
pub(super) const LOCALE: &str = "@locale";
pub(super) const PROBE: &str = "@probe";
/// Words of the language that are no columns.
const WORDS: [&str; 4] = ["loop", "true", "false", "none"];

/// A compiled text.
#[derive(Clone)]
pub(crate) struct LogicText {
    environment: Arc<Environment<'static>>,
    columns: Arc<[String]>,
}

impl fmt::Debug for LogicText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogicText").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// Why a row's text can't be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogicError {
    /// An empty field was to be printed; the column's index in [`LogicText::columns`].
    Empty(Option<usize>),
    /// Something else, in words.
    Failed(String),
}

impl LogicText {
    /// Compiles a text and tries it with values that fit everywhere.
    pub(super) fn compile(source: &str) -> Result<Self, TextError> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(MAX_STEPS));
        environment.set_debug(true);
        filters::add_to(&mut environment);
        // The language takes one line end off the end; texts keep theirs.
        let kept = if source.ends_with('\n') { format!("{source}\n") } else { source.to_owned() };
        environment.add_template_owned(NAME, kept).map_err(|error| text_error(source, &error))?;
        check_names(source)?;
        let names = environment.get_template(NAME).map(|text| text.undeclared_variables(false)).unwrap_or_default();
        let mut columns: Vec<String> = names.into_iter().filter(|name| !WORDS.contains(&name.as_str())).collect();
        let place = |name: &String| scan::words(source).iter().position(|word| word.text == name);
        columns.sort_by_key(|name| (place(name), name.clone()));
        environment.set_debug(false);
        let text = Self { environment: Arc::new(environment), columns: columns.into() };
        let probe = Row { is_probe: true, ..text.row(|_| "1", Locale::fallback()) };
        let written = text.write(Arc::new(probe), &mut String::new());
        written.map(|()| text).map_err(|error| text_error(source, &error))
    }

    /// The columns that it needs, in order of first use.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Writes a row's text into `out`, which is empty; `value` gives the column with that index of
    /// [`LogicText::columns`]. Values are never read as templates.
    pub(crate) fn render<'a>(
        &self,
        out: &mut String,
        value: impl FnMut(usize) -> &'a str,
        locale: &'static Locale,
    ) -> Result<(), LogicError> {
        let row = Arc::new(self.row(value, locale));
        self.write(Arc::clone(&row), out).map_err(|error| {
            if error.kind() != ErrorKind::UndefinedError {
                return LogicError::Failed(words_of(&error));
            }
            let column = row.last_empty.load(Ordering::Relaxed);
            LogicError::Empty((column < self.columns.len()).then_some(column))
        })
    }

    fn row<'a>(&self, value: impl FnMut(usize) -> &'a str, locale: &'static Locale) -> Row {
        let values = (0..self.columns.len()).map(value);
        // An empty field is undefined: printing it is an error, asking for it is not.
        let values =
            values.map(|text| if text.trim().is_empty() { Value::UNDEFINED } else { Value::from(text) }).collect();
        let columns = Arc::clone(&self.columns);
        Row { columns, values, locale, is_probe: false, last_empty: AtomicUsize::new(usize::MAX) }
    }

    fn write(&self, row: Arc<Row>, out: &mut String) -> Result<(), Error> {
        let mut octets = Bounded(std::mem::take(out).into_bytes());
        let text = self.environment.get_template(NAME)?;
        let written = text.render_captured_to(Value::from_dyn_object(row), &mut octets).map(drop);
        *out = String::from_utf8(octets.0).unwrap_or_default();
        written
    }
}

/// Takes so many octets and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.0.len() + octets.len() > MAX_TEXT_OCTETS {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A row's values as a text sees them.
#[derive(Debug)]
struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
    locale: &'static Locale,
    is_probe: bool,
    /// The last column that was asked for and is empty.
    last_empty: AtomicUsize,
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            LOCALE => return Some(Value::from(self.locale.tag)),
            PROBE => return Some(Value::from(self.is_probe)),
            _ => {}
        }
        let index = self.columns.iter().position(|column| column == key)?;
        let value = self.values.get(index)?;
        if value.is_undefined() {
            self.last_empty.store(index, Ordering::Relaxed);
        }
        Some(value.clone())
    }
}

/// That all filters and tests are there: the library would say so only when a row comes by them.
fn check_names(source: &str) -> Result<(), TextError> {
    for word in scan::words(source) {
        let (what, known): (_, &[&str]) = match word.role {
            scan::Role::Filter => ("filter", &filters::NAMES),
            scan::Role::Test => ("test", &filters::TESTS),
            scan::Role::Part | scan::Role::Name => continue,
        };
        if !known.contains(&word.text) {
            let nearest = nearest(word.text, known.iter().copied());
            return Err(TextError {
                at: word.at,
                message: format!("no {what} is called `{}`: there are {}", word.text, known.join(", ")),
                hint: nearest.map(|nearest| format!("did you mean `{nearest}`?")),
            });
        }
    }
    Ok(())
}

fn text_error(source: &str, error: &Error) -> TextError {
    let line = error.line().unwrap_or(1).saturating_sub(1);
    let line_start = || source.split_inclusive('\n').take(line).map(str::len).sum();
    let hint = (error.kind() == ErrorKind::SyntaxError).then(|| {
        "a column whose name has blanks or other signs can only stand alone: rename it in the list to use it here"
            .to_owned()
    });
    TextError { at: error.range().map_or_else(line_start, |range| range.start), message: words_of(error), hint }
}

fn words_of(error: &Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::OutOfFuel {
        format!("it takes more than {MAX_STEPS} steps")
    } else if kind == ErrorKind::WriteFailure {
        format!("it gets longer than {MAX_TEXT_OCTETS} octets")
    } else if kind == ErrorKind::UndefinedError {
        "an empty field would be printed".to_owned()
    } else {
        error.detail().map_or_else(|| kind.to_string(), super::clean)
    }
}
