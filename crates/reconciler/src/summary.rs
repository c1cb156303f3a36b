//! The numbers of a campaign as people and programs see them.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use volley_core::{MessageState, StateCounts};

use crate::record::Control;

/// What `run`, `resume`, `status` and `report` print; the keys of its JSON are a promise
/// (DESIGN section 7).
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The campaign's name.
    pub campaign: String,
    /// Where it stands.
    pub status: CampaignStatus,
    /// Records of the list.
    pub rows: u64,
    /// Rows in each state; they sum to `rows`.
    pub states: StateCounts,
    /// Segments planned, submitted, accepted and delivered.
    pub segments: Segments,
    /// Rows sent again although the fate of an earlier attempt was unknown.
    pub possible_duplicates: u64,
    /// Rows that a receipt told of where an answer is missing.
    pub inferred: u64,
    /// Rows sent again of which a receipt told that they had been taken before: doubles, for sure.
    pub taken_twice: u64,
    /// Most messages that a crash at this moment can leave in doubt.
    pub in_doubt_bound: u64,
    /// Time spent running.
    pub elapsed: Duration,
    /// Segments submitted per second between the first and the last submit.
    pub submitted_per_s: f64,
    /// Why it stopped, or what else a person should know of how it ended; empty for nothing.
    pub why: String,
    /// Why rows are not delivered, with how many; most frequent first.
    pub reasons: Vec<(String, u64)>,
}

/// Segments at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Segments {
    /// Of all rows that can be sent.
    pub planned: u64,
    /// Written to a carrier (or about to be), each attempt counted.
    pub submitted: u64,
    /// Taken by a carrier.
    pub accepted: u64,
    /// Reported as delivered.
    pub delivered: u64,
}

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// Approved, not started.
    Planned,
    /// Running, or killed while it was: `volley resume` tells.
    Running,
    /// It runs, and nothing is begun until `volley resume` says so.
    Paused,
    /// Stopped; `volley resume` goes on.
    Interrupted,
    /// Nothing more is expected, except for rows in doubt.
    Finished,
    /// Stopped because something is wrong; `volley resume` goes on when that is mended.
    Stopped,
    /// Finished, and its rows lie in an archive file.
    Archived,
}

impl CampaignStatus {
    const ALL: [Self; 7] =
        [Self::Planned, Self::Running, Self::Paused, Self::Interrupted, Self::Finished, Self::Stopped, Self::Archived];

    /// The word for tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Archived => "archived",
        }
    }
}

impl Summary {
    pub(crate) fn status_of(control: Option<Control>, states: &StateCounts, is_paused: bool) -> CampaignStatus {
        match control {
            None => CampaignStatus::Planned,
            Some(Control::Started) if is_paused => CampaignStatus::Paused,
            Some(Control::Started) => CampaignStatus::Running,
            // A late event, such as a decision on rows in doubt, can reopen what was finished.
            Some(Control::Finished) if Self::n_waiting(states) > 0 => CampaignStatus::Interrupted,
            Some(Control::Finished) => CampaignStatus::Finished,
            Some(Control::Interrupted) => CampaignStatus::Interrupted,
            Some(Control::Stopped) => CampaignStatus::Stopped,
        }
    }

    /// Rows for which sending or waiting goes on by itself: not final and not in doubt.
    fn n_waiting(states: &StateCounts) -> u64 {
        let waits = |state: MessageState| !state.is_final() && state != MessageState::InDoubt;
        states.iter().filter(|(state, _)| waits(*state)).map(|(_, n_rows)| n_rows).sum()
    }

    /// Rows for which sending or waiting goes on by itself.
    #[must_use]
    pub fn n_open(&self) -> u64 {
        Self::n_waiting(&self.states)
    }

    /// Whether the states add up to the rows. `false` is a bug, always.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.states.total() == self.rows
    }
}

impl Summary {
    /// The numbers from their JSON; `None` when a key is missing or makes no sense.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let n = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let mut states = StateCounts::default();
        for state in MessageState::ALL {
            states.add(state, n(&format!("/states/{}", state.name()))?);
        }
        let reasons = value.get("reasons")?.as_object()?.iter();
        Some(Self {
            campaign: text("campaign")?.to_owned(),
            status: CampaignStatus::ALL.into_iter().find(|status| Some(status.name()) == text("status"))?,
            rows: n("/rows")?,
            states,
            segments: Segments {
                planned: n("/segments/planned")?,
                submitted: n("/segments/submitted")?,
                accepted: n("/segments/accepted")?,
                delivered: n("/segments/delivered")?,
            },
            possible_duplicates: n("/possible_duplicates")?,
            taken_twice: n("/taken_twice").unwrap_or(0),
            inferred: n("/inferred").unwrap_or(0),
            in_doubt_bound: n("/in_doubt_bound")?,
            elapsed: Duration::from_millis(n("/elapsed_ms")?),
            submitted_per_s: value.get("submitted_per_s")?.as_f64()?,
            why: text("why").unwrap_or_default().to_owned(),
            reasons: reasons.map(|(reason, n)| Some((reason.clone(), n.as_u64()?))).collect::<Option<_>>()?,
        })
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(13))?;
        map.serialize_entry("campaign", &self.campaign)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("why", &Some(&self.why).filter(|why| !why.is_empty()))?;
        map.serialize_entry("rows", &self.rows)?;
        map.serialize_entry("states", &States(&self.states))?;
        map.serialize_entry("segments", &self.segments)?;
        map.serialize_entry("possible_duplicates", &self.possible_duplicates)?;
        map.serialize_entry("taken_twice", &self.taken_twice)?;
        map.serialize_entry("inferred", &self.inferred)?;
        map.serialize_entry("in_doubt_bound", &self.in_doubt_bound)?;
        map.serialize_entry("elapsed_ms", &u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX))?;
        map.serialize_entry("submitted_per_s", &((self.submitted_per_s * 10.0).round() / 10.0))?;
        map.serialize_entry("reasons", &Pairs(&self.reasons))?;
        map.end()
    }
}

struct States<'a>(&'a StateCounts);

impl Serialize for States<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(state, n_rows)| (state.name(), n_rows)))
    }
}

struct Pairs<'a>(&'a [(String, u64)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(reason, n_rows)| (reason, n_rows)))
    }
}
