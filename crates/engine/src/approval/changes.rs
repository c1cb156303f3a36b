//! What differs between two plans, in words.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{ListTerms, Terms};

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The file, or `the list`.
    pub file: String,
    /// The key, where it is one.
    pub key: Option<String>,
    /// What is other about it.
    pub what: String,
}

/// What the files of a plan are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames {
    /// The campaign file.
    pub campaign: String,
    /// The carriers file.
    pub carriers: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}: {key}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl Terms {
    /// What is other in `now`. Empty only if both have the same hash.
    #[must_use]
    pub fn changes(&self, now: &Self, names: &FileNames) -> Vec<Change> {
        let mut changes = keys(&names.campaign, &self.campaign, &now.campaign);
        changes.extend(keys(&names.carriers, &self.carriers, &now.carriers));
        let whats = list(&self.list, &now.list, changes.is_empty());
        changes.extend(whats.into_iter().map(|what| Change { file: "the list".to_owned(), key: None, what }));
        if changes.is_empty() && self != now {
            let what = "another version of volley saved the plan: check and save it anew".to_owned();
            changes.push(Change { file: "the plan".to_owned(), key: None, what });
        }
        changes
    }
}

fn keys(file: &str, before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Change> {
    let change = |key: &String, what| Change { file: file.to_owned(), key: Some(key.clone()), what };
    let gone_or_other = before.iter().filter_map(|(key, was)| match now.get(key) {
        Some(is) if is == was => None,
        Some(is) => Some(change(key, format!("{}, was {}", shown(is), shown(was)))),
        None => Some(change(key, format!("is gone, was {}", shown(was)))),
    });
    let new = now.iter().filter(|(key, _)| !before.contains_key(*key));
    gone_or_other.chain(new.map(|(key, is)| change(key, format!("{}, is new", shown(is))))).collect()
}

fn shown(value: &str) -> String {
    let short: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().count() > SHOWN { format!("{short}…") } else { short }
}

/// `is_alone`: nothing else changed, so that what differs here can't come from elsewhere.
fn list(before: &ListTerms, now: &ListTerms, is_alone: bool) -> Vec<String> {
    let mut whats = Vec::new();
    if before.to != now.to {
        whats.push(format!("numbers come from column `{}`, not from `{}`", now.to, before.to));
    }
    let is_same_file = before.source == now.source;
    if is_same_file && !is_alone {
        return whats;
    }
    whats.extend(more_or_fewer(before.rows, now.rows, "rows"));
    if before.rows.abs_diff(now.rows) != u64::from(before.ready.abs_diff(now.ready)) {
        whats.extend(more_or_fewer(before.ready.into(), now.ready.into(), "rows that can be sent"));
    }
    match (whats.is_empty(), is_same_file) {
        (false, _) => {}
        (true, true) if before.content == now.content && before.segments == now.segments => {}
        (true, true) => whats.push("the same file is read otherwise by this version of volley".to_owned()),
        (true, false) if before.content == now.content => {
            whats.push("other octets, and the same rows to send".to_owned());
        }
        (true, false) => whats.push("as many rows, and other values in them".to_owned()),
    }
    whats
}

fn more_or_fewer(before: u64, now: u64, what: &str) -> Option<String> {
    let n = before.abs_diff(now);
    let what = if n == 1 { what.replacen("rows", "row", 1) } else { what.to_owned() };
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(format!("{n} {what} more")),
        std::cmp::Ordering::Less => Some(format!("{n} {what} fewer")),
    }
}
