//! One suppression list.

use std::collections::{HashMap, hash_map};

use foldhash::fast::FixedState;
use volley_core::{RecipientCheck, UnixMicros};

use super::NumberHash;
use crate::varint::Cursor;

/// How a number came on a suppression list; the later ones weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SuppressCause {
    /// It replied with a word that opts out.
    Reply = 0,
    /// A person put it there.
    Person = 1,
    /// Its owner was erased: nobody takes it off again.
    Erased = 2,
    /// Its campaign holds it out, to compare with: of rows alone, no list has it.
    HoldOut = 3,
}

impl SuppressCause {
    pub(crate) const ALL: [Self; 4] = [Self::Reply, Self::Person, Self::Erased, Self::HoldOut];

    /// Of a row that is not sent, for reports.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Reply => "suppressed: replied to opt out",
            Self::Person => "suppressed: put on the list by a person",
            Self::Erased => "suppressed: erased",
            Self::HoldOut => "suppressed: hold-out",
        }
    }

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Person => "person",
            Self::Erased => "erased",
            Self::HoldOut => "hold-out",
        }
    }
}

/// One number on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Since when, to the second.
    pub since: UnixMicros,
    /// From when on it counts no more, to the second; `None` for never.
    pub expires: Option<UnixMicros>,
    /// How it came there.
    pub cause: SuppressCause,
    /// The number's check.
    pub check: RecipientCheck,
}

const SECOND: u64 = 1_000_000;
/// Octets of an entry in the store: hash, since, expiry, check, cause.
const ENTRY: usize = 16 + 4 + 4 + 2 + 1;

/// What is kept of one number, small: there may be millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed {
    since_s: u32,
    /// 0 for never.
    expires_s: u32,
    check: RecipientCheck,
    cause: SuppressCause,
}

impl Packed {
    fn new(from: &Suppression) -> Self {
        let seconds = |at: UnixMicros| u32::try_from(at.0 / SECOND).unwrap_or(u32::MAX);
        Self {
            since_s: seconds(from.since),
            expires_s: from.expires.map_or(0, |at| seconds(at).max(1)),
            check: from.check,
            cause: from.cause,
        }
    }

    fn unpack(self) -> Suppression {
        let at = |seconds: u32| UnixMicros(u64::from(seconds) * SECOND);
        Suppression {
            since: at(self.since_s),
            expires: (self.expires_s > 0).then(|| at(self.expires_s)),
            cause: self.cause,
            check: self.check,
        }
    }

    fn holds(self, now: UnixMicros) -> bool {
        self.expires_s == 0 || now.0 / SECOND < u64::from(self.expires_s)
    }
}

/// The numbers of one list.
#[derive(Debug, Clone, Default)]
pub struct SuppressList {
    numbers: HashMap<NumberHash, Packed, FixedState>,
    /// How many numbers on the list have each check; most rows need no hash to be told apart.
    by_check: HashMap<RecipientCheck, u32, FixedState>,
}

impl SuppressList {
    /// Whether nobody is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many are on it, expired ones among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number with this hash, if it is on the list and not expired at `now`.
    #[must_use]
    pub fn get(&self, number: &NumberHash, now: UnixMicros) -> Option<Suppression> {
        self.numbers.get(number).filter(|found| found.holds(now)).map(|found| found.unpack())
    }

    /// All of it, in no order, expired ones among them.
    pub fn iter(&self) -> impl Iterator<Item = (&NumberHash, Suppression)> {
        self.numbers.iter().map(|(number, packed)| (number, packed.unpack()))
    }

    pub(super) fn may_hold(&self, check: RecipientCheck) -> bool {
        self.by_check.contains_key(&check)
    }

    /// Adds a number. One that is there stays since when it was; the weightier cause and the later
    /// end stand. One that has expired by then begins anew.
    pub(super) fn insert(&mut self, number: NumberHash, suppression: Suppression) {
        let new = Packed::new(&suppression);
        match self.numbers.entry(number) {
            hash_map::Entry::Vacant(free) => {
                free.insert(new);
                *self.by_check.entry(new.check).or_default() += 1;
            }
            hash_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if !known.holds(suppression.since) {
                    *known = new;
                    return;
                }
                known.cause = known.cause.max(new.cause);
                let forever = |expires_s| if expires_s == 0 { u32::MAX } else { expires_s };
                if forever(new.expires_s) > forever(known.expires_s) {
                    known.expires_s = new.expires_s;
                }
            }
        }
    }

    /// Takes a number off. What a person put there a reply doesn't take off: whoever opts in takes
    /// back an opt-out of their own, no decision of others.
    pub(super) fn lift(&mut self, number: &NumberHash, cause: SuppressCause) {
        let is_theirs = self.numbers.get(number).is_some_and(|known| known.cause <= cause);
        if is_theirs
            && let Some(lifted) = self.numbers.remove(number)
            && let hash_map::Entry::Occupied(mut n) = self.by_check.entry(lifted.check)
        {
            *n.get_mut() -= 1;
            if *n.get() == 0 {
                n.remove();
            }
        }
    }
}

/// Appends one number as the store keeps it.
pub(super) fn put(out: &mut Vec<u8>, number: &NumberHash, suppression: Suppression) {
    let packed = Packed::new(&suppression);
    out.extend(number.0);
    out.extend(packed.since_s.to_le_bytes());
    out.extend(packed.expires_s.to_le_bytes());
    out.extend(packed.check.0.to_le_bytes());
    out.push(packed.cause as u8);
}

/// Gives every number that [`put`] wrote; `None` when something else stands there.
pub(super) fn each(octets: &[u8], mut each: impl FnMut(NumberHash, Suppression)) -> Option<()> {
    let entries = octets.chunks_exact(ENTRY);
    entries.remainder().is_empty().then_some(())?;
    for entry in entries {
        let (number, rest) = entry.split_first_chunk()?;
        let (since_s, rest) = rest.split_first_chunk()?;
        let (expires_s, rest) = rest.split_first_chunk()?;
        let (check, rest) = rest.split_first_chunk()?;
        let cause = SuppressCause::ALL.get(usize::from(*rest.first()?)).copied()?;
        let packed = Packed {
            since_s: u32::from_le_bytes(*since_s),
            expires_s: u32::from_le_bytes(*expires_s),
            check: RecipientCheck(u16::from_le_bytes(*check)),
            cause,
        };
        each(NumberHash(*number), packed.unpack());
    }
    Some(())
}

/// One number as older versions kept it under a key of its own.
pub(super) fn single(value: &[u8]) -> Option<Suppression> {
    let cursor = &mut Cursor::new(value);
    let since = UnixMicros(cursor.u64()?);
    let cause = SuppressCause::ALL.get(usize::from(cursor.u8()?)).copied()?;
    let check = RecipientCheck(cursor.u16()?);
    cursor.is_empty().then_some(Suppression { since, expires: None, cause, check })
}
