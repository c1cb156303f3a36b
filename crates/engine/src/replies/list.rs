//! What `volley replies` shows.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use volley_core::{CampaignId, Msisdn, UnixMicros};
use volley_ingest::{Plan, PlanChunk};

use super::{
    file,
    line::{Line, MessageLine},
};
use crate::{DataDir, Error, preflight::Approved};

/// One reply. It has no `Debug`: numbers and texts stay out of logs.
pub struct ReplyRow {
    /// Its number among all lines of the file.
    pub(crate) n: u64,
    /// When its first part came.
    pub at: UnixMicros,
    /// Through which carrier.
    pub carrier: String,
    /// The sender as it stood in the PDU.
    pub from: String,
    /// The same as a number, where it is one.
    pub number: Option<Msisdn>,
    /// Which of our numbers it was sent to.
    pub to: String,
    /// The text; `None` for binary.
    pub text: Option<String>,
    /// What it asks for, by the word that `volley_smpp` has for it.
    pub decision: String,
    /// The keyword that decided.
    pub word: Option<String>,
    /// The token behind a scoped opt-out.
    pub scope: Option<String>,
    /// Whether parts of it never came.
    pub is_incomplete: bool,
    /// The last campaign before it in which the sender was a recipient, if any.
    pub campaign: Option<Membership>,
}

/// A campaign that a sender was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// All replies in the order in which they were complete, or those of senders whose last campaign
/// before was the named one. Reads files alone, so it works while a campaign runs.
///
/// # Errors
/// When nothing was ever run there, no campaign has that name or number, or a file can't be read.
pub fn replies(dir: &DataDir, campaign: Option<&str>) -> Result<Vec<ReplyRow>, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    if dir.erasing().exists() {
        // Finishes it; whoever owns the directory just now does so itself.
        drop(crate::Engine::open(dir));
    }
    let mut rows = Vec::new();
    file::read(dir.root(), |line| match line {
        Line::Message(message) => rows.push(row_of(message)),
        Line::Part(_) | Line::Unreadable { .. } => {}
    })?;
    let campaigns = campaigns(dir)?;
    if let Some(wanted) = campaign
        && !campaigns.iter().any(|known| is_named(&known.is, wanted))
    {
        return Err(Error::NoCampaign { name: wanted.to_owned(), root: dir.root().to_owned() });
    }
    for known in &campaigns {
        mark_members(dir, known, &mut rows)?;
    }
    if let Some(wanted) = campaign {
        rows.retain(|row| row.campaign.as_ref().is_some_and(|is| is_named(is, wanted)));
    }
    Ok(rows)
}

/// The numbers of all senders, as often as they wrote.
pub(crate) fn numbers(dir: &DataDir, mut each: impl FnMut(Msisdn)) -> Result<(), Error> {
    file::read(dir.root(), |line| match line {
        Line::Message(message) => message.number().into_iter().for_each(&mut each),
        Line::Part(_) | Line::Unreadable { .. } => {}
    })
}

/// The replies of these campaigns' recipients, by their number in the file.
pub(crate) fn of_campaigns(dir: &DataDir, campaigns: &[u32]) -> Result<HashSet<u64>, Error> {
    let is_theirs = |row: &ReplyRow| row.campaign.as_ref().is_some_and(|is| campaigns.contains(&is.id));
    Ok(replies(dir, None)?.into_iter().filter(is_theirs).map(|row| row.n).collect())
}

fn is_named(campaign: &Membership, wanted: &str) -> bool {
    campaign.name == wanted || wanted.parse() == Ok(campaign.id)
}

fn row_of(message: MessageLine) -> ReplyRow {
    ReplyRow {
        n: message.n,
        at: UnixMicros(message.at_us),
        number: message.number(),
        carrier: message.carrier,
        from: message.from,
        to: message.to,
        text: message.text,
        decision: message.decision,
        word: message.word,
        scope: message.scope,
        is_incomplete: message.incomplete,
        campaign: None,
    }
}

struct Known {
    is: Membership,
    approved_at_us: u64,
}

/// All campaigns that were approved, the last one first.
fn campaigns(dir: &DataDir) -> Result<Vec<Known>, Error> {
    let folder = dir.campaigns();
    let failed = |source| Error::Io { path: folder.clone(), action: "can't list campaigns", source };
    let mut campaigns = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = fs::read(dir.approved(CampaignId(id))) else { continue };
        let Ok(approved) = serde_json::from_slice::<Approved>(&text) else { continue };
        let modified = fs::metadata(dir.approved(CampaignId(id))).and_then(|it| it.modified()).map_err(failed)?;
        let since = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        let approved_at_us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        campaigns.push(Known { is: Membership { id, name: approved.options.name }, approved_at_us });
    }
    campaigns.sort_by_key(|known| std::cmp::Reverse(known.is.id));
    Ok(campaigns)
}

/// Marks replies whose sender stands in the campaign's list, where no later campaign did.
fn mark_members(dir: &DataDir, known: &Known, rows: &mut [ReplyRow]) -> Result<(), Error> {
    let mut wanted: HashMap<Msisdn, Vec<&mut ReplyRow>> = HashMap::new();
    for row in rows.iter_mut().filter(|row| row.campaign.is_none() && known.approved_at_us <= row.at.0) {
        if let Some(number) = row.number {
            wanted.entry(number).or_default().push(row);
        }
    }
    let numbers: HashSet<Msisdn> = wanted.keys().copied().collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let plan = Plan::open(&dir.campaign(CampaignId(known.is.id)))?;
    let mut chunk = PlanChunk::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk)?;
        let planned = (0..=u16::MAX).map_while(|offset| chunk.row(offset));
        for number in planned.filter_map(|row| row.msisdn).filter(|number| numbers.contains(number)) {
            for reply in wanted.get_mut(&number).into_iter().flatten() {
                reply.campaign = Some(known.is.clone());
            }
        }
    }
    Ok(())
}
