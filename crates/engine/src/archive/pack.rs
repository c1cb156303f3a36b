//! Writing an archive: a tar of these files, compressed by zstd (`tar --zstd -xf` opens it).
//!
//! | file | what |
//! |---|---|
//! | `archive.json` | format, campaign, what was approved, when it was archived |
//! | `report.json` | the final numbers, as `volley report --json` gives them |
//! | `recipients.csv` | a line for each recipient, as `volley report --csv` gives them |
//! | `campaign/…` | the campaign's folder: the frozen list, what was rejected, what was approved |
//! | `ledger/N.chunk` | the ledger's rows, 4,096 each, packed as the store holds them |
//! | `manifest.json` | length and SHA-256 of each file before it |

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use volley_core::{CampaignId, UnixMicros};
use volley_reconciler::Ledger;

use super::time;
use crate::{
    DataDir, Error,
    report::{Asked, write_rows},
    seal,
};

/// Version of the archive's layout.
pub(super) const FORMAT: u64 = 1;
/// zstd's own default.
const LEVEL: i32 = 3;
pub(super) const MANIFEST: &str = "manifest.json";

/// Writes the archive of a campaign and returns when it is durable under its name.
pub(super) fn pack(dir: &DataDir, ledger: &Ledger, id: CampaignId, at: UnixMicros, path: &Path) -> Result<(), Error> {
    seal::check(dir, ledger, id, &seal::ALL)?;
    let failed = |source| Error::Io { path: path.to_owned(), action: "can't write the archive", source };
    let partial = Partial::beside(path, ".partial");
    let mut tar = Tar::create(&partial.0, at).map_err(failed)?;
    let plan = ledger.plan(id);
    let about = json!({
        "format": FORMAT,
        "volley": env!("CARGO_PKG_VERSION"),
        "id": id.0,
        "campaign": plan.map(|plan| &plan.name),
        "archived_at": time(at),
        "plan": plan,
    });
    tar.add_octets("archive.json", &pretty(&about)).map_err(failed)?;
    tar.add_octets("report.json", &pretty(&Asked { dir, ledger, campaign: id, at }.json()?)).map_err(failed)?;
    let rows = Partial::beside(path, ".recipients");
    let mut out = BufWriter::with_capacity(1 << 20, private(&rows.0).map_err(failed)?);
    write_rows(dir, ledger, id, &mut out, &mut |_| {})?;
    drop(out);
    tar.add_file("recipients.csv", &rows.0).map_err(failed)?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir.campaign(id)).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.sort();
    for file in files {
        let name = format!("campaign/{}", file.file_name().unwrap_or_default().to_string_lossy());
        tar.add_file(&name, &file).map_err(failed)?;
    }
    ledger.packed_chunks(id, |number, octets| {
        tar.add_octets(&format!("ledger/{number:06}.chunk"), octets).map_err(failed)
    })?;
    tar.finish().map_err(failed)?;
    let name = || {
        fs::rename(&partial.0, path)?;
        File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
    };
    name().map_err(failed)
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// Creates a file that only its owner reads: it holds numbers.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A file on the way; gone when dropped.
struct Partial(PathBuf);

impl Partial {
    fn beside(path: &Path, suffix: &str) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        Self(name.into())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

struct Tar {
    tar: tar::Builder<zstd::Encoder<'static, BufWriter<File>>>,
    at: UnixMicros,
    manifest: BTreeMap<String, serde_json::Value>,
}

impl Tar {
    fn create(path: &Path, at: UnixMicros) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(BufWriter::new(private(path)?), LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { tar: tar::Builder::new(encoder), at, manifest: BTreeMap::new() })
    }

    fn add_file(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        self.add(name, len, file)
    }

    fn add_octets(&mut self, name: &str, octets: &[u8]) -> io::Result<()> {
        self.add(name, octets.len() as u64, octets)
    }

    fn add(&mut self, name: &str, len: u64, content: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(len);
        header.set_mode(0o600);
        header.set_mtime(self.at.0 / 1_000_000);
        let mut hashing = Hashing { content: content.take(len), hash: Sha256::new() };
        self.tar.append_data(&mut header, name, &mut hashing)?;
        let sha256 = hex(&hashing.hash.finalize());
        self.manifest.insert(name.to_owned(), json!({ "bytes": len, "sha256": sha256 }));
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let manifest = pretty(&json!(self.manifest));
        self.add_octets(MANIFEST, &manifest)?;
        let mut file = self.tar.into_inner()?.finish()?;
        file.flush()?;
        file.get_ref().sync_all()
    }
}

/// Passes octets on and hashes them.
pub(super) struct Hashing<R> {
    pub(super) content: R,
    pub(super) hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let n = self.content.read(octets)?;
        self.hash.update(octets.get(..n).unwrap_or_default());
        Ok(n)
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
