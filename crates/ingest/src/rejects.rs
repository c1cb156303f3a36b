//! Rejected rows: `rejects.csv` with the original columns and why.

mod erase;

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use crate::{Error, record::Record};

pub use erase::{erase_rejects, erase_table};

const REJECTS: &str = "rejects.csv";
const OWN_COLUMNS: [&str; 4] = ["_line", "_column", "_code", "_message"];

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// Its line in the CSV.
    pub line: u64,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// A short word, the same for all rows with the same fault.
    pub code: String,
    /// A sentence for people.
    pub reason: String,
    /// What stands in the column with the number.
    pub raw: String,
}

/// Rejected rows in a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectsFile {
    /// Where. It is whole or not there, unless it is a device or a pipe.
    pub path: PathBuf,
    /// For whom.
    pub form: RejectsForm,
}

/// How the cells of a rejected row are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectsForm {
    /// For people: an apostrophe stands before what a spreadsheet would take for a formula, NULs
    /// are shown, and what is not UTF-8 is replaced.
    Spreadsheet,
    /// For machines: the octets of the list (after decoding UTF-16 or Windows-1252), nothing added.
    Raw,
}

/// Writes rejected rows beside the plan, and where they are wanted else.
pub(crate) struct RejectsWriter {
    outputs: Vec<Output>,
}

struct Output {
    path: PathBuf,
    /// Where it is written until it is whole; removed when it never is.
    unfinished: Option<PathBuf>,
    form: RejectsForm,
    writer: csv::Writer<File>,
}

impl RejectsWriter {
    pub(crate) fn create(dir: &Path, header: &[String], other: Option<&RejectsFile>) -> Result<Self, Error> {
        let own = RejectsFile { path: dir.join(REJECTS), form: RejectsForm::Spreadsheet };
        let mut outputs = vec![Output::create(&own, None)?];
        if let Some(other) = other {
            let is_special = fs::metadata(&other.path).is_ok_and(|metadata| !metadata.is_file());
            let mut name = other.path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.new", std::process::id()));
            outputs.push(Output::create(other, (!is_special).then(|| other.path.with_file_name(name)))?);
        }
        let mut rejects = Self { outputs };
        let own = OWN_COLUMNS.iter().map(|name| name.as_bytes());
        rejects.write(own.chain(header.iter().map(String::as_bytes)))?;
        Ok(rejects)
    }

    pub(crate) fn push(&mut self, record: Record<'_>, rejected: &RejectedRow) -> Result<(), Error> {
        let line = rejected.line.to_string();
        let own = [&line, rejected.column.as_deref().unwrap_or(""), &rejected.code, &rejected.reason];
        self.write(own.iter().map(|field| field.as_bytes()).chain(record.iter()))
    }

    fn write<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]> + Clone) -> Result<(), Error> {
        self.outputs.iter_mut().try_for_each(|output| output.write(fields.clone()))
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        self.outputs.into_iter().try_for_each(Output::finish)
    }
}

impl Output {
    fn create(file: &RejectsFile, unfinished: Option<PathBuf>) -> Result<Self, Error> {
        let RejectsFile { path, form } = file.clone();
        let place = unfinished.as_ref().unwrap_or(&path);
        let file = File::create(place).map_err(Error::io(&path, "can't create the rejects file"))?;
        let writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        Ok(Self { path, unfinished, form, writer })
    }

    fn write<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]>) -> Result<(), Error> {
        let written = match self.form {
            RejectsForm::Raw => self.writer.write_record(fields),
            RejectsForm::Spreadsheet => self.writer.write_record(fields.map(spreadsheet_safe)),
        };
        let failed = Error::io(&self.path, "can't write the rejects file");
        written.map_err(|error| failed(std::io::Error::other(error)))
    }

    fn finish(mut self) -> Result<(), Error> {
        let mut finish = || {
            self.writer.flush()?;
            match self.writer.get_ref().sync_all() {
                // A pipe can't be synced.
                Err(_) if self.unfinished.is_none() && self.path.file_name() != Some(OsStr::new(REJECTS)) => {}
                synced => synced?,
            }
            self.unfinished.take().map_or(Ok(()), |unfinished| fs::rename(unfinished, &self.path))
        };
        finish().map_err(Error::io(&self.path, "can't write the rejects file"))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            let _ = fs::remove_file(unfinished);
        }
    }
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it (CONTRACT
/// section 7); a number such as +49151… stays as it is. A NUL becomes the sign for it.
fn spreadsheet_safe(field: &[u8]) -> Vec<u8> {
    let is_number =
        field.strip_prefix(b"+").is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    let is_formula = matches!(field.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')) && !is_number;
    let mut safe = Vec::with_capacity(field.len() + 1);
    safe.extend(is_formula.then_some(b'\''));
    // The file is UTF-8, whatever came in.
    let text = String::from_utf8_lossy(field);
    match text.contains('\0') {
        true => safe.extend_from_slice(text.replace('\0', "\u{2400}").as_bytes()),
        false => safe.extend_from_slice(text.as_bytes()),
    }
    safe
}

/// Reads the rejected rows of a plan, in order of lines.
pub struct Rejects {
    path: PathBuf,
    reader: csv::Reader<File>,
    record: StringRecord,
    to: Option<usize>,
}

impl Rejects {
    /// Opens the rejected rows in `dir`; `to` is the column with the number.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn open(dir: &Path, to: &str) -> Result<Self, Error> {
        let path = dir.join(REJECTS);
        let file = File::open(&path).map_err(Error::io(&path, "can't open the rejects file"))?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader.headers().map_err(|error| failed(&path, error))?;
        let to = String::from_utf8_lossy(&spreadsheet_safe(to.trim().as_bytes())).into_owned();
        let mut columns = header.iter().enumerate().skip(OWN_COLUMNS.len());
        let to = columns.find(|(_, name)| name.trim().eq_ignore_ascii_case(&to)).map(|(at, _)| at);
        Ok(Self { path, reader, record: StringRecord::new(), to })
    }
}

impl Iterator for Rejects {
    type Item = Result<RejectedRow, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let field = |at: usize| self.record.get(at).unwrap_or_default().to_owned();
                Some(Ok(RejectedRow {
                    line: field(0).parse().unwrap_or(0),
                    column: Some(field(1)).filter(|column| !column.is_empty()),
                    code: field(2),
                    reason: field(3),
                    raw: self.to.map(field).unwrap_or_default(),
                }))
            }
            Err(error) => Some(Err(failed(&self.path, error))),
        }
    }
}

fn failed(path: &Path, error: csv::Error) -> Error {
    Error::Io { path: path.to_owned(), action: "can't read the rejects file", source: std::io::Error::other(error) }
}
