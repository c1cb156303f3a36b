//! The report by recipient: a line for each row of the list.

use std::io::{self, Write};

use jiff::Timestamp;
use volley_core::{CampaignId, UnixMicros};
use volley_ingest::{RejectedRow, Rejects, person};
use volley_reconciler::Ledger;

use super::{
    put_field,
    rows::{FullRow, RowScratch, Rows},
};
use crate::{DataDir, Error, archive::check_not_archived, parallel};

const HEADER: &str = "line,number,state,reason,carrier,carrier_id,segments,segments_delivered,attempts,possible_duplicate,submitted_at,answered_at,settled_at,variant,inferred\n";
/// Octets of a chunk's lines that rarely need more: 4,096 of some 150.
const CHUNK_OCTETS: usize = 640 << 10;

/// Writes those that could be sent in the order of the list, then those that were rejected.
/// `progress` hears the rows written so far.
pub(crate) fn write_rows(
    dir: &DataDir,
    ledger: &Ledger,
    campaign: CampaignId,
    out: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Io { path: "report".into(), action: "can't write the report", source };
    check_not_archived(ledger, campaign)?;
    let rows = Rows::open(dir, ledger, campaign)?;
    out.write_all(HEADER.as_bytes()).map_err(failed)?;
    let message = super::details::approved(dir, campaign)?.options.message;
    let names: Vec<String> = (0..=u8::MAX).map(|variant| message.variant_name(variant).unwrap_or_default()).collect();
    let make = |number: u32, (scratch, times): &mut (RowScratch, Times)| {
        let mut lines = String::with_capacity(CHUNK_OCTETS);
        let mut n_rows = 0;
        rows.each(number, scratch, |row| {
            n_rows += 1;
            let variant = names.get(usize::from(row.variant)).map_or("", String::as_str);
            put_row(&mut lines, times, row, variant);
        })?;
        Ok((lines, n_rows))
    };
    let mut n_written = 0;
    parallel::in_order(rows.n_chunks(), make, |(lines, n_rows)| {
        out.write_all(lines.as_bytes()).map_err(failed)?;
        n_written += n_rows;
        progress(n_written);
        Ok(())
    })?;
    let mut line = String::new();
    for rejected in Rejects::open(&dir.campaign(campaign), &rows.plan.frozen().options.to)? {
        line.clear();
        put_rejected(&mut line, &rejected?);
        out.write_all(line.as_bytes()).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

/// One of each column, since each goes its own way through time.
type Times = [TimeText; 3];

fn put_row(lines: &mut String, times: &mut Times, row: &FullRow<'_, '_>, variant: &str) {
    let FullRow { line, number, state: row, .. } = *row;
    let mut digits = itoa::Buffer::new();
    lines.push_str(digits.format(line));
    match number {
        Some(number) => {
            lines.push_str(",+");
            lines.push_str(digits.format(number.as_u64()));
        }
        None => {
            lines.push(',');
            lines.push_str(person::GONE);
        }
    }
    lines.push(',');
    lines.push_str(row.state.name());
    lines.push(',');
    put_field(lines, row.reason);
    lines.push(',');
    put_field(lines, row.carrier.unwrap_or(""));
    lines.push(',');
    // The carrier's id would lead to the person at the carrier.
    let id = if number.is_some() { row.id } else { &[] };
    put_field(lines, &String::from_utf8_lossy(id));
    for n in [row.n_segments, row.n_delivered, row.attempts] {
        lines.push(',');
        lines.push_str(digits.format(n));
    }
    lines.push_str(if row.possible_duplicate { ",yes" } else { "," });
    for (at, text) in [row.submitted_at, row.answered_at, row.settled_at].into_iter().zip(times) {
        lines.push(',');
        if let Some(at) = at {
            lines.push_str(text.of(at));
        }
    }
    lines.push(',');
    put_field(lines, variant);
    lines.push_str(if row.inferred { ",yes\n" } else { ",\n" });
}

fn put_rejected(line: &mut String, rejected: &RejectedRow) {
    line.push_str(itoa::Buffer::new().format(rejected.line));
    line.push(',');
    put_field(line, &rejected.raw);
    line.push_str(",rejected,");
    let column = rejected.column.as_deref().map(|column| format!("column {column}: ")).unwrap_or_default();
    put_field(line, &format!("{}: {column}{}", rejected.code, rejected.reason));
    line.push_str(",,,,,,,,,,,\n");
}

/// A time in RFC 3339 with milliseconds. The date is kept from time to time: a calendar costs more
/// than all the rest of a row.
struct TimeText {
    day: u64,
    text: [u8; 24],
}

impl Default for TimeText {
    fn default() -> Self {
        Self { day: 0, text: *b"1970-01-01T00:00:00.000Z" }
    }
}

impl TimeText {
    const MS_PER_DAY: u64 = 86_400_000;

    fn of(&mut self, at: UnixMicros) -> &str {
        let ms = at.0 / 1_000;
        let day = ms / Self::MS_PER_DAY;
        if day != self.day {
            let second = i64::try_from(day * 86_400).unwrap_or(i64::MAX);
            let date = Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default();
            if let Some((date, _)) = date.as_bytes().split_first_chunk::<10>() {
                let [year_to_day @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _] = &mut self.text;
                *year_to_day = *date;
            }
            self.day = day;
        }
        let of_day = ms % Self::MS_PER_DAY;
        let digit = |n: u64| b'0' + (n % 10) as u8;
        let (h, m, s) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
        (self.text[11], self.text[12]) = (digit(h / 10), digit(h));
        (self.text[14], self.text[15]) = (digit(m / 10), digit(m));
        (self.text[17], self.text[18]) = (digit(s / 10), digit(s));
        (self.text[20], self.text[21], self.text[22]) = (digit(of_day / 100), digit(of_day / 10), digit(of_day));
        // All of it is ASCII.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_library() {
        let mut text = TimeText::default();
        let mut us = 1;
        for n in 0..2_000_u64 {
            us = (us + n * n * 1_234_567_891) % 4_102_444_800_000_000; // until 2100
            let expected = Timestamp::from_microsecond(us as i64 / 1_000 * 1_000).unwrap();
            assert_eq!(text.of(UnixMicros(us)), format!("{expected:.3}"));
        }
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (field, expected) in [
            ("plain", "plain"),
            ("+4915112345678", "+4915112345678"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("+x,y", "\"'+x,y\""),
            ("", ""),
        ] {
            let mut line = String::new();
            put_field(&mut line, field);
            assert_eq!(line, expected);
        }
    }
}
