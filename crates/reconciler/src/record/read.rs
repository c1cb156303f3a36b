//! Events out of a journal record, borrowed.

use volley_core::{CampaignId, CarrierIndex, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros};

use super::{
    Answer, AnswerEntry, Archive, Attempt, Control, DoubtCause, Event, EventError, FoldingStep, Head, InferredEntry,
    IntentEntry, QueriedEntry, ReceiptEntry, ReceiptFacts, Resolution, SuppressChange, SuppressEntry, Told, erased,
    kind, queried::told, tag, write::MICROS_PER_S,
};
use crate::{
    suppress::{ListIndex, NumberHash, SuppressCause},
    varint::Cursor,
};

/// The events of one record, in order. Every entry of an event is checked before the event is
/// given out, so folding never stops half-way through one.
#[derive(Debug)]
pub struct Events<'a> {
    cursor: Cursor<'a>,
    n_octets: usize,
    failed: bool,
}

impl<'a> Events<'a> {
    /// The events in `record`.
    #[must_use]
    pub const fn new(record: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(record), n_octets: record.len(), failed: false }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>, EventError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.cursor.is_empty() {
            return None;
        }
        let offset = self.n_octets - self.cursor.remaining();
        let kind = self.cursor.u8().unwrap_or_default();
        let event = self.cursor.prefixed().and_then(|body| event(kind, Cursor::new(body)));
        self.failed = event.is_none();
        Some(event.ok_or(EventError { kind, offset }))
    }
}

fn event(kind: u8, mut body: Cursor<'_>) -> Option<Event<'_>> {
    let body = &mut body;
    Some(match kind {
        kind::CARRIER => Event::Carrier { carrier: CarrierIndex(body.u8()?), name: text(body)? },
        kind::PLANNED => Event::Planned {
            campaign: CampaignId(body.u32()?),
            at: UnixMicros(body.u64()?),
            plan: serde_json::from_slice(body.prefixed()?).ok()?,
        },
        kind::BOUND => {
            Event::Bound { campaign: CampaignId(body.u32()?), carrier: CarrierIndex(body.u8()?), bound: body.u32()? }
        }
        kind::INTENT => {
            Event::Intent { head: head(body)?, leg: body.u8()?, entries: checked(IntentEntries::new(*body))? }
        }
        kind::ANSWERS => {
            let head = head(body)?;
            Event::Answers { head, entries: checked(AnswerEntries { cursor: *body, row: 0, at: head.at })? }
        }
        kind::IN_DOUBT => Event::InDoubt {
            head: head(body)?,
            cause: DoubtCause::ALL.get(usize::from(body.u8()?)).copied()?,
            tokens: checked(Tokens::new(*body))?,
        },
        kind::RETURNED => Event::Returned { head: head(body)?, tokens: checked(Tokens::new(*body))? },
        kind::RESOLVED => Event::Resolved {
            head: head(body)?,
            as_: Resolution::ALL.get(usize::from(body.u8()?)).copied()?,
            by: text(body)?,
            tokens: checked(Tokens::new(*body))?,
        },
        kind::RECEIPTS | kind::RECEIPTS_IN_FULL => {
            let (carrier, at, entries) = receipts(body, kind != kind::RECEIPTS)?;
            Event::Receipts { carrier, at, entries }
        }
        kind::REMATCHED => {
            let (carrier, at, entries) = receipts(body, true)?;
            Event::Rematched { carrier, at, entries }
        }
        kind::INFERRED => {
            Event::Inferred { head: head(body)?, entries: checked(InferredEntries { cursor: *body, row: 0 })? }
        }
        kind::AMBIGUOUS => Event::Ambiguous { carrier: CarrierIndex(body.u8()?), id: body.prefixed()? },
        kind::FOLDING => {
            let (carrier, mode, strip) = (CarrierIndex(body.u8()?), text(body)?, text(body)?);
            Event::Folding { carrier, mode, strip, step: FoldingStep::ALL.get(usize::from(body.u8()?)).copied()? }
        }
        kind::QUERIED => queried(body)?,
        kind::NO_RECEIPT => Event::NoReceipt { head: head(body)?, tokens: checked(Tokens::new(*body))? },
        kind::REPLY => Event::Reply { carrier: CarrierIndex(body.u8()?), at: UnixMicros(body.u64()?) },
        kind::SUPPRESS => Event::Suppress(suppress_entry(body)?),
        kind::ERASED => Event::Erased(serde_json::from_slice(body.prefixed()?).ok()?),
        kind::SUPPRESS_LIST => Event::SuppressList { list: ListIndex(body.u16()?), name: text(body)? },
        kind::SUPPRESS_BATCH => Event::SuppressBatch(erased::batch(body)?),
        kind::SUPPRESSED => Event::Suppressed {
            head: head(body)?,
            cause: SuppressCause::ALL.get(usize::from(body.u8()?)).copied()?,
            tokens: checked(Tokens::new(*body))?,
        },
        kind::MISSED => Event::Missed { head: head(body)?, tokens: checked(Tokens::new(*body))? },
        kind::ARCHIVED => archived(body)?,
        kind::ORDERED => Event::Ordered(serde_json::from_slice(body.prefixed()?).ok()?),
        kind::CANCELLED => cancelled(body)?,
        kind::CONTROL => Event::Control {
            campaign: CampaignId(body.u32()?),
            at: UnixMicros(body.u64()?),
            control: Control::ALL.get(usize::from(body.u8()?)).copied()?,
            why: text(body)?,
        },
        _ => return None,
    })
}

fn receipts<'a>(body: &mut Cursor<'a>, in_full: bool) -> Option<(CarrierIndex, UnixMicros, ReceiptEntries<'a>)> {
    let (carrier, at) = (CarrierIndex(body.u8()?), UnixMicros(body.u64()?));
    Some((carrier, at, checked(ReceiptEntries { cursor: *body, at, in_full })?))
}

