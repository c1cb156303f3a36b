//! What a simulated carrier must not forget when its process dies: whom it has taken messages
//! for, and which receipts it owes. A real SMSC does not forget either.

mod erase;

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write as _},
    path::Path,
};

use crate::Error;

pub use erase::erase_spool;

/// A message taken, as far as its receipt needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) account: usize,
    pub(crate) recipient: u64,
    pub(crate) part: u8,
    pub(crate) id: u64,
    /// message_state of its receipt; `None` when no receipt is owed.
    pub(crate) state: Option<u8>,
    /// When it was taken, in seconds since 1970.
    pub(crate) taken_s: u64,
    pub(crate) source: String,
    /// The account name that it was submitted under: its receipt goes to no other.
    pub(crate) esme: String,
}

/// What a spool knew when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) taken: Vec<Taken>,
    /// Account and id of receipts that were acknowledged.
    pub(crate) acknowledged: HashSet<(usize, u64)>,
}

/// An append-only file of lines, written once per turn and never synced: it survives the death
/// of the process, which is what it is for.
#[derive(Debug)]
pub(crate) struct Spool(BufWriter<File>);

impl Spool {
    /// Opens the spool and gives what it knows.
    pub(crate) fn open(path: &Path) -> Result<(Self, Remembered), Error> {
        let failed = |action| move |source| Error::Io { path: path.to_owned(), action, source };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(failed("can't create the spool's folder"))?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(failed("can't open the spool"))?;
        let text = fs::read(path).map_err(failed("can't read the spool"))?;
        let mut known = Remembered::default();
        // A last line that was cut lacks its line feed, and is passed over.
        let whole = text.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        for line in String::from_utf8_lossy(text.get(..whole).unwrap_or_default()).lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            match fields.as_slice() {
                ["T", numbers @ .., source, esme] => known.taken.extend(parse(numbers, source, esme)),
                ["A", account, id] => known.acknowledged.extend(account.parse().ok().zip(id.parse().ok())),
                _ => {}
            }
        }
        let mut spool = Self(BufWriter::with_capacity(1 << 20, file));
        if whole < text.len() {
            let _ = spool.0.write_all(b"\n");
        }
        Ok((spool, known))
    }

    pub(crate) fn taken(&mut self, taken: &Taken) {
        let Taken { account, recipient, part, id, state, taken_s, source, esme } = taken;
        let state = state.map_or_else(|| "-".to_owned(), |state| state.to_string());
        let (source, esme) = (word(source), word(esme));
        let _ = writeln!(self.0, "T {account} {recipient} {part} {id} {state} {taken_s} {source} {esme}");
    }

    pub(crate) fn acknowledged(&mut self, account: usize, id: u64) {
        let _ = writeln!(self.0, "A {account} {id}");
    }

    pub(crate) fn flush(&mut self) {
        let _ = self.0.flush();
    }
}

/// A text as one word of a line.
fn word(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.replace([' ', '\n'], "_") }
}

fn parse(numbers: &[&str], source: &str, esme: &str) -> Option<Taken> {
    let [account, recipient, part, id, state, taken_s] = numbers else { return None };
    Some(Taken {
        account: account.parse().ok()?,
        recipient: recipient.parse().ok()?,
        part: part.parse().ok()?,
        id: id.parse().ok()?,
        state: state.parse().ok(),
        taken_s: taken_s.parse().ok()?,
        source: source.to_owned(),
        esme: esme.to_owned(),
    })
}
