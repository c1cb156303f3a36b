//! The campaign's message: from a row's values to text and segments.

use std::ops::Range;

use volley_core::{Msisdn, Template};
use volley_smpp::text::{Encoding, SegmentOptions, Segments, Smart, TooManySegments};

use super::{
    CompiledText, HOLD_OUT, Locale,
    choice::{Choice, Locales},
    logic::{LogicError, LogicText},
};
use crate::options::{CampaignOptions, EmptyPolicy};

/// The campaign's message.
#[derive(Debug, Clone)]
pub(crate) struct MessageFormat {
    pub(crate) segments: SegmentOptions,
    pub(crate) sender: String,
    /// What it needs of a row; the first columns that a plan keeps are these.
    columns: Vec<String>,
    /// By variant; 0 is the message's own.
    texts: Vec<Option<Text>>,
    choice: Choice,
    locales: Locales,
    /// What an empty field becomes, by column.
    empty: Vec<Option<EmptyPolicy>>,
    /// Columns whose values smart encoding leaves alone.
    kept_columns: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Text {
    /// Its columns are those of the whole message.
    Plain(Template),
    /// With the index of each of its columns in the whole message.
    Logic(LogicText, Vec<usize>),
}

/// A message's text and segments, in buffers that are used again.
#[derive(Default)]
pub(crate) struct Composed {
    pub(crate) text: String,
    pub(crate) segments: Segments,
    kept: Vec<Range<usize>>,
}

impl Composed {
    /// Whether its text needs 16 bits for each character.
    pub(crate) fn is_ucs2(&self) -> bool {
        !self.segments.is_empty() && self.segments.encoding() == Encoding::Ucs2
    }

    /// That a recipient would read something.
    pub(crate) fn check_not_blank(&self, variant: u8) -> Result<(), Unmade> {
        if variant != HOLD_OUT && self.text.trim().is_empty() { Err(Unmade::Blank) } else { Ok(()) }
    }
}

/// Why a row has no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmade {
    /// No variant's conditions hold, and there is no text for all others.
    NoText,
    /// Its text needs this column, and it is empty.
    Empty { column: Option<usize>, stops: bool },
    /// Its text can't be made.
    Failed(String),
    /// Nothing but blanks would be left.
    Blank,
    /// It does not fit.
    TooManySegments(TooManySegments),
}

impl MessageFormat {
    /// From texts that were checked when the file was read.
    pub(crate) fn new(options: &CampaignOptions, segments: SegmentOptions) -> Result<Self, super::TextError> {
        let message = &options.message;
        let mut columns: Vec<String> = Vec::new();
        let mut column = |name: &str| {
            columns.iter().position(|known| known == name).unwrap_or_else(|| {
                columns.push(name.to_owned());
                columns.len() - 1
            })
        };
        let mut texts = Vec::new();
        for source in message.texts() {
            let text = match source.is_empty().then_some(()) {
                Some(()) => None,
                None => Some(match CompiledText::compile(source)? {
                    CompiledText::Plain(template) => Text::Plain(template.renumbered(&mut column)),
                    CompiledText::Logic(logic) => {
                        let indexes = logic.columns().iter().map(|name| column(name)).collect();
                        Text::Logic(logic, indexes)
                    }
                }),
            };
            texts.push(text);
        }
        let locale_column = options.audience.locale_column.as_deref();
        let has_logic = texts.iter().any(|text| matches!(text, Some(Text::Logic(..))));
        let choice = Choice::new(message, &options.name, locale_column, &mut column);
        let default = message.locale.as_deref().and_then(Locale::find).unwrap_or_else(Locale::fallback);
        let locales = Locales { column: locale_column.filter(|_| has_logic).map(&mut column), default };
        let empty = columns.iter().map(|name| message.empty.get(name).cloned()).collect();
        let kept = columns.iter().zip(0..).filter(|(column, _)| message.keep.contains(column));
        let kept_columns = kept.map(|(_, index)| index).collect();
        let sender = message.sender.clone();
        Ok(Self { segments, sender, columns, texts, choice, locales, empty, kept_columns })
    }

