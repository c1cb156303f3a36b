//! The ledger as a base of the journal: all that the store holds, from which it can be rebuilt when
//! the records before are gone.
//!
//! The first block is one octet, the format; every other holds entries of the store: key and value,
//! each with its length before it. The global record comes last, so that half a base restores
//! nothing.

use volley_journal::{Base, BaseWriter, View};

use super::{Checkpoint, Ledger};
use crate::{
    Error,
    store::{Batch, Store},
    varint::{Cursor, put_prefixed},
};

/// The format of what stands in a base. Its values have formats of their own, which must all stay
/// readable: there may be no older record to rebuild them from.
const FORMAT: u8 = 1;
/// Octets of one block, roughly.
const BLOCK_OCTETS: usize = 256 << 10;
const GLOBAL: &[u8] = b"g";

impl Ledger {
    /// Writes everything into `base`, which stands for the records folded so far. In memory there
    /// is one block at a time.
    ///
    /// # Errors
    /// When the store fails or the base can't be written; it never was then.
    ///
    /// # Panics
    /// When the base stands for other records than those folded: our own bug.
    pub fn write_base(&mut self, mut base: BaseWriter) -> Result<Base, Error> {
        assert_eq!(base.sequence().0, self.applied, "a base of other records");
        self.checkpoint(Checkpoint::All)?;
        base.put(&[FORMAT])?;
        let mut block = Vec::new();
        let put = |block: &mut Vec<u8>, key: &[u8], value: &[u8]| {
            put_prefixed(block, key);
            put_prefixed(block, value);
        };
        for entry in self.store.entries() {
            let (key, value) = entry?;
            if *key == *GLOBAL {
                continue;
            }
            put(&mut block, &key, &value);
            if block.len() >= BLOCK_OCTETS {
                base.put(&block)?;
                block.clear();
            }
        }
        let global = self.store.global()?.unwrap_or_default();
        put(&mut block, GLOBAL, &global);
        base.put(&block)?;
        Ok(base.finish()?)
    }

    /// From here on the journal holds no record before this one.
    pub const fn journal_begins_at(&mut self, first: volley_journal::Sequence) {
        self.journal_first = first.0;
    }
}

/// Fills an empty store from the journal's base; `false` when there is none.
pub(super) fn restore(store: &Store, journal: &View) -> Result<bool, Error> {
    let (Some(base), Some(mut reader)) = (journal.base(), journal.read_base()?) else { return Ok(false) };
    let format = reader.next()?.and_then(|block| block.first().copied()).unwrap_or_default();
    if format != FORMAT {
        return Err(Error::OtherBaseFormat { path: base.path().to_owned(), found: format });
    }
    // What a restore left that was killed.
    store.clear()?;
    let mut global = Vec::new();
    while let Some(block) = reader.next()? {
        let mut batch = Batch::default();
        let mut cursor = Cursor::new(block);
        while !cursor.is_empty() {
            let (Some(key), Some(value)) = (cursor.prefixed(), cursor.prefixed()) else {
                return Err(Error::OtherBaseFormat { path: base.path().to_owned(), found: format });
            };
            if key == GLOBAL {
                global = value.to_vec();
            } else {
                batch.raw(key, value);
            }
        }
        store.write(batch)?;
    }
    let mut batch = Batch::default();
    batch.global(global);
    store.write(batch)?;
    store.sync()?;
    Ok(true)
}
