//! Reading an archive: all of it is checked before anything of it is believed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use volley_reconciler::Summary;

use super::pack::{FORMAT, Hashing, MANIFEST, hex};
use crate::Error;

/// Longest of the small files in an archive that are read as a whole.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// An archive that was read from end to end and is whole.
#[derive(Debug)]
pub struct ArchiveFile {
    path: PathBuf,
    about: Value,
    report: Value,
}

impl ArchiveFile {
    /// Opens an archive and checks every octet of it.
    ///
    /// # Errors
    /// When it can't be read, is damaged, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        let (mut about, mut report, mut manifest) = (Value::Null, Value::Null, Value::Null);
        each_entry(path, |name, content| {
            let len = content.content.size();
            let json = match name {
                "archive.json" => Some(&mut about),
                "report.json" => Some(&mut report),
                MANIFEST => Some(&mut manifest),
                _ => None,
            };
            match json {
                Some(json) => {
                    let mut text = Vec::new();
                    content.by_ref().take(MAX_JSON_BYTES).read_to_end(&mut text)?;
                    *json = serde_json::from_slice(&text)?;
                }
                None => drop(io::copy(content, &mut io::sink())?),
            }
            if name != MANIFEST {
                let sha256 = hex(&content.hash.clone().finalize());
                found.insert(name.to_owned(), serde_json::json!({ "bytes": len, "sha256": sha256 }));
            }
            Ok(())
        })
        .map_err(|source| failed(path, &source))?;
        if let Some(other) = about.get("format").and_then(Value::as_u64).filter(|format| *format != FORMAT) {
            let what = format!("format {other} is unknown to this version of volley");
            return Err(Error::BadArchive { path: path.to_owned(), what });
        }
        if manifest.is_null() || manifest != serde_json::json!(found) {
            let what = "its files are not those of its manifest".to_owned();
            return Err(Error::BadArchive { path: path.to_owned(), what });
        }
        Ok(Self { path: path.to_owned(), about, report })
    }

    /// The campaign's name.
    #[must_use]
    pub fn campaign(&self) -> &str {
        self.about.get("campaign").and_then(Value::as_str).unwrap_or_default()
    }

    /// SHA-256 of the frozen list, in hex.
    #[must_use]
    pub fn list_hash(&self) -> &str {
        self.about.pointer("/plan/list_hash").and_then(Value::as_str).unwrap_or_default()
    }

    /// The final numbers, as `volley report --json` gave them.
    #[must_use]
    pub const fn report(&self) -> &Value {
        &self.report
    }

    /// The same.
    ///
    /// # Errors
    /// When they don't add up or are written in another way.
    pub fn summary(&self) -> Result<Summary, Error> {
        Summary::from_json(&self.report).filter(Summary::adds_up).ok_or_else(|| Error::BadArchive {
            path: self.path.clone(),
            what: "its report can't be read by this version of volley".to_owned(),
        })
    }

    /// Writes a line for each recipient, as `volley report --csv` did.
    ///
    /// # Errors
    /// When the archive can't be read any more, or `out` can't be written.
    pub fn write_csv(&self, out: &mut (impl Write + ?Sized)) -> Result<(), Error> {
        each_entry(&self.path, |name, content| match name {
            "recipients.csv" => io::copy(content, out).map(drop),
            _ => Ok(()),
        })
        .and_then(|()| out.flush())
        .map_err(|source| Error::Io { path: self.path.clone(), action: "can't write the report", source })
    }
}

type Content<'a> = Hashing<tar::Entry<'a, zstd::Decoder<'static, BufReader<File>>>>;

fn each_entry(path: &Path, mut each: impl FnMut(&str, &mut Content<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut tar = tar::Archive::new(zstd::Decoder::new(File::open(path)?)?);
    for entry in tar.entries()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut content = Hashing { content: entry, hash: Sha256::new() };
        each(&name, &mut content)?;
    }
    // Behind the last file: the frame's checksum, which is looked at only at its end.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map(drop)
}

fn failed(path: &Path, source: &io::Error) -> Error {
    Error::BadArchive { path: path.to_owned(), what: source.to_string() }
}
