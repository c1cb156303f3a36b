//! Finished messages of a campaign for a look beforehand. The list is read as for sending, into a
//! folder of its own that goes again; no data directory is needed and nothing is remembered.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use volley_core::{CHUNK_ROWS, Msisdn};
use volley_ingest::{FreezeProgress, Plan, PlanChunk, PlanRow, RejectedRow, Rejects};

use crate::{
    Error, Numbers,
    inspect::encoding_name,
    options::CampaignOptions,
    preflight,
    text::{Composed, HOLD_OUT, MessageFormat},
};

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleRows {
    /// So many of those that can be sent, drawn by a seed: the same for the same list and seed.
    Random {
        /// How many, at most.
        n: usize,
        /// What they are drawn by.
        seed: u64,
    },
    /// Those that begin in these lines of the list, from 1; the header is the first.
    Lines(BTreeSet<u64>),
}

/// One row and what its recipient would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its line in the list.
    pub line: u64,
    /// What becomes of it.
    pub fate: SampleFate,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleFate {
    /// A message.
    Sent(SampleMessage),
    /// Nothing: it is held out.
    HeldOut(Msisdn),
    /// It is rejected.
    Rejected(RejectedRow),
    /// No row begins in this line.
    NoRow,
}

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleMessage {
    /// To whom.
    pub number: Msisdn,
    /// Which of the campaign's texts, if there are several.
    pub variant: Option<String>,
    /// `gsm7`, `ucs2`, or a carrier's own.
    pub alphabet: &'static str,
    /// Parts on air.
    pub n_segments: usize,
    /// Unicode characters of the text.
    pub n_characters: usize,
    /// The text as it is sent, after smart encoding.
    pub text: String,
}

/// Makes the messages of some rows. `progress` hears how far the list is read.
///
/// # Errors
/// As a pre-flight: when a file can't be used, or no row can be sent.
pub fn sample(
    campaign_file: &Path,
    carriers_file: &Path,
    rows: &SampleRows,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<Vec<Sample>, Error> {
    let folder = Folder::new()?;
    let listed = preflight::freeze_list(campaign_file, carriers_file, folder.0.clone(), None, progress)?;
    if listed.frozen.n_valid == 0 {
        return Err(Error::NothingToSend { n_rows: listed.frozen.n_rows });
    }
    let (options, format) = (&listed.options, listed.format);
    let plan = Plan::open(&folder.0)?;
    let mut sampler = Sampler { options, format, composed: Composed::default(), samples: Vec::new() };
    match rows {
        SampleRows::Random { n, seed } => sampler.random(&plan, *n, *seed)?,
        SampleRows::Lines(lines) => {
            let rejects = Rejects::open(&folder.0, &plan.frozen().options.to)?;
            sampler.lines(&plan, rejects, lines)?;
        }
    }
    Ok(sampler.samples)
}

/// Only we can look into it, and it goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn new() -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("volley-sample-{}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|source| Error::Io { path: path.clone(), action: "can't make a folder for the sample", source })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Sampler<'a> {
    options: &'a CampaignOptions,
    format: MessageFormat,
    composed: Composed,
    samples: Vec<Sample>,
}

impl Sampler<'_> {
    fn random(&mut self, plan: &Plan, n: usize, seed: u64) -> Result<(), Error> {
        let n_valid = u64::from(plan.n_valid());
        let n = n.min(plan.n_valid() as usize);
        let mut drawn = BTreeSet::new();
        let mut state = seed;
        // Floyd's way: each set of rows is as likely as any other.
        for last in n_valid.saturating_sub(n as u64)..n_valid {
            let row = splitmix(&mut state) % (last + 1);
            if !drawn.insert(row) {
                drawn.insert(last);
            }
        }
        let mut chunk = PlanChunk::default();
        let mut in_chunk = None;
        for row in drawn {
            let (number, offset) = ((row / u64::from(CHUNK_ROWS)) as u32, (row % u64::from(CHUNK_ROWS)) as u16);
            if in_chunk != Some(number) {
                plan.read_chunk(number, &mut chunk)?;
                in_chunk = Some(number);
            }
            chunk.row(offset).into_iter().for_each(|row| self.push(&row));
        }
        Ok(())
    }

    fn lines(&mut self, plan: &Plan, rejects: Rejects, lines: &BTreeSet<u64>) -> Result<(), Error> {
        let mut chunk = PlanChunk::default();
        for number in 0..plan.n_chunks() {
            plan.read_chunk(number, &mut chunk)?;
            let rows = (0..CHUNK_ROWS as u16).map_while(|offset| chunk.row(offset));
            rows.filter(|row| lines.contains(&row.line)).for_each(|row| self.push(&row));
        }
        for rejected in rejects {
            let rejected = rejected?;
            if lines.contains(&rejected.line) {
                self.samples.push(Sample { line: rejected.line, fate: SampleFate::Rejected(rejected) });
            }
        }
        let found: BTreeSet<u64> = self.samples.iter().map(|sample| sample.line).collect();
        self.samples.extend(lines.difference(&found).map(|line| Sample { line: *line, fate: SampleFate::NoRow }));
        self.samples.sort_by_key(|sample| sample.line);
        Ok(())
    }

    fn push(&mut self, row: &PlanRow<'_>) {
        let Some(number) = row.msisdn else { return };
        let line = row.line;
        if row.variant == HOLD_OUT {
            return self.samples.push(Sample { line, fate: SampleFate::HeldOut(number) });
        }
        // It was made before, when the list was checked.
        let _ = self.format.compose(row.variant, |index| row.field(index), &mut self.composed);
        let segments = &self.composed.segments;
        let text = segments.text(&self.composed.text).to_owned();
        let message = SampleMessage {
            number,
            variant: self.options.message.variant_name(row.variant),
            alphabet: encoding_name(segments.encoding(), self.format.segments.alphabet),
            n_segments: segments.n_on_air(),
            n_characters: text.chars().count(),
            text,
        };
        self.samples.push(Sample { line, fate: SampleFate::Sent(message) });
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Sample {
    /// Whether a message would go out.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        matches!(self.fate, SampleFate::Sent(_))
    }

    /// As JSON; the keys are a promise.
    #[must_use]
    pub fn json(&self, numbers: Numbers) -> Value {
        let shown = |number: Msisdn| match numbers {
            Numbers::Full => format!("+{number}"),
            Numbers::Masked => format!("+{}", number.masked()),
        };
        match &self.fate {
            SampleFate::Sent(message) => json!({
                "line": self.line,
                "fate": "sent",
                "number": shown(message.number),
                "variant": message.variant,
                "alphabet": message.alphabet,
                "parts": message.n_segments,
                "characters": message.n_characters,
                "text": message.text,
            }),
            SampleFate::HeldOut(number) => {
                json!({ "line": self.line, "fate": "hold-out", "number": shown(*number) })
            }
            SampleFate::Rejected(rejected) => json!({
                "line": self.line,
                "fate": "rejected",
                "code": rejected.code,
                "column": rejected.column,
                "reason": rejected.reason,
            }),
            SampleFate::NoRow => json!({ "line": self.line, "fate": "no-row" }),
        }
    }
}
