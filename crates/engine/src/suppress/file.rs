//! `suppress/NAME.tsv`: numbers on a list, with where they came from. A line is a number, since
//! when, until when (seconds since 1970, or nothing), source and reason, with tabs between them; of
//! several lines with one number the last counts. What counts at all the journal says.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use volley_core::{Msisdn, UnixMicros};
use volley_ingest::person;

use crate::Error;

/// One line. It has no `Debug`: numbers stay out of logs.
pub(super) struct Known {
    pub(super) number: Msisdn,
    pub(super) since: UnixMicros,
    pub(super) expires: Option<UnixMicros>,
    pub(super) source: String,
    pub(super) reason: String,
}

impl Known {
    fn put(&self, out: &mut impl Write) -> io::Result<()> {
        let since = self.since.0 / 1_000_000;
        let expires = self.expires.map_or_else(String::new, |at| (at.0 / 1_000_000).to_string());
        writeln!(out, "{}\t{since}\t{expires}\t{}\t{}", self.number, word(&self.source), word(&self.reason))
    }

    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let at = |field: &str| field.parse().ok().and_then(|s: u64| s.checked_mul(1_000_000)).map(UnixMicros);
        Some(Self {
            number: Msisdn::from_digits(fields.next()?.as_bytes())?,
            since: at(fields.next()?)?,
            expires: fields.next().and_then(at),
            source: fields.next()?.to_owned(),
            reason: fields.next()?.to_owned(),
        })
    }
}

/// Tabs and line breaks end fields and lines, so none may stand in one.
fn word(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path: path.clone(), action: "can't keep the numbers of a suppression list", source }
}

/// Appends lines, durably.
pub(super) fn append(path: &Path, known: &[Known]) -> Result<(), Error> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let mut lines = Vec::new();
        // A line that a kill cut in two ends here, and is none.
        if !ends_whole(path)? {
            lines.push(b'\n');
        }
        known.iter().try_for_each(|known| known.put(&mut lines))?;
        file.write_all(&lines)?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed(path))
}

fn ends_whole(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let file = File::open(path)?;
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut octet = [0];
    file.read_exact_at(&mut octet, last)?;
    Ok(octet == *b"\n")
}

/// Writes the file anew without these numbers, and with more lines; durably, whole or not at all.
pub(super) fn rewrite(path: &Path, without: &HashSet<u64>, more: &[Known]) -> Result<(), Error> {
    if !path.exists() && more.is_empty() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = person::beside(path).with_extension("new");
    let write = || {
        fs::create_dir_all(folder)?;
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        each_line(path, |line| match Known::read(line).filter(|known| !without.contains(&known.number.as_u64())) {
            Some(known) => known.put(&mut out),
            None => Ok(()),
        })?;
        more.iter().try_for_each(|known| known.put(&mut out))?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&new, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed(path))
}

/// Every line of the file, which need not be there.
pub(super) fn read(path: &Path, mut each: impl FnMut(Known)) -> Result<(), Error> {
    let read = each_line(path, |line| {
        Known::read(line).into_iter().for_each(&mut each);
        Ok(())
    });
    read.map_err(failed(path))
}

fn each_line(path: &Path, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        each(line.trim_end_matches('\n'))?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_a_cut_one_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("suppress/brand.tsv");
        let known = |digits: &str, reason: &str| Known {
            number: Msisdn::from_digits(digits.as_bytes()).unwrap(),
            since: UnixMicros(5_000_000),
            expires: Some(UnixMicros(9_000_000)),
            source: "shop".to_owned(),
            reason: reason.to_owned(),
        };
        append(&path, &[known("4915112345678", "tab\tand\nline"), known("4915112345679", "")]).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "49151").unwrap();
        append(&path, &[known("4915112345670", "after a kill")]).unwrap();
        let all = || {
            let mut all = Vec::new();
            read(&path, |known| all.push((known.number.to_string(), known.reason, known.expires))).unwrap();
            all
        };
        let end = Some(UnixMicros(9_000_000));
        assert_eq!(all().len(), 3);
        assert_eq!(all().first(), Some(&("4915112345678".to_owned(), "tab and line".to_owned(), end)));
        rewrite(&path, &HashSet::from([4_915_112_345_678]), &[known("4915112345671", "")]).unwrap();
        let numbers: Vec<_> = all().into_iter().map(|(number, ..)| number).collect();
        assert_eq!(numbers, ["4915112345679", "4915112345670", "4915112345671"]);
        assert!(!dir.path().join("suppress/brand.tsv.new").exists());
    }
}
