//! What a person does with the suppression list.

use jiff::Timestamp;
use volley_core::Msisdn;
use volley_ingest::number;
use volley_reconciler::{SuppressCause, record::SuppressChange};

use crate::{
    Engine, Error,
    numbers::{NumberKey, Suppressed},
};

impl Engine {
    /// Puts a number on the suppression list. Campaigns pass it over from here on.
    ///
    /// # Errors
    /// When it is no number, or the list can't be written.
    pub fn suppress(&mut self, number: &str) -> Result<(), Error> {
        self.change_suppression(number, SuppressChange::Add)
    }

    /// Takes a number off it.
    ///
    /// # Errors
    /// As [`Engine::suppress`].
    pub fn lift_suppression(&mut self, number: &str) -> Result<(), Error> {
        self.change_suppression(number, SuppressChange::Lift)
    }

    /// Since when a number is on the list, and how it came there; `None` when it isn't.
    ///
    /// # Errors
    /// When it is no number, or the list can't be read.
    pub fn suppression(&self, number: &str) -> Result<Option<(String, &'static str)>, Error> {
        let found = self.suppressed()?.since(read(number)?);
        Ok(found.map(|(since, cause)| {
            let since = i64::try_from(since.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
            (since.map(|since| format!("{since:.3}")).unwrap_or_default(), cause.name())
        }))
    }

    fn change_suppression(&mut self, number: &str, change: SuppressChange) -> Result<(), Error> {
        let number = read(number)?;
        let mut suppressed = self.suppressed()?;
        let entry = suppressed.change(number, change, SuppressCause::Person, self.ground.clock.wall(), 0);
        self.record(|events| events.suppress(&entry))
    }

    /// The list with the key that it is asked with.
    pub(crate) fn suppressed(&self) -> Result<Suppressed, Error> {
        let list = self.ledger.suppressed().clone();
        Ok(Suppressed::new(NumberKey::open(&self.dir, !list.is_empty())?, list))
    }
}

fn read(number: &str) -> Result<Msisdn, Error> {
    match number::normalise(number, None) {
        Ok(number) => Ok(number.msisdn),
        Err(error) => Err(Error::NoNumber { why: error.to_string() }),
    }
}
