//! `replies.jsonl`: appended to and synced, read from the start.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::line::Line;
use crate::Error;

/// Room taken ahead, so that replies can be kept when the disk is full: some thousands of them.
const ROOM_BYTES: u64 = 1 << 20;

/// The file, open for its one writer.
pub(super) struct ReplyFile {
    path: PathBuf,
    file: Option<Open>,
    lines: Vec<u8>,
}

struct Open {
    file: File,
    n_octets: u64,
    /// Up to here its room was asked for.
    asked_to: u64,
}

/// Where it lies.
pub(super) fn path_in(root: &Path) -> PathBuf {
    root.join("replies.jsonl")
}

impl ReplyFile {
    /// The file in `root`, which need not be there yet.
    pub(super) fn new(root: &Path) -> Self {
        Self { path: path_in(root), file: None, lines: Vec::new() }
    }

    /// Adds a line to what is appended next.
    pub(super) fn push(&mut self, line: &Line) {
        // Words and numbers can always be written as JSON, and memory takes them.
        if serde_json::to_writer(&mut self.lines, line).is_ok() {
            self.lines.push(b'\n');
        }
    }

    /// Appends what was pushed and returns when it is durable.
    pub(super) fn append(&mut self) -> Result<(), Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let failed = |source| Error::Io { path: self.path.clone(), action: "can't keep replies", source };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path).map_err(failed)?),
        };
        file.append(&self.lines).map_err(failed)?;
        self.lines.clear();
        Ok(())
    }
}

impl Open {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let end = self.n_octets + lines.len() as u64;
        if end + ROOM_BYTES / 2 > self.asked_to {
            self.asked_to = end + ROOM_BYTES;
            // Without it replies are kept as long as the disk has room.
            let _ = volley_journal::keep_room(&self.file, self.asked_to);
        }
        // What was written of them would be taken for a line that a crash cut.
        self.file.write_all(lines).inspect_err(|_| drop(self.file.set_len(self.n_octets)))?;
        self.file.sync_data()?;
        self.n_octets = end;
        Ok(())
    }
}

/// Opens it behind its last whole line: one that was cut was never acknowledged, and comes again.
fn open(path: &Path) -> io::Result<Open> {
    let is_new = !path.exists();
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut whole = 0;
    let mut reader = BufReader::new(&file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            whole += line.len() as u64;
        }
        line.clear();
    }
    if whole < file.metadata()?.len() {
        file.set_len(whole)?;
    }
    if let Some(folder) = path.parent().filter(|_| is_new) {
        // Its name must survive a power cut, too.
        File::open(folder)?.sync_all()?;
    }
    Ok(Open { file, n_octets: whole, asked_to: 0 })
}

/// Shows every whole line of the file in `root` to `each`; lines of another form are passed over.
pub(super) fn read(root: &Path, mut each: impl FnMut(Line)) -> Result<(), Error> {
    let path = path_in(root);
    let failed = |source| Error::Io { path: path.clone(), action: "can't read replies", source };
    let mut reader = match File::open(&path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        if let Some(line) = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok()) {
            each(line);
        }
        line.clear();
    }
    Ok(())
}
