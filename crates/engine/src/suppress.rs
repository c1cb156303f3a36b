//! What people do with suppression lists.
//!
//! Whether somebody gets nothing is a matter of keyed hashes in the journal. The numbers behind
//! them, with where they came from and why, stand in a file for each list (`suppress/NAME.tsv`),
//! which can be rewritten when somebody is erased.

mod file;
mod import;
mod show;

use std::collections::HashSet;

use volley_core::{Msisdn, UnixMicros};
use volley_reconciler::{
    GLOBAL_LIST, ListIndex, SuppressCause, Suppression,
    record::{BatchEntry, SuppressChange},
};

use self::file::Known;
use crate::{
    Engine, Error,
    erase::{in_words, read},
    numbers::{NumberKey, Suppressed},
};

pub use import::{BadRow, Imported, SuppressImport};
pub use show::{ListFacts, SuppressedRow, write_suppressed_csv};

/// Numbers of one journal record of an import: 19 to 24 octets each.
const BATCH: usize = 32_768;

/// How a number comes on a list, or off it.
#[derive(Debug, Clone, Default)]
pub struct SuppressOptions {
    /// The list's name; the global one where it isn't given.
    pub list: Option<String>,
    /// Country (ISO 3166) of numbers without a country code.
    pub country: Option<String>,
    /// Where they come from, in words.
    pub source: String,
    /// Why, in words.
    pub reason: String,
    /// From when on they count no more.
    pub expires: Option<UnixMicros>,
}

/// A list that a number is on.
#[derive(Debug, Clone)]
pub struct OnList {
    /// The list's name.
    pub list: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Until when, RFC 3339; `None` for good.
    pub expires: Option<String>,
    /// How it came there.
    pub cause: &'static str,
    /// Where it came from, as far as known.
    pub source: String,
    /// Why, as far as known.
    pub reason: String,
}

impl SuppressOptions {
    pub(crate) fn list(&self) -> &str {
        self.list.as_deref().unwrap_or(GLOBAL_LIST)
    }
}

impl Engine {
    /// Puts a number on a suppression list, which begins to be where it wasn't. Campaigns that keep
    /// to it pass the number over from here on.
    ///
    /// # Errors
    /// When it is no number, the list's name can't be one, or the list can't be written.
    pub fn suppress(&mut self, number: &str, options: &SuppressOptions) -> Result<(), Error> {
        let number = read(number, options.country.as_deref())?;
        let list = self.list_to_write(options.list())?;
        let at = self.ground.clock.wall();
        let SuppressOptions { source, reason, expires, .. } = options;
        let known = Known { number, since: at, expires: *expires, source: source.clone(), reason: reason.clone() };
        file::append(&self.dir.suppress_file(options.list()), &[known])?;
        self.change(list, at, SuppressChange::Add, &[(number, *expires)])
    }

    /// Takes a number off a list.
    ///
    /// # Errors
    /// As [`Engine::suppress`], and when no list has that name.
    pub fn lift_suppression(&mut self, number: &str, options: &SuppressOptions) -> Result<(), Error> {
        let number = read(number, options.country.as_deref())?;
        let list = self.list_to_read(options.list())?;
        self.change(list, self.ground.clock.wall(), SuppressChange::Lift, &[(number, None)])?;
        file::rewrite(&self.dir.suppress_file(options.list()), &HashSet::from([number.as_u64()]), &[])
    }

    /// The lists that a number is on now.
    ///
    /// # Errors
    /// When it is no number, or the lists can't be read.
    pub fn suppression(&self, number: &str, options: &SuppressOptions) -> Result<Vec<OnList>, Error> {
        let number = read(number, options.country.as_deref())?;
        let lists = self.ledger.suppressed();
        let key = self.number_key()?;
        let mut on = Vec::new();
        for (index, name) in lists.names().filter(|(_, name)| options.list.as_deref().is_none_or(|list| list == *name))
        {
            let Some(found) = lists.get(&[index], number.check(), self.ground.clock.wall(), || key.hash(number)) else {
                continue;
            };
            let mut of_file = (String::new(), String::new());
            file::read(&self.dir.suppress_file(name), |known| {
                if known.number == number {
                    of_file = (known.source, known.reason);
                }
            })?;
            let Suppression { since, expires, cause, check: _ } = found;
            let (source, reason) = of_file;
            let (since, expires) = (in_words(since), expires.map(in_words));
            on.push(OnList { list: name.to_owned(), since, expires, cause: cause.name(), source, reason });
        }
        Ok(on)
    }

    /// The lists that apply to a campaign, with the key that they are asked with.
    ///
    /// # Errors
    /// When there is no list of that name.
    pub(crate) fn suppressed(&self, names: &[String]) -> Result<Suppressed, Error> {
        let applying = names.iter().map(|name| self.list_to_read(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Suppressed::new(self.number_key()?, self.ledger.suppressed(), &applying))
    }

    fn number_key(&self) -> Result<NumberKey, Error> {
        NumberKey::open(&self.dir, !self.ledger.suppressed().is_empty())
    }

    pub(crate) fn list_to_read(&self, name: &str) -> Result<ListIndex, Error> {
        let lists = self.ledger.suppressed();
        lists.find(name).ok_or_else(|| Error::NoList {
            name: name.to_owned(),
            known: lists.names().map(|(_, name)| name).collect::<Vec<_>>().join(", "),
        })
    }

    /// The list, which begins to be where it wasn't.
    fn list_to_write(&mut self, name: &str) -> Result<ListIndex, Error> {
        if let Some(list) = self.ledger.suppressed().find(name) {
            return Ok(list);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_name) {
            return Err(Error::BadListName { name: name.to_owned() });
        }
        let next = self.ledger.suppressed().next_list();
        let next = next.ok_or_else(|| Error::BadListName { name: name.to_owned() })?;
        self.record(|events| events.suppress_list(next, name))?;
        Ok(next)
    }

    fn change(
        &mut self,
        list: ListIndex,
        at: UnixMicros,
        change: SuppressChange,
        numbers: &[(Msisdn, Option<UnixMicros>)],
    ) -> Result<(), Error> {
        let key = self.number_key()?;
        for numbers in numbers.chunks(BATCH) {
            let entry = |(number, expires): &(Msisdn, _)| BatchEntry {
                number: key.hash(*number),
                check: number.check(),
                expires: *expires,
            };
            self.record(|events| {
                events.suppress_batch(list, at, change, SuppressCause::Person, numbers.iter().map(entry));
            })?;
        }
        Ok(())
    }
}