fn queried<'a>(body: &mut Cursor<'a>) -> Option<Event<'a>> {
    Some(Event::Queried { head: head(body)?, entries: checked(QueriedEntries { cursor: *body, row: 0 })? })
}

fn archived<'a>(body: &mut Cursor<'a>) -> Option<Event<'a>> {
    let campaign = CampaignId(body.u32()?);
    let archive = Archive { at_us: body.u64()?, file: text(body)?.to_owned(), hash: text(body)?.to_owned() };
    Some(Event::Archived { campaign, archive })
}

fn cancelled<'a>(body: &mut Cursor<'a>) -> Option<Event<'a>> {
    let (campaign, at, from) = (CampaignId(body.u32()?), UnixMicros(body.u64()?), body.u32()?);
    Some(Event::Cancelled { campaign, at, rows: from..from.checked_add(body.u32()?)? })
}

fn suppress_entry(body: &mut Cursor<'_>) -> Option<SuppressEntry> {
    let at = UnixMicros(body.u64()?);
    let change = SuppressChange::ALL.get(usize::from(body.u8()?)).copied()?;
    let cause = SuppressCause::ALL.get(usize::from(body.u8()?)).copied()?;
    let (check, reply) = (RecipientCheck(body.u16()?), body.u64()?);
    let number = NumberHash(body.prefixed()?.try_into().ok()?);
    Some(SuppressEntry { at, number, check, change, cause, reply })
}

fn head(body: &mut Cursor<'_>) -> Option<Head> {
    Some(Head { campaign: CampaignId(body.u32()?), carrier: CarrierIndex(body.u8()?), at: UnixMicros(body.u64()?) })
}

fn text<'a>(body: &mut Cursor<'a>) -> Option<&'a str> {
    std::str::from_utf8(body.prefixed()?).ok()
}

fn row(cursor: &mut Cursor<'_>, previous: &mut u32) -> Option<RowIndex> {
    *previous = u32::try_from(i64::from(*previous).checked_add(cursor.i64()?)?).ok()?;
    Some(RowIndex(*previous))
}

/// What the entry iterators have in common: `Some(None)` at the end, `None` for nonsense.
pub(super) trait Entries: Clone {
    type Entry;
    fn entry(&mut self) -> Option<Option<Self::Entry>>;
}

pub(super) fn checked<E: Entries>(entries: E) -> Option<E> {
    let mut ahead = entries.clone();
    while ahead.entry()?.is_some() {}
    Some(entries)
}

macro_rules! iterate {
    ($($name:ident gives $entry:ty),+) => {$(
        impl<'a> Iterator for $name<'a> {
            type Item = $entry;

            fn next(&mut self) -> Option<Self::Item> {
                self.entry().flatten()
            }
        }
    )+};
}
iterate!(IntentEntries gives IntentEntry, AnswerEntries gives AnswerEntry<'a>, ReceiptEntries gives ReceiptEntry<'a>, InferredEntries gives InferredEntry<'a>, QueriedEntries gives QueriedEntry<'a>, Tokens gives MessageToken);

/// The rows of an intent.
#[derive(Debug, Clone)]
pub struct IntentEntries<'a> {
    cursor: Cursor<'a>,
    row: u32,
}

impl<'a> IntentEntries<'a> {
    const fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, row: 0 }
    }
}

impl Entries for IntentEntries<'_> {
    type Entry = IntentEntry;

    fn entry(&mut self) -> Option<Option<IntentEntry>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let row = row(&mut self.cursor, &mut self.row)?;
        let entry = match self.cursor.u8()? {
            0 => IntentEntry { row, n_segments: 1, only: None },
            n_segments => {
                let only = self.cursor.u8().map(|only| (only != u8::MAX).then_some(only))?;
                if only.is_some_and(|only| only >= n_segments) {
                    return None;
                }
                IntentEntry { row, n_segments, only }
            }
        };
        Some(Some(entry))
    }
}

/// The answers of one turn.
#[derive(Debug, Clone)]
pub struct AnswerEntries<'a> {
    cursor: Cursor<'a>,
    row: u32,
    at: UnixMicros,
}

impl<'a> Entries for AnswerEntries<'a> {
    type Entry = AnswerEntry<'a>;

