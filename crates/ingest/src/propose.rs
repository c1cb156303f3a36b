//! Which column holds what, proposed by looking at the beginning of a list.

use std::ops::ControlFlow;

use serde::Serialize;

use crate::{
    Error, ListForm, ListOptions,
    blocks::{Block, Blocks},
    number::{NumberReader, is_country, is_time_zone},
    record::{Quoting, Walk, walk},
};

/// Rows that are looked at.
const SAMPLE_ROWS: u64 = 1_000;
/// Of the values of a column, how many must be what it is proposed for, in percent.
const ENOUGH: u64 = 80;
/// The same for numbers: exports are full of broken ones.
const ENOUGH_NUMBERS: u64 = 40;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The number: `to`.
    Number,
    /// The recipient's name, for the text.
    Name,
    /// The country: `country-column`.
    Country,
    /// The time zone: `time-zone-column`.
    TimeZone,
    /// The language: `locale-column`.
    Locale,
    /// The date of consent: `consent-column`.
    Consent,
    /// How long the message may be tried: `validity-column`.
    Validity,
    /// What a carrier wants in a field of its own: `column` of its `tlvs`.
    CarrierField,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Number,
        Self::Country,
        Self::TimeZone,
        Self::Locale,
        Self::Consent,
        Self::Validity,
        Self::CarrierField,
        Self::Name,
    ];

    /// The words for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "numbers",
            Self::Name => "names",
            Self::Country => "countries",
            Self::TimeZone => "time zones",
            Self::Locale => "languages",
            Self::Consent => "dates of consent",
            Self::Validity => "times of validity",
            Self::CarrierField => "fields for a carrier",
        }
    }

    /// Where in the campaign file it is named; names stand in the text.
    #[must_use]
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Number => Some("to"),
            Self::Country => Some("country-column"),
            Self::TimeZone => Some("time-zone-column"),
            Self::Locale => Some("locale-column"),
            Self::Consent => Some("consent-column"),
            Self::Validity => Some("validity-column"),
            Self::Name | Self::CarrierField => None,
        }
    }

    /// Parts of names that such columns have.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Number => &["phone", "mobile", "msisdn", "number", "tel", "cell", "gsm", "handy", "recipient", "to"],
            Self::Name => &["name", "vorname", "nombre", "prenom", "prénom", "nome"],
            Self::Country => &["country", "land", "pays", "pais", "paese", "iso"],
            Self::TimeZone => &["zone", "tz"],
            Self::Locale => &["locale", "lang", "sprache", "idioma", "langue"],
            Self::Consent => &["consent", "opt_in", "optin", "opt-in", "einwilligung", "subscribed", "permission"],
            Self::Validity => &["valid", "expir", "ttl", "until", "gültig"],
            Self::CarrierField => &["template_id", "templateid", "entity_id", "pe_id", "peid", "dlt", "tlv"],
        }
    }

    /// Whether the column's name must say so: values alone look like other things.
    const fn needs_name(self) -> bool {
        match self {
            Self::Number | Self::Country | Self::TimeZone => false,
            Self::Name | Self::Locale | Self::Consent | Self::Validity | Self::CarrierField => true,
        }
    }
}

/// A column and what it seems to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposedColumn {
    /// What it seems to hold.
    pub role: Role,
    /// Its name.
    pub column: String,
    /// Why, for people.
    pub reason: String,
}

/// What the beginning of a list says of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The form of the list.
    pub form: ListForm,
    /// All columns.
    pub header: Vec<String>,
    /// One column at most for each role.
    pub columns: Vec<ProposedColumn>,
}

impl Proposal {
    /// The column proposed for a role.
    #[must_use]
    pub fn column(&self, role: Role) -> Option<&ProposedColumn> {
        self.columns.iter().find(|proposed| proposed.role == role)
    }
}

/// What was seen of a column.
#[derive(Default, Clone)]
struct Column {
    n_values: u64,
    n_like: [u64; Role::ALL.len()],
}

