//! Erasing people: `volley erase NUMBER`, and campaigns whose time is over.
//!
//! Four steps, so that a kill at any of them leaves either nothing done or all of it to be
//! finished by whoever opens the data directory next:
//!
//! 1. `erasing.json` says what was begun (of a person the number, which stands nowhere else by then).
//! 2. Every file that speaks of them is written anew beside itself, as `NAME.erasing`.
//! 3. One record of the journal says that it is so: the suppression of the number's keyed hash, and
//!    the content hash of each rewritten file that is held to what was approved. This is the moment
//!    at which the erasure has happened: before it the new files are thrown away and made again,
//!    after it they take the place of the old ones.
//! 4. The new files take their places, and `erasing.json` goes.
//!
//! The journal is not touched, as no number and no text stands in it: rows, states, times, keyed
//! hashes and the carriers' ids of messages stay, so that every sum does. Reports don't show the ids
//! of erased rows any more; at the carrier they lead to whatever the carrier has kept.

mod begun;
mod expired;
mod files;

use jiff::Timestamp;
use serde::Serialize;
use volley_core::{Clock as _, Msisdn, SystemClock, UnixMicros};
use volley_ingest::{Person, Whose, number};
use volley_journal::Journal;
use volley_reconciler::{
    Ledger, ListIndex, SuppressCause,
    record::{Erased, ErasedCause, SuppressChange},
};

use self::{
    begun::{Begun, What},
    files::Changes,
};
use crate::{DataDir, Engine, Error, engine::record, numbers::NumberKey, replies::WhoseReplies};

pub(crate) use self::begun::finish_begun;

/// Who is to be erased, and why.
pub struct ErasePerson<'a> {
    /// The number, as it is written.
    pub number: &'a str,
    /// Country (ISO 3166) of a number without a country code.
    pub country: Option<&'a str>,
    /// Who asks for it.
    pub by: &'a str,
    /// What for, in words. Words that name the number are not kept.
    pub why: &'a str,
}

/// What was erased.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Erasure {
    /// When, RFC 3339.
    pub at: String,
    /// Names of the campaigns that changed.
    pub campaigns: Vec<String>,
    /// Rows of frozen lists without number and values now.
    pub rows: u64,
    /// Rejected rows without values now.
    pub rejected: u64,
    /// Rows of others in which a value named the person, and is gone.
    pub mentions: u64,
    /// Replies without sender or text now.
    pub replies: u64,
    /// Other files of the data directory that named the person: suppression lists with their
    /// numbers, what simulated carriers remember, exports.
    pub files: u64,
    /// Files that could not be looked into, such as compressed ones.
    pub unread: Vec<String>,
    /// The lists outside of the data directory that the changed campaigns were frozen from: they are
    /// not ours to change.
    pub own_lists: Vec<String>,
    /// Whether the number was suppressed because of an erasure before.
    pub was_erased_before: bool,
}

impl Engine {
    /// Erases a person from everything in the data directory, and suppresses the number for good by
    /// its keyed hash. Sums stay as they were. Done again it finds nothing more.
    ///
    /// # Errors
    /// When it is no number, a file was damaged before or can't be read or written; what was begun
    /// then is finished by whoever opens the data directory next.
    pub fn erase(&mut self, who: &ErasePerson<'_>) -> Result<Erasure, Error> {
        let number = read(who.number, who.country)?;
        let person = Person::new(number);
        let kept = |words: &str| match person.is_named_in(words, None) {
            true => "(named the number)".to_owned(),
            false => words.to_owned(),
        };
        let (by, why) = (kept(who.by), kept(who.why));
        let what = What::Person { number: number.as_u64(), by, why };
        let at = self.ground.clock.wall();
        Eraser::of(self).begin(what, at)
    }

    /// A number as it may be shown.
    ///
    /// # Errors
    /// When it is none.
    pub fn masked(&self, number: &str, country: Option<&str>) -> Result<String, Error> {
        Ok(format!("+{}", read(number, country)?.masked()))
    }

    /// Erases everybody from the campaigns whose time is over at `now`. Gives their names.
    ///
    /// # Errors
    /// As [`Engine::erase`].
    pub fn erase_expired(&mut self, now: UnixMicros) -> Result<Vec<String>, Error> {
        let expired = expired::campaigns(&self.dir, &self.ledger, now)?;
        if expired.is_empty() {
            return Ok(Vec::new());
        }
        let what = What::Retention { campaigns: expired.iter().map(|id| id.0).collect() };
        let erasure = Eraser::of(self).begin(what, now)?;
        Ok(erasure.campaigns)
    }
}

