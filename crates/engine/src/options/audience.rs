//! `[audience]`: who gets it, and how the list is read.

use std::path::Path;

use serde::{Deserialize, Serialize};
use volley_ingest::{
    Duplicates, Encoding,
    number::{KindPolicies, KindPolicy, NumberKind},
};

use super::FileError;

/// `[audience]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AudienceOptions {
    /// The recipients CSV, plain, gzip or zstd, relative to the campaign file; `-` for stdin.
    pub list: String,
    /// The column with the number; proposed by looking at the list when not given.
    #[serde(default)]
    pub to: Option<String>,
    /// Country (ISO 3166, two letters) of numbers written without a country code.
    #[serde(default)]
    pub default_country: Option<String>,
    /// The column with the country (two letters) of a row's number; an empty field is the default.
    #[serde(default)]
    pub country_column: Option<String>,
    /// The column with a row's time zone (an IANA name), where it is known better than by number.
    #[serde(default)]
    pub time_zone_column: Option<String>,
    /// The column with a row's language, such as `de` or `pt-BR`.
    #[serde(default)]
    pub locale_column: Option<String>,
    /// The column with the date on which the recipient agreed.
    #[serde(default)]
    pub consent_column: Option<String>,
    /// The column that says how long a row's message may be tried (`12h`), or until when
    /// (`2026-12-24T18:00:00Z`); an empty field is the campaign's `validity`.
    #[serde(default)]
    pub validity_column: Option<String>,
    /// The encoding of the list; found out from the file when not given.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// The CSV's delimiter; found out from the file when not given.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// What stands around fields: one sign, or `none`. Default `"`.
    #[serde(default)]
    pub quote: Option<String>,
    /// Whether the first row names the columns; else they are `column_1`, `column_2` and so on.
    #[serde(default = "yes")]
    pub header: bool,
    /// Which of several rows with the same number is sent to. Default the first.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// The list's numbers are clean E.164, checked elsewhere: their digits are taken as they stand.
    #[serde(default)]
    pub clean_e164: bool,
    /// Suppression lists that apply besides the global one, which always does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppress: Vec<String>,
    /// Landlines. As all kinds below: `reject`, the default, or `send`.
    #[serde(default = "reject")]
    pub landline: KindPolicy,
    /// Numbers that are free for who calls.
    #[serde(default = "reject")]
    pub toll_free: KindPolicy,
    /// Numbers that are dear for who calls.
    #[serde(default = "reject")]
    pub premium: KindPolicy,
    /// Numbers that both sides pay.
    #[serde(default = "reject")]
    pub shared_cost: KindPolicy,
    /// Lines over the internet.
    #[serde(default = "reject")]
    pub voip: KindPolicy,
    /// Numbers that go wherever their owner wants.
    #[serde(default = "reject")]
    pub personal: KindPolicy,
    /// Pagers.
    #[serde(default = "reject")]
    pub pager: KindPolicy,
    /// Access numbers of companies.
    #[serde(default = "reject")]
    pub company: KindPolicy,
    /// Voicemail boxes.
    #[serde(default = "reject")]
    pub voicemail: KindPolicy,
    /// Numbers of a possible length in no range that is known to be in use: tables lag behind.
    #[serde(default = "reject")]
    pub unknown_range: KindPolicy,
}

const fn yes() -> bool {
    true
}

const fn reject() -> KindPolicy {
    KindPolicy::Reject
}

impl AudienceOptions {
    /// Which kinds of numbers are sent to.
    #[must_use]
    pub fn kinds(&self) -> KindPolicies {
        let all = [
            (NumberKind::FixedLine, self.landline),
            (NumberKind::TollFree, self.toll_free),
            (NumberKind::PremiumRate, self.premium),
            (NumberKind::SharedCost, self.shared_cost),
            (NumberKind::Voip, self.voip),
            (NumberKind::Personal, self.personal),
            (NumberKind::Pager, self.pager),
            (NumberKind::Company, self.company),
            (NumberKind::Voicemail, self.voicemail),
            (NumberKind::Unknown, self.unknown_range),
        ];
        all.into_iter().fold(KindPolicies::default(), |kinds, (kind, policy)| kinds.with(kind, policy))
    }

    pub(super) fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let wrong = |key: &str, message: String| Err(FileError::new(path, message).at_key(text, key));
        if let Some(country) = &self.default_country
            && !(country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase()))
        {
            let message = format!("`default-country` is `{country}`: write two capital letters, such as \"DE\"");
            return wrong("default-country", message);
        }
        if self.clean_e164 && (self.default_country.is_some() || self.country_column.is_some()) {
            let message = "`clean-e164` takes the digits as they stand, and a country changes nothing: drop either";
            return wrong("clean-e164", message.to_owned());
        }
        if volley_ingest::is_stdin(Path::new(&self.list)) && self.to.is_none() {
            let message = "`list` is stdin, which can't be looked at beforehand: name the column with `to`";
            return wrong("list", message.to_owned());
        }
        Ok(())
    }
}