    /// The columns that it needs of a list: values are asked for by their indexes.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Which text a row gets.
    pub(crate) fn variant<'a>(&self, number: Msisdn, value: impl Fn(usize) -> &'a str) -> Result<u8, Unmade> {
        self.choice.of(number, value).ok_or(Unmade::NoText)
    }

    /// That no field which the text prints is empty without being told what to do then.
    pub(crate) fn check_fields<'a>(&self, variant: u8, value: impl Fn(usize) -> &'a str) -> Result<(), Unmade> {
        let refuse = |index: usize, is_needed: bool| match self.empty.get(index).and_then(Option::as_ref) {
            Some(EmptyPolicy::Default(_)) => None,
            Some(EmptyPolicy::Skip) => Some(Unmade::Empty { column: Some(index), stops: false }),
            Some(EmptyPolicy::Stop) => Some(Unmade::Empty { column: Some(index), stops: true }),
            None => is_needed.then_some(Unmade::Empty { column: Some(index), stops: false }),
        };
        let is_empty = |index: usize| value(index).trim().is_empty();
        let refused = match self.text(variant) {
            Some(Text::Plain(template)) => {
                template.numbers().filter(|index| is_empty(*index)).find_map(|index| refuse(index, true))
            }
            // It may ask for a field without printing it.
            Some(Text::Logic(_, indexes)) => {
                indexes.iter().filter(|index| is_empty(**index)).find_map(|index| refuse(*index, false))
            }
            None => None,
        };
        refused.map_or(Ok(()), Err)
    }

    fn text(&self, variant: u8) -> Option<&Text> {
        self.texts.get(usize::from(variant))?.as_ref()
    }

    /// Fills in a row's values and cuts the text: the same way when a list is checked and when it
    /// is sent. A row that gets nothing has no segments.
    pub(crate) fn compose<'a>(
        &'a self,
        variant: u8,
        value: impl Fn(usize) -> &'a str,
        composed: &mut Composed,
    ) -> Result<(), Unmade> {
        let Composed { text, segments, kept } = composed;
        text.clear();
        kept.clear();
        segments.clear();
        if variant == HOLD_OUT {
            return Ok(());
        }
        let filled = |index: usize| {
            let given = value(index);
            match self.empty.get(index) {
                Some(Some(EmptyPolicy::Default(other))) if given.trim().is_empty() => other.as_str(),
                Some(_) | None => given,
            }
        };
        match self.text(variant) {
            None => return Err(Unmade::NoText),
            Some(Text::Plain(template)) => template.render_marking(text, filled, |column, place| {
                if self.kept_columns.contains(&column) {
                    kept.push(place);
                }
            }),
            Some(Text::Logic(logic, indexes)) => {
                let column = |own: usize| indexes.get(own).copied().unwrap_or_default();
                let made = logic.render(text, |own| filled(column(own)), self.locales.of(&value));
                made.map_err(|error| match error {
                    LogicError::Empty(own) => Unmade::Empty { column: own.map(column), stops: false },
                    LogicError::Failed(what) => Unmade::Failed(what),
                })?;
                self.keep_where_it_stands(text, filled, kept);
            }
        }
        segments.cut_keeping(text, kept, &self.segments).map_err(Unmade::TooManySegments)
    }

    /// Cuts a text that was composed as another level of smart encoding would, however long it gets.
    pub(crate) fn cut_at(&self, composed: &Composed, smart: Smart, segments: &mut Segments) {
        let options = SegmentOptions { smart, max_segments: u8::MAX, ..self.segments };
        let _ = segments.cut_keeping(&composed.text, &composed.kept, &options);
    }

    /// A text with logic doesn't say where it put a value: wherever it stands it is kept.
    fn keep_where_it_stands<'a>(&self, text: &str, value: impl Fn(usize) -> &'a str, kept: &mut Vec<Range<usize>>) {
        for piece in self.kept_columns.iter().map(|index| value(*index)).filter(|piece| !piece.is_empty()) {
            kept.extend(text.match_indices(piece).map(|(at, piece)| at..at + piece.len()));
        }
        kept.sort_by_key(|range| (range.start, range.end));
        let mut end = 0;
        kept.retain(|range| {
            let is_free = range.start >= end;
            end = if is_free { range.end } else { end };
            is_free
        });
    }
}
