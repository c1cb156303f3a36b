//! One line for each submit: what a second party saw.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use crate::Error;

/// `time in µs, carrier, bind, recipient, part, message id or status`, comma-separated.
#[derive(Debug)]
pub(crate) struct SubmitLog(BufWriter<File>);

impl SubmitLog {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path);
        let file =
            file.map_err(|source| Error::Io { path: path.to_owned(), action: "can't create the log", source })?;
        Ok(Self(BufWriter::with_capacity(1 << 20, file)))
    }

    pub(crate) fn line(&mut self, at_us: u64, carrier: &str, bind: usize, recipient: u64, part: u8, outcome: &[u8]) {
        // A log that can't be written is noticed when it is missing; it must not stop the carrier.
        let _ = write!(self.0, "{at_us},{carrier},{bind},{recipient},{part},");
        let _ = self.0.write_all(outcome).and_then(|()| self.0.write_all(b"\n"));
    }

    pub(crate) fn flush(&mut self) {
        let _ = self.0.flush();
    }
}
