//! Replies for people and programs: numbers masked unless they are asked for, and nothing that a
//! spreadsheet or a terminal would take for a command.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ReplyRow;
use crate::{Error, report::put_line};

const HEADER: &str = "at,carrier,from,to,decision,word,scope,incomplete,campaign,text\n";

/// Whether numbers of people are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Their first digits and the last two.
    Masked,
    /// All of them.
    Full,
}

impl ReplyRow {
    /// The sender: as a number with its plus, or as it stood in the PDU.
    #[must_use]
    pub fn sender(&self, numbers: Numbers) -> String {
        match (numbers, self.number) {
            (Numbers::Full, Some(number)) => format!("+{number}"),
            (Numbers::Masked, Some(number)) => format!("+{}", number.masked()),
            (Numbers::Full, None) => self.from.clone(),
            (Numbers::Masked, None) => masked(&self.from),
        }
    }

    /// When it came, in RFC 3339.
    #[must_use]
    pub fn time(&self) -> String {
        let at = i64::try_from(self.at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        at.map(|at| format!("{at:.3}")).unwrap_or_default()
    }

    /// As JSON; the keys are a promise.
    #[must_use]
    pub fn json(&self, numbers: Numbers) -> Value {
        json!({
            "at": self.time(),
            "carrier": self.carrier,
            "from": self.sender(numbers),
            "to": self.to,
            "text": self.text,
            "decision": self.decision,
            "word": self.word,
            "scope": self.scope,
            "incomplete": self.is_incomplete,
            "campaign": self.campaign.as_ref().map(|campaign| &campaign.name),
            "campaign_id": self.campaign.as_ref().map(|campaign| campaign.id),
        })
    }
}

/// Short codes and names are nobody's number.
fn masked(address: &str) -> String {
    let n_digits = address.chars().filter(char::is_ascii_digit).count();
    if n_digits < 7 {
        return address.to_owned();
    }
    let last = address.chars().count() - 2;
    let shown = |(at, c): (usize, char)| if (4..last).contains(&at) { '*' } else { c };
    address.chars().enumerate().map(shown).collect()
}

/// Writes a line for each reply.
///
/// # Errors
/// When `out` can't be written.
pub fn write_replies_csv(rows: &[ReplyRow], numbers: Numbers, out: &mut impl Write) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Io { path: "replies".into(), action: "can't write the replies", source };
    out.write_all(HEADER.as_bytes()).map_err(failed)?;
    let mut line = String::new();
    for row in rows {
        line.clear();
        let (at, sender) = (row.time(), row.sender(numbers));
        let campaign = row.campaign.as_ref().map_or("", |campaign| &campaign.name);
        let or_empty = |field: &Option<String>| field.clone().unwrap_or_default();
        let (word, scope, text) = (or_empty(&row.word), or_empty(&row.scope), or_empty(&row.text));
        let incomplete = if row.is_incomplete { "yes" } else { "" };
        let fields =
            [&at, &row.carrier, &sender, &row.to, &row.decision, &word, &scope, incomplete, campaign, text.as_str()];
        put_line(&mut line, &fields);
        out.write_all(line.as_bytes()).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use volley_core::{Msisdn, UnixMicros};

    use super::*;

    fn row(from: &str, text: &str) -> ReplyRow {
        ReplyRow {
            n: 1,
            at: UnixMicros(1_700_000_000_000_000),
            carrier: "north".to_owned(),
            from: from.to_owned(),
            number: Msisdn::from_digits(from.as_bytes()),
            to: "60777".to_owned(),
            text: Some(text.to_owned()),
            decision: "none".to_owned(),
            word: None,
            scope: None,
            is_incomplete: true,
            campaign: None,
        }
    }

    #[test]
    fn a_spreadsheet_takes_no_reply_for_a_formula() {
        let mut out = Vec::new();
        let rows = [row("4915112345678", "=cmd|' /C calc'!A0"), row("4915112345678", "a, \"b\"\nc")];
        write_replies_csv(&rows, Numbers::Full, &mut out).unwrap();
        let csv = String::from_utf8(out).unwrap();
        let begin = "2023-11-14T22:13:20.000Z,north,+4915112345678,60777,none,,,yes,,";
        let expected = format!("{HEADER}{begin}'=cmd|' /C calc'!A0\n{begin}\"a, \"\"b\"\"\nc\"\n");
        assert_eq!(csv, expected);
    }

    #[test]
    fn numbers_are_masked_unless_asked_for() {
        assert_eq!(row("4915112345678", "").sender(Numbers::Masked), "+4915*******78");
        assert_eq!(row("0049x15112345678", "").sender(Numbers::Masked), "0049**********78");
        assert_eq!(row("60777", "").sender(Numbers::Masked), "60777");
    }
}
