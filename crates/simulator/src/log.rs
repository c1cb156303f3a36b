//! One line for each submit: what a second party saw.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use crate::{Error, fault::Struck};

/// `time in µs, carrier, bind, recipient, part, message id or status`, comma-separated; and the
/// keys of the faults that struck it, joined by `+`, where any did.
#[derive(Debug)]
pub(crate) struct SubmitLog(BufWriter<File>);

/// What a line says of a submit.
pub(crate) struct Logged<'a> {
    pub(crate) recipient: u64,
    pub(crate) part: u8,
    /// Message id, or status.
    pub(crate) outcome: &'a [u8],
    pub(crate) struck: Struck,
}

impl SubmitLog {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path);
        let file =
            file.map_err(|source| Error::Io { path: path.to_owned(), action: "can't create the log", source })?;
        Ok(Self(BufWriter::with_capacity(1 << 20, file)))
    }

    pub(crate) fn line(&mut self, at_us: u64, carrier: &str, bind: usize, submit: &Logged<'_>) {
        let Logged { recipient, part, outcome, struck } = submit;
        // A log that can't be written is noticed when it is missing; it must not stop the carrier.
        let _ = write!(self.0, "{at_us},{carrier},{bind},{recipient},{part},");
        let _ = self.0.write_all(outcome);
        for (n, fault) in struck.iter().enumerate() {
            let _ = write!(self.0, "{}{}", if n == 0 { ',' } else { '+' }, fault.key());
        }
        let _ = self.0.write_all(b"\n");
    }

    pub(crate) fn flush(&mut self) {
        let _ = self.0.flush();
    }
}
