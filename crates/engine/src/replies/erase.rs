//! `replies.jsonl` without a person. Lines keep their places and numbers, and what was decided.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
};

use volley_ingest::{Person, person};

use super::{
    file::path_in,
    line::{Line, MessageLine, PartLine},
};
use crate::{Error, inspect::read_hex};

/// Whose replies go.
pub(crate) enum WhoseReplies<'a> {
    /// A person's own, and what others say of the number.
    Person(&'a Person),
    /// Those with these numbers in the file.
    Numbered(HashSet<u64>),
}

/// What goes: whole lines, and the texts of others.
#[derive(Default)]
struct Found {
    lines: HashSet<u64>,
    texts: HashSet<u64>,
    n_unreadable: u64,
}

/// Writes the file in `root` anew as `replies.jsonl.erasing`, durably; nothing when it doesn't
/// speak of whom is meant. Gives the replies that lost sender or text.
pub(crate) fn erase(root: &Path, whose: &WhoseReplies<'_>) -> Result<u64, Error> {
    let path = path_in(root);
    if !path.exists() {
        return Ok(0);
    }
    let mut found = Found::default();
    let mut n_replies = 0;
    each_line(&path, |line, _| {
        if found.look(&line, whose) {
            n_replies += 1;
        }
        Ok(())
    })?;
    if found.lines.is_empty() && found.texts.is_empty() && found.n_unreadable == 0 {
        return Ok(0);
    }
    let new = person::beside(&path);
    let failed = |source| Error::Io { path: new.clone(), action: "can't write replies without a person", source };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&new).map_err(failed)?);
    each_line(&path, |line, octets| {
        let written = match found.without(line, whose) {
            Some(line) => serde_json::to_writer(&mut out, &line).map_err(Into::into),
            None => out.write_all(octets),
        };
        written.and_then(|()| out.write_all(b"\n")).map_err(failed)
    })?;
    let restricted = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    out.flush().and_then(|()| out.get_ref().set_permissions(restricted)).map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)?;
    Ok(n_replies)
}

impl Found {
    /// Whether a message is one that goes, or says something that does.
    fn look(&mut self, line: &Line, whose: &WhoseReplies<'_>) -> bool {
        match (line, whose) {
            (Line::Part(part), WhoseReplies::Person(person)) => {
                if person.is_named_in(&part.from, None) {
                    self.lines.insert(part.n);
                } else if names_in_octets(person, &part.octets) || names_in_octets(person, &part.tlvs) {
                    self.texts.insert(part.n);
                }
                false
            }
            (Line::Message(message), WhoseReplies::Person(person)) => {
                let is_theirs = message.number() == Some(person.number()) || person.is_named_in(&message.from, None);
                let names = message.text.as_deref().is_some_and(|text| person.is_named_in(text, None));
                if is_theirs {
                    self.add_whole(message);
                } else if names {
                    self.texts.extend(message.parts.iter().copied().chain([message.n]));
                }
                is_theirs || names
            }
            (Line::Message(message), WhoseReplies::Numbered(meant)) => {
                let is_meant = meant.contains(&message.n) && message.from != person::GONE;
                if is_meant {
                    self.add_whole(message);
                }
                is_meant
            }
            (Line::Unreadable { octets, .. }, WhoseReplies::Person(person)) => {
                self.n_unreadable += u64::from(names_in_octets(person, octets));
                false
            }
            (Line::Part(_) | Line::Unreadable { .. }, WhoseReplies::Numbered(_)) => false,
        }
    }

    fn add_whole(&mut self, message: &MessageLine) {
        self.lines.extend(message.parts.iter().copied().chain([message.n]));
    }

    /// The line as it is to stand; `None` for one that stays.
    fn without(&self, line: Line, whose: &WhoseReplies<'_>) -> Option<Line> {
        match line {
            Line::Part(part) if self.lines.contains(&part.n) => {
                let from = person::GONE.to_owned();
                Some(Line::Part(PartLine { from, from_ton: 0, ..empty(part) }))
            }
            Line::Part(part) if self.texts.contains(&part.n) => Some(Line::Part(empty(part))),
            Line::Message(message) if self.lines.contains(&message.n) => Some(Line::Message(MessageLine {
                from: person::GONE.to_owned(),
                number: None,
                text: None,
                scope: None,
                ..message
            })),
            Line::Message(message) if self.texts.contains(&message.n) => {
                Some(Line::Message(MessageLine { text: Some(person::GONE.to_owned()), scope: None, ..message }))
            }
            Line::Unreadable { at_us, carrier, octets } => match whose {
                WhoseReplies::Person(person) if names_in_octets(person, &octets) => {
                    Some(Line::Unreadable { at_us, carrier, octets: String::new() })
                }
                WhoseReplies::Person(_) | WhoseReplies::Numbered(_) => None,
            },
            Line::Part(_) | Line::Message(_) => None,
        }
    }
}

/// A part that says nothing, and waits for no other.
fn empty(part: PartLine) -> PartLine {
    PartLine { esm_class: 0, data_coding: 0, octets: String::new(), tlvs: String::new(), ..part }
}

fn names_in_octets(person: &Person, hex: &str) -> bool {
    read_hex(hex).is_ok_and(|octets| person.is_named_in_octets(&octets))
}

/// Every whole line with its octets; one of another form is left out, as it is wherever the file
/// is read.
fn each_line(path: &Path, mut each: impl FnMut(Line, &[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), action: "can't read replies", source };
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(path).map_err(failed)?);
    let mut octets = Vec::new();
    while reader.read_until(b'\n', &mut octets).map_err(failed)? > 0 {
        if let Some(whole) = octets.strip_suffix(b"\n")
            && let Ok(line) = serde_json::from_slice(whole)
        {
            each(line, whole)?;
        }
        octets.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use volley_core::Msisdn;

    fn message(n: u64, from: &str, text: &str) -> Line {
        Line::Message(MessageLine {
            n,
            at_us: 1,
            carrier: "north".to_owned(),
            from: from.to_owned(),
            number: from.parse().ok(),
            to: "60777".to_owned(),
            text: Some(text.to_owned()),
            decision: "opt_out".to_owned(),
            word: Some("STOP".to_owned()),
            scope: None,
            incomplete: false,
            parts: vec![n - 1],
        })
    }

    #[test]
    fn a_person_is_gone_and_what_was_decided_stays() {
        let root = tempfile::tempdir().unwrap();
        let lines = [
            message(2, "4915112345678", "STOP, says Anna"),
            message(4, "4915112345679", "ask 0151 12345678"),
            message(6, "4915112345679", "STOP"),
        ];
        let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        fs::write(path_in(root.path()), text + "half a li").unwrap();
        let person = Person::new(Msisdn::from_digits(b"4915112345678").unwrap());
        let whose = WhoseReplies::Person(&person);
        assert_eq!(erase(root.path(), &whose).unwrap(), 2);
        let new = person::beside(&path_in(root.path()));
        let text = fs::read_to_string(&new).unwrap();
        assert!(!text.contains("12345678\"") && !text.contains("Anna") && !text.contains("0151"), "{text}");
        assert_eq!((text.lines().count(), text.matches("opt_out").count()), (3, 3));
        fs::rename(new, path_in(root.path())).unwrap();
        assert_eq!(erase(root.path(), &whose).unwrap(), 0);
        assert_eq!(erase(root.path(), &WhoseReplies::Numbered([2, 6].into())).unwrap(), 1);
    }
}