/// A number as a person types it.
pub(crate) fn read(number: &str, country: Option<&str>) -> Result<Msisdn, Error> {
    if let Some(country) = country.filter(|country| !number::is_country(country)) {
        return Err(volley_ingest::Error::UnknownCountry { country: country.to_owned() }.into());
    }
    match number::normalise(number, country) {
        Ok(number) => Ok(number.msisdn),
        Err(error) => Err(Error::NoNumber { why: error.to_string() }),
    }
}

/// The time of the system's clock.
#[must_use]
pub fn now() -> UnixMicros {
    SystemClock.wall()
}

/// A date, midnight UTC, or a moment in RFC 3339.
#[must_use]
pub fn moment(text: &str) -> Option<UnixMicros> {
    let date = |text: &str| text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let at = text.parse::<Timestamp>().ok().or_else(|| date(text).map(|at| at.timestamp()))?;
    u64::try_from(at.as_microsecond()).ok().map(UnixMicros)
}

/// A data directory from which something is erased.
pub(crate) struct Eraser<'a> {
    dir: &'a DataDir,
    journal: &'a mut Journal,
    ledger: &'a mut Ledger,
}

impl<'a> Eraser<'a> {
    fn of(engine: &'a mut Engine) -> Self {
        Self { dir: &engine.dir, journal: &mut engine.journal, ledger: &mut engine.ledger }
    }

    fn begin(&mut self, what: What, at: UnixMicros) -> Result<Erasure, Error> {
        let begun = Begun { erasure: self.ledger.n_erasures() + 1, at_us: at.0, what };
        begun.write(self.dir)?;
        self.finish(&begun)
    }

    /// From wherever it stopped.
    fn finish(&mut self, begun: &Begun) -> Result<Erasure, Error> {
        let mut erasure = Erasure::default();
        if self.ledger.n_erasures() < begun.erasure {
            files::throw_away(self.dir)?;
            let changes = self.prepare(begun)?;
            erasure = self.commit(begun, changes)?;
        }
        files::put_in_place(self.dir)?;
        begun::remove(self.dir)?;
        Ok(erasure)
    }

    /// Writes all new files beside the old ones.
    fn prepare(&mut self, begun: &Begun) -> Result<Changes, Error> {
        let mut changes = Changes::default();
        match &begun.what {
            What::Person { number, .. } => {
                let person = Person::new(person_of(*number)?);
                let whose = Whose::Person(&person);
                files::look_through(self.dir, self.ledger, &whose, &mut changes)?;
                changes.replies = crate::replies::erase(self.dir.root(), &WhoseReplies::Person(&person))?;
            }
            What::Retention { campaigns } => {
                for id in campaigns.iter().copied().map(volley_core::CampaignId) {
                    files::campaign(self.dir, self.ledger, id, &Whose::Everyone, &mut changes)?;
                }
                let theirs = crate::replies::of_campaigns(self.dir, campaigns)?;
                changes.replies = crate::replies::erase(self.dir.root(), &WhoseReplies::Numbered(theirs))?;
            }
        }
        Ok(changes)
    }

    /// The record that says so. From here on the new files are what is true.
    fn commit(&mut self, begun: &Begun, changes: Changes) -> Result<Erasure, Error> {
        let at = UnixMicros(begun.at_us);
        let mut erased = Erased {
            at_us: begun.at_us,
            cause: ErasedCause::Retention,
            number: None,
            by: "retention".to_owned(),
            why: "the campaign's time is over".to_owned(),
            campaigns: changes.campaigns.clone(),
            replies: changes.replies,
            files: changes.files,
        };
        let mut suppress = None;
        let mut erasure = changes.told(self.ledger, at);
        if let What::Person { number, by, why } = &begun.what {
            let lists = self.ledger.suppressed().clone();
            let key = NumberKey::open(self.dir, !lists.is_empty())?;
            let number = person_of(*number)?;
            let known = lists.get(&[ListIndex::GLOBAL], number.check(), at, || key.hash(number));
            erasure.was_erased_before = known.is_some_and(|known| known.cause == SuppressCause::Erased);
            if erasure.was_erased_before && changes.is_empty() {
                // Asked again, and nothing was left: the journal has it already.
                return Ok(erasure);
            }
            let entry = key.entry(number, SuppressChange::Add, SuppressCause::Erased, at, 0);
            let hash = entry.number.0.iter().map(|octet| format!("{octet:02x}")).collect();
            (erased.cause, erased.number) = (ErasedCause::Person, Some(hash));
            (erased.by, erased.why) = (by.clone(), why.clone());
            suppress = Some(entry);
        }
        record(self.journal, self.ledger, |events| {
            suppress.iter().for_each(|entry| events.suppress(entry));
            events.erased(&erased);
        })?;
        Ok(erasure)
    }
}

fn person_of(number: u64) -> Result<Msisdn, Error> {
    Msisdn::from_u64(number).ok_or_else(|| Error::NoNumber { why: "erasing.json names none".to_owned() })
}

pub(crate) fn in_words(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.map_or_else(String::new, |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests;
