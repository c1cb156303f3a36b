//! Messages to us: kept in a file of their own, before they are acknowledged. What is personal
//! does not belong into the journal.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use volley_core::UnixMicros;
use volley_pipeline::{ReplyBatch, ReplyKind};

use crate::Error;

/// `replies.jsonl`: one line for each message.
pub(crate) struct ReplyFile {
    path: PathBuf,
    file: Option<File>,
}

impl ReplyFile {
    pub(crate) fn new(root: &Path) -> Self {
        Self { path: root.join("replies.jsonl"), file: None }
    }

    /// Appends the messages and returns when they are durable.
    pub(crate) fn append(&mut self, replies: &ReplyBatch, at: UnixMicros) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.path.clone(), action: "can't keep replies", source };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().append(true).create(true).open(&self.path).map_err(failed)?),
        };
        let mut lines = String::new();
        for reply in replies.iter() {
            let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
            let line = json!({
                "at_us": at.0,
                "from": String::from_utf8_lossy(reply.source),
                "to": String::from_utf8_lossy(reply.destination),
                "data_coding": reply.item.data_coding,
                "esm_class": reply.item.esm_class,
                "octets": hex(reply.text),
                "tlvs": hex(reply.tlvs),
                "unreadable": (reply.item.kind == ReplyKind::Unreadable).then(|| hex(reply.raw)),
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
    }
}
