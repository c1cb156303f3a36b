//! What makes a whole list unusable.

use std::{io, path::PathBuf};

/// An error of a list or a plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("{}: {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is empty, or has a header and nothing else.
    #[error("{}: the list is empty: {}", path.display(), if *has_header { "a header and no rows" } else { "no header, no rows" })]
    Empty {
        /// The file.
        path: PathBuf,
        /// Whether a header was there.
        has_header: bool,
    },
    /// The default country is none.
    #[error("default country `{country}` is unknown: two capital letters of ISO 3166 are needed, such as DE or US")]
    UnknownCountry {
        /// What was given.
        country: String,
    },
    /// The delimiter can't be one.
    #[error("delimiter {delimiter:?} can't be used: an ASCII sign is needed that is neither a quote nor a line break")]
    BadDelimiter {
        /// What was given.
        delimiter: char,
    },
    /// The quote can't be one.
    #[error("quote `{quote}` can't be used: one ASCII sign is needed, or `none`")]
    BadQuote {
        /// What was given.
        quote: String,
    },
    /// More columns than are taken.
    #[error("{}: the list has {n_columns} columns: {max} are allowed", path.display())]
    TooManyColumns {
        /// The file.
        path: PathBuf,
        /// Columns that are there.
        n_columns: usize,
        /// Columns that may be there.
        max: usize,
    },
    /// The list is read twice, and was not the same.
    #[error("{}: the list changed while it was read: try again when nobody writes to it", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// A plan that another version of volley wrote.
    #[error("{}: the plan has format {format}, and this volley reads {ours}: finish the campaign with the version that began it, or approve it anew", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The plan's.
        format: u32,
        /// Ours.
        ours: u32,
    },
    /// A row goes on to the end of the file, or for more than 1 MiB.
    #[error("{}, line {line}: the row that begins here does not end: is a quote opened and not closed?", path.display())]
    EndlessRow {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        line: u64,
    },
    /// A column that is needed isn't there.
    #[error(
        "{}: no column `{wanted}`: the header has {found}{}", path.display(),
        nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
    )]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        wanted: String,
        /// All columns that are there, quoted.
        found: String,
        /// The one that is most like it, if any is.
        nearest: Option<String>,
    },
    /// A column that is needed is there twice.
    #[error("{}: column `{column}` stands twice in the header: rename one of them", path.display())]
    AmbiguousColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// Not text in UTF-8.
    #[error("{}, line {line}, byte {byte}: the file is not UTF-8 text: save it as \"CSV UTF-8\", or name its `encoding`, and try again", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first line that isn't.
        line: u64,
        /// The first octet that isn't.
        byte: u64,
    },
    /// More rows than row numbers.
    #[error("{}: more than {} rows", path.display(), u32::MAX)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The frozen list was damaged.
    #[error("{}, byte {offset}: the frozen list is damaged ({what})", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn io(path: &std::path::Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