/// Looks at the first thousand rows of a list. `to` of the options is not needed.
///
/// # Errors
/// When the list can't be read, or has no header.
pub fn propose(options: &ListOptions) -> Result<Proposal, Error> {
    let (mut blocks, header) = Blocks::open(options)?;
    let numbers = NumberReader::new(options.default_country.as_deref());
    let mut columns = vec![Column::default(); header.len()];
    let mut block = Block::default();
    let mut n_rows = 0;
    while n_rows < SAMPLE_ROWS && blocks.next(options, &mut block)? {
        walk(&block, blocks.csv(), &mut Walk::default(), &mut |record, found| {
            if found.quoting == Quoting::Sound && record.len() == header.len() {
                for (column, field) in columns.iter_mut().zip(record.iter()) {
                    let field = std::str::from_utf8(field).unwrap_or_default().trim();
                    column.see(field, &numbers);
                }
                n_rows += 1;
            }
            if n_rows < SAMPLE_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }
    let mut proposed: Vec<ProposedColumn> = Vec::new();
    for role in Role::ALL {
        let free = header.iter().zip(&columns).filter(|(name, _)| !proposed.iter().any(|other| other.column == **name));
        let best = free.filter_map(|(name, column)| Some((column.score(role, name)?, name, column)));
        // The first of equals.
        let best = best.reduce(|best, other| if other.0 > best.0 { other } else { best });
        if let Some((_, name, column)) = best {
            let (n, of) = (column.like(role), column.n_values);
            let called = if role.is_called(name) { format!(", and it is called `{name}`") } else { String::new() };
            let reason = format!("{n} of {of} values are {}{called}", role.name());
            proposed.push(ProposedColumn { role, column: name.clone(), reason });
        }
    }
    Ok(Proposal { form: blocks.form(), header, columns: proposed })
}

impl Role {
    fn is_called(self, name: &str) -> bool {
        let name = name.to_lowercase();
        // Two letters are a word of their own or nothing.
        let is_in = |word: &str| match word.len() {
            ..=2 => name.split(|c: char| !c.is_alphanumeric()).any(|part| part == word),
            _ => name.contains(word),
        };
        self.words().iter().any(|word| is_in(word))
    }

    fn is_like(self, value: &str, numbers: &NumberReader) -> bool {
        match self {
            Self::Number => {
                let n_digits = value.chars().filter(|c| c.is_numeric()).count();
                n_digits >= 7 && numbers.read(value).is_ok_and(|number| number.kind.can_get_sms())
            }
            Self::Name => value.chars().any(char::is_alphabetic) && !value.chars().any(|c| c.is_ascii_digit()),
            Self::Country => value.len() == 2 && is_country(&value.to_ascii_uppercase()),
            Self::TimeZone => is_time_zone(value),
            Self::Locale => is_locale(value),
            Self::Consent => is_date(value),
            Self::Validity => is_date(value) || is_duration(value),
            Self::CarrierField => true,
        }
    }
}

impl Column {
    fn see(&mut self, value: &str, numbers: &NumberReader) {
        if value.is_empty() {
            return;
        }
        self.n_values += 1;
        for (n, role) in self.n_like.iter_mut().zip(Role::ALL) {
            *n += u64::from(role.is_like(value, numbers));
        }
    }

    fn like(&self, role: Role) -> u64 {
        let all = self.n_like.iter().zip(Role::ALL);
        all.filter(|(_, known)| *known == role).map(|(n, _)| *n).sum()
    }

    /// How much speaks for it, in percent; a name counts as much as half of the values.
    fn score(&self, role: Role, name: &str) -> Option<u64> {
        let is_called = role.is_called(name);
        let percent = self.like(role) * 100 / self.n_values.max(1);
        let enough = if role == Role::Number { ENOUGH_NUMBERS } else { ENOUGH };
        // `de` is a language too: what a column is called goes before what its values look like.
        let is_called_otherwise = !is_called && Role::ALL.iter().any(|other| other.is_called(name));
        let fits = self.n_values > 0 && percent >= enough && (is_called || !role.needs_name()) && !is_called_otherwise;
        fits.then_some(percent + if is_called { 50 } else { 0 })
    }
}

/// A language of two or three letters, perhaps with a country.
fn is_locale(value: &str) -> bool {
    let mut parts = value.split(['-', '_']);
    let is_language = |part: &str| matches!(part.len(), 2 | 3) && part.chars().all(|c| c.is_ascii_alphabetic());
    parts.next().is_some_and(is_language) && parts.all(|part| matches!(part.len(), 2..=4)) && value.len() <= 10
}

/// Three groups of digits in the order of a date, and perhaps a time.
fn is_date(value: &str) -> bool {
    let date = value.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['-', '.', '/']).collect();
    let is_number = |part: &&str| part.len() <= 4 && part.parse::<u16>().is_ok();
    parts.len() == 3 && parts.iter().all(is_number) && parts.iter().any(|part| part.len() == 4)
}

/// A number and a unit.
fn is_duration(value: &str) -> bool {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < value.len() && matches!(unit.trim(), "s" | "m" | "min" | "h" | "d" | "days" | "hours" | "minutes")
}
