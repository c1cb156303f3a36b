//! A TOML file that can't be used: where, what, and the nearest right word.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

/// Why a campaign or carriers file can't be used.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    /// Line and column, from 1, where they are known.
    at: Option<(usize, usize)>,
    message: String,
    hint: Option<String>,
    source: Option<io::Error>,
}

impl FileError {
    /// Something about the file as a whole, or about a key that `find` can place.
    pub(crate) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), at: None, message: message.into(), hint: None, source: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Places the error at the first line that holds `key` as a key or in a table's head.
    pub(crate) fn at_key(mut self, text: &str, key: &str) -> Self {
        let is_key = |line: &str| {
            let line = line.trim_start();
            let named = line.strip_prefix(key).map(str::trim_start);
            named.is_some_and(|rest| rest.starts_with('=')) || (line.starts_with('[') && line.contains(key))
        };
        self.at = text.lines().position(is_key).map(|line| (line + 1, 1));
        self
    }

    /// Places the error at an octet of the file.
    pub(crate) fn at_octet(mut self, text: &str, octet: usize) -> Self {
        self.at = Some(line_and_column(text, octet));
        self
    }

    /// What to do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map(|span| line_and_column(text, span.start));
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        let hint = nearest_key(&message);
        Self { path: path.to_owned(), at, message, hint, source: None }
    }
}

/// From 1; columns in characters.
fn line_and_column(text: &str, octet: usize) -> (usize, usize) {
    let before = text.get(..octet).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// Reads a file and gives its text along with its meaning.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, String), FileError> {
    let text = fs::read_to_string(path).map_err(|source| {
        let message = if source.kind() == io::ErrorKind::NotFound {
            "no such file"
        } else if source.kind() == io::ErrorKind::InvalidData {
            "is not UTF-8 text"
        } else {
            "can't be read"
        };
        FileError { source: Some(source), ..FileError::new(path, message) }
    })?;
    let value = toml::from_str(&text).map_err(|error| FileError::from_toml(path, &text, &error))?;
    Ok((value, text))
}

/// serde says "unknown field `x`, expected one of `a`, `b`": the nearest of them is most likely
/// what was meant. Only the wording of the hint depends on that text.
fn nearest_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let nearest = nearest(unknown, quoted)?;
    Some(format!("did you mean `{nearest}`?"))
}

/// The candidate most like `word`, if any is like it at all.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    scored.filter(|(score, _)| *score > 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_field_names_the_nearest_key() {
        let message = "unknown field `windw`, expected one of `hosts`, `window`, `rate`";
        assert_eq!(nearest_key(message).as_deref(), Some("did you mean `window`?"));
        assert_eq!(nearest_key("missing field `name`"), None);
    }

    #[test]
    fn toml_errors_say_line_and_column() {
        let text = "a = 1\nbb = = 2\n";
        let error = toml::from_str::<toml::Table>(text).unwrap_err();
        let shown = FileError::from_toml(Path::new("x.toml"), text, &error).to_string();
        assert!(shown.starts_with("x.toml:2:6: "), "{shown}");
    }
}
