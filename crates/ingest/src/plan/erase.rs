//! A frozen list without a person, or without anybody: written beside the old one, so that the
//! caller decides when it takes its place.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use super::{CHUNK_HEAD, LIST, PLAN, Plan, PlanChunk, PlanRow, RowHead, put_field, write::put_varint};
use crate::{Error, Whose, person};

/// What was taken out of a frozen list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErasedPlan {
    /// Rows that have no number and no values any more.
    pub n_rows: u64,
    /// Other people's rows with a value that named the person: that value alone is gone.
    pub n_mentions: u64,
}

/// Writes the plan in `dir` anew as `list.bin.erasing` and `plan.json.erasing`, durably; nothing
/// when it doesn't speak of whom is meant. The content hash stays that of what was approved.
///
/// # Errors
/// When the plan can't be read, or the new files can't be written.
pub fn erase_plan(dir: &Path, whose: &Whose<'_>) -> Result<ErasedPlan, Error> {
    let plan = Plan::open(dir)?;
    let country = plan.frozen().options.default_country.clone();
    let of_country = whose.reading(country.as_deref());
    let mut found = ErasedPlan::default();
    let mut chunk = PlanChunk::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk)?;
        for row in chunk.rows() {
            if of_country.is_row(&row) {
                found.n_rows += 1;
            } else if row.msisdn.is_some() {
                found.n_mentions +=
                    u64::from((0..plan.columns().len()).any(|at| of_country.is_named_in(row.field(at))));
            }
        }
    }
    let samples = &plan.frozen().samples;
    let is_in_samples = samples.iter().any(|row| of_country.is_named_in(&row.raw) && row.raw != person::GONE);
    if found == ErasedPlan::default() && !is_in_samples {
        return Ok(found);
    }
    write(dir, plan, &of_country, found.n_rows)?;
    Ok(found)
}

fn write(dir: &Path, mut plan: Plan, whose: &person::Reading<'_>, n_rows: u64) -> Result<(), Error> {
    let path = person::beside(&dir.join(LIST));
    let failed = || Error::io(&path, "can't write the list without a person");
    let mut list = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(failed())?);
    let mut chunk = PlanChunk::default();
    let mut payload = Vec::new();
    let mut places = Vec::new();
    let mut offset = 0;
    let n_columns = plan.columns().len();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk)?;
        payload.clear();
        let mut line = 0;
        for row in chunk.rows() {
            put_row(&mut payload, &row, row.line - line, n_columns, whose);
            line = row.line;
        }
        let len = payload.len() as u32;
        let written = list
            .write_all(&len.to_le_bytes())
            .and_then(|()| list.write_all(&crc32c::crc32c(&payload).to_le_bytes()))
            .and_then(|()| list.write_all(&payload));
        written.map_err(failed())?;
        places.push((offset, len + CHUNK_HEAD as u32));
        offset += u64::from(len) + CHUNK_HEAD as u64;
    }
    list.flush().and_then(|()| list.get_ref().sync_all()).map_err(failed())?;
    plan.plan.chunks = places;
    plan.plan.erased = plan.plan.erased.saturating_add(u32::try_from(n_rows).unwrap_or(u32::MAX));
    for sample in &mut plan.plan.frozen.samples {
        if whose.is_named_in(&sample.raw) || whose.is_named_in(&sample.reason) {
            person::GONE.clone_into(&mut sample.raw);
            person::GONE.clone_into(&mut sample.reason);
        }
    }
    let path = person::beside(&dir.join(PLAN));
    let write = || {
        fs::write(&path, serde_json::to_vec(&plan.plan)?)?;
        File::open(&path)?.sync_all()
    };
    write().map_err(Error::io(&path, "can't write the plan without a person"))
}

/// `below`: lines below the row before.
fn put_row(payload: &mut Vec<u8>, row: &PlanRow<'_>, below: u64, n_columns: usize, whose: &person::Reading<'_>) {
    let is_gone = row.msisdn.is_none() || whose.is_row(row);
    let PlanRow { kind, country, zones, variant, .. } = *row;
    let head = RowHead { msisdn: row.msisdn.filter(|_| !is_gone), kind, country, zones, variant };
    payload.extend(head.to_octets());
    put_varint(below, payload);
    for at in 0..n_columns {
        let field = match row.field(at) {
            _ if is_gone => "",
            field if whose.is_named_in(field) => person::GONE,
            field => field,
        };
        put_field(field.as_bytes(), payload);
    }
}

impl PlanChunk {
    fn rows(&self) -> impl Iterator<Item = PlanRow<'_>> {
        (0..=u16::MAX).map_while(|offset| self.row(offset))
    }
}

impl person::Reading<'_> {
    /// Whether a row goes as a whole.
    fn is_row(&self, row: &PlanRow<'_>) -> bool {
        row.msisdn.is_some_and(|number| self.is(number))
    }
}