    fn entry(&mut self) -> Option<Option<AnswerEntry<'a>>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let cursor = &mut self.cursor;
        let first = cursor.u8()?;
        let row = row(cursor, &mut self.row)?;
        let segment = if first & tag::SEGMENT == 0 { 0 } else { cursor.u8()? };
        let answer = match first & tag::KIND {
            tag::ACCEPTED => {
                let id = cursor.prefixed()?;
                let folded = if first & tag::FOLDED == 0 { None } else { Some(cursor.prefixed()?) };
                Answer::Accepted { id, folded, check: RecipientCheck(cursor.u16()?) }
            }
            tag::FAILED => Answer::Failed { status: cursor.u32()? },
            tag::DEFERRED => {
                let status = cursor.u32()?;
                Answer::Deferred { status, until: UnixMicros(self.at.0.checked_add(cursor.u64()?)?) }
            }
            _ => Answer::Throttled { status: cursor.u32()? },
        };
        Some(Some(AnswerEntry { token: MessageToken::new(row, segment), answer }))
    }
}

/// The receipts of one turn.
#[derive(Debug, Clone)]
pub struct ReceiptEntries<'a> {
    cursor: Cursor<'a>,
    at: UnixMicros,
    /// Whether raw ids and facts can stand there.
    in_full: bool,
}

impl<'a> Entries for ReceiptEntries<'a> {
    type Entry = ReceiptEntry<'a>;

    fn entry(&mut self) -> Option<Option<ReceiptEntry<'a>>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let cursor = &mut self.cursor;
        let first = cursor.u8()?;
        let state = ReceiptState::from_u8(first & 0x0F)?;
        let has = |tag| self.in_full && first & tag != 0;
        let id = cursor.prefixed()?;
        let raw = if has(tag::RAW) { Some(cursor.prefixed()?) } else { None };
        let err = if first & tag::ERR == 0 { &[][..] } else { cursor.prefixed()? };
        let check = if first & tag::CHECK == 0 { None } else { Some(RecipientCheck(cursor.u16()?)) };
        let facts = if has(tag::FACTS) { Some(facts(cursor, self.at)?) } else { None };
        Some(Some(ReceiptEntry { id, state, err, check, raw, facts }))
    }
}

fn facts(cursor: &mut Cursor<'_>, at: UnixMicros) -> Option<ReceiptFacts> {
    let submitted_s = (at.0 / MICROS_PER_S).checked_add_signed(cursor.i64()?.checked_neg()?)?;
    let recipient = u32::from_le_bytes(cursor.octets(4)?.try_into().ok()?);
    let submitted = UnixMicros(submitted_s.checked_mul(MICROS_PER_S)?);
    Some(ReceiptFacts { submitted, recipient, sender: cursor.u16()? })
}

/// The segments that receipts told of.
#[derive(Debug, Clone)]
pub struct InferredEntries<'a> {
    cursor: Cursor<'a>,
    row: u32,
}

impl<'a> Entries for InferredEntries<'a> {
    type Entry = InferredEntry<'a>;

    fn entry(&mut self) -> Option<Option<InferredEntry<'a>>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let row = row(&mut self.cursor, &mut self.row)?;
        let cursor = &mut self.cursor;
        let token = MessageToken::new(row, cursor.u8()?);
        let attempt = Attempt::ALL.get(usize::from(cursor.u8()?)).copied()?;
        let id = cursor.prefixed()?;
        let folded = Some(cursor.prefixed()?).filter(|folded| !folded.is_empty());
        Some(Some(InferredEntry { token, id, folded, check: RecipientCheck(cursor.u16()?), attempt }))
    }
}

/// The segments that a carrier was asked for.
#[derive(Debug, Clone)]
pub struct QueriedEntries<'a> {
    cursor: Cursor<'a>,
    row: u32,
}

impl<'a> Entries for QueriedEntries<'a> {
    type Entry = QueriedEntry<'a>;

    fn entry(&mut self) -> Option<Option<QueriedEntry<'a>>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let row = row(&mut self.cursor, &mut self.row)?;
        let cursor = &mut self.cursor;
        let token = MessageToken::new(row, cursor.u8()?);
        let n_asked = cursor.u8()?;
        let told = match cursor.u8()? {
            told::STATE => Told::State { state: ReceiptState::from_u8(cursor.u8()?)?, err: cursor.prefixed()? },
            told::REFUSED => Told::Refused { status: cursor.u32()? },
            told::NOTHING => Told::Nothing,
            _ => return None,
        };
        Some(Some(QueriedEntry { token, n_asked, told }))
    }
}

/// Segments that share one fate.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    cursor: Cursor<'a>,
    row: u32,
}

impl<'a> Tokens<'a> {
    const fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, row: 0 }
    }
}

impl Entries for Tokens<'_> {
    type Entry = MessageToken;

    fn entry(&mut self) -> Option<Option<MessageToken>> {
        if self.cursor.is_empty() {
            return Some(None);
        }
        let row = row(&mut self.cursor, &mut self.row)?;
        Some(Some(MessageToken::new(row, self.cursor.u8()?)))
    }
}
