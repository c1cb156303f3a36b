//! The campaign file.

use std::{num::NonZeroU32, path::Path};

use serde::{Deserialize, Serialize};
use volley_smpp::text::Smart;

use super::{AudienceOptions, FileError, GuardOptions, HumanDuration, MessageOptions, ScheduleOptions, file_error};

/// `campaign.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignOptions {
    /// The campaign's name: 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// Which rules apply.
    #[serde(default)]
    pub class: Class,
    /// Who gets it.
    pub audience: AudienceOptions,
    /// What they get.
    pub message: MessageOptions,
    /// When and how fast.
    #[serde(default)]
    pub schedule: ScheduleOptions,
    /// How outcomes are treated.
    #[serde(default)]
    pub delivery: DeliveryOptions,
    /// What stops it, beforehand and while it runs.
    #[serde(default)]
    pub guards: GuardOptions,
    /// How replies are read.
    #[serde(default)]
    pub replies: ReplyOptions,
    /// How long people are kept.
    #[serde(default)]
    pub privacy: PrivacyOptions,
    /// Through which carriers.
    #[serde(rename = "route")]
    pub routes: Vec<RouteOptions>,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Advertising: all sending rules apply.
    #[default]
    Marketing,
    /// Asked for by what the recipient did.
    Transactional,
    /// One-time passwords.
    Otp,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Marketing, Self::Transactional, Self::Otp];

    /// As it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Transactional => "transactional",
            Self::Otp => "otp",
        }
    }
}

/// How far the text may be changed to fit the GSM alphabet (HANDBOOK B.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmartEncoding {
    /// Not at all.
    #[default]
    None,
    /// Typographic punctuation to plain.
    Punct,
    /// And accents that the GSM alphabet lacks.
    Accents,
    /// And letters that look alike.
    Lookalike,
    /// And Cyrillic and Greek in Latin letters, by published schemes.
    Full,
}

impl SmartEncoding {
    /// What it is where texts are cut.
    #[must_use]
    pub const fn level(self) -> Smart {
        match self {
            Self::None => Smart::None,
            Self::Punct => Smart::Punct,
            Self::Accents => Smart::Accents,
            Self::Lookalike => Smart::Lookalike,
            Self::Full => Smart::Full,
        }
    }
}

/// `[delivery]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DeliveryOptions {
    /// What becomes of messages whose answer never came. Default hold.
    pub in_doubt: InDoubtPolicy,
    /// How long to wait for a final receipt. Default 72h (HANDBOOK C.8).
    pub receipt_deadline: HumanDuration,
    /// How long a run that has nothing else to do waits for receipts that tell of rows in doubt.
    /// Default 10s.
    #[serde(default = "doubt_grace")]
    pub doubt_grace: HumanDuration,
}

const fn doubt_grace() -> HumanDuration {
    HumanDuration(std::time::Duration::from_secs(10))
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            in_doubt: InDoubtPolicy::Hold,
            receipt_deadline: HumanDuration(std::time::Duration::from_secs(72 * 3600)),
            doubt_grace: doubt_grace(),
        }
    }
}

/// `[replies]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReplyOptions {
    /// A table of words in place of the data directory's or the built-in one, relative to the
    /// campaign file.
    pub keywords: Option<String>,
    /// Sent to a number that opts out, at most once a day; it must fit one segment. Default none: many
    /// carriers send their own.
    pub confirmation: Option<String>,
    /// Sent to a number that opts in again, as `confirmation`. Default none.
    pub welcome: Option<String>,
    /// Sent to a number that asks for help, as `confirmation`, also to one that has opted out.
    /// Default none.
    pub help: Option<String>,
}

/// `[privacy]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PrivacyOptions {
    /// How long after the campaign is finished its numbers, columns and replies are kept, e.g.
    /// "90d"; then they are erased, and states and sums stay. Without it until they are erased.
    pub retention: Option<HumanDuration>,
}

/// SMPP can't tell whether an unanswered submit was taken; this says what we do then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InDoubtPolicy {
    /// Nothing, until a receipt or a person decides: never a duplicate.
    Hold,
    /// Send again: never a loss, possibly a duplicate, counted as such.
    Resend,
    /// Report as failed.
    Fail,
}

/// `[[route]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteOptions {
    /// The carrier's name in the carriers file.
    pub carrier: String,
    /// Its share of the messages against the other routes while all have room. Default 1.
    #[serde(default = "one")]
    pub weight: NonZeroU32,
}

const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl CampaignOptions {
    /// Reads and checks a campaign file.
    ///
    /// # Errors
    /// When it can't be read, has a wrong, unknown or missing key, or a value that can't work.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        Self::load_with_text(path).map(|(options, _)| options)
    }

    /// [`CampaignOptions::load`], with the file's text.
    pub(crate) fn load_with_text(path: &Path) -> Result<(Self, String), FileError> {
        let (options, text) = file_error::read::<Self>(path)?;
        options.check(path, &text)?;
        Ok((options, text))
    }

    fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let wrong = |key: &str, message: String| Err(FileError::new(path, message).at_key(text, key));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_name) {
            return wrong("name", format!("`name` is `{}`: use 1 to 64 letters, digits, - and _", self.name));
        }
        self.message.check(&self.audience, path, text)?;
        if let Err(what) = check_sender(&self.message.sender) {
            return wrong("sender", what);
        }
        self.audience.check(path, text)?;
        self.schedule.check(path, text)?;
        self.guards.check(&self.audience, path, text)?;
        if self.routes.is_empty() {
            return wrong("route", "no `[[route]]`: name at least one carrier".to_owned());
        }
        for (n, route) in self.routes.iter().enumerate() {
            if self.routes.iter().take(n).any(|earlier| earlier.carrier == route.carrier) {
                return wrong("route", format!("carrier `{}` stands in two routes", route.carrier));
            }
        }
        Ok(())
    }
}

/// That a sender ID can be one: a number, a short code, or letters.
pub(crate) fn check_sender(sender: &str) -> Result<(), String> {
    if sender.is_empty() || sender.len() > 20 {
        return Err("`sender` must have 1 to 20 characters (SMPP 3.4, 5.2.8)".to_owned());
    }
    let is_alphanumeric = sender.trim_start_matches('+').chars().any(|c| !c.is_ascii_digit());
    if is_alphanumeric && sender.chars().count() > 11 {
        return Err(format!("`sender` is `{sender}`: an alphanumeric sender has at most 11 characters"));
    }
    Ok(())
}
