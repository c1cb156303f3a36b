//! The audit log: who ordered what, when and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use volley_core::{CampaignId, CarrierIndex};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    Ledger,
    record::{Order, Ordered},
};

use crate::{DataDir, Error, control};

/// One line of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditLine {
    /// When, RFC 3339.
    pub at: String,
    /// The campaign's name.
    pub campaign: String,
    /// Its number.
    pub id: u32,
    /// What: pause, resume, pace, cancel or pass.
    pub order: String,
    /// Of which carrier alone.
    pub carrier: Option<String>,
    /// The new rate; `None` for what the files say, and where no rate was set.
    pub rate: Option<String>,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Everything that was ordered of the campaign with this name or number, or of all, oldest first.
/// Works while a campaign runs, whose process is asked then.
///
/// # Errors
/// When there is no such campaign, or journal and store can't be read.
pub fn audit(dir: &DataDir, campaign: Option<&str>) -> Result<Vec<AuditLine>, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    let no_campaign =
        || Error::NoCampaign { name: campaign.unwrap_or_default().to_owned(), root: dir.root().to_owned() };
    match dir.lock() {
        Ok(_lock) => {
            let (journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
            let ledger = Ledger::open(&dir.store(), &journal)?.ledger;
            audit_of(&ledger, campaign)?.ok_or_else(no_campaign)
        }
        Err(in_use @ Error::InUse { .. }) => {
            control::ask_audit(&dir.control_socket(), campaign).ok_or(in_use)?.ok_or_else(no_campaign)
        }
        Err(other) => Err(other),
    }
}

/// `None` when there is no such campaign.
pub(crate) fn audit_of(
    ledger: &Ledger,
    campaign: Option<&str>,
) -> Result<Option<Vec<AuditLine>>, volley_reconciler::Error> {
    let wanted = campaign.map(|name| ledger.find(name));
    if wanted == Some(None) {
        return Ok(None);
    }
    let is_wanted = |ordered: &Ordered| wanted.flatten().is_none_or(|id| id.0 == ordered.campaign);
    let lines = ledger.audit()?.into_iter().filter(is_wanted).map(|ordered| {
        let name = ledger.plan(CampaignId(ordered.campaign)).map_or_else(String::new, |plan| plan.name.clone());
        let carrier_name = |carrier: u8| ledger.carrier_name(CarrierIndex(carrier)).to_owned();
        let (order, carrier, rate) = match ordered.order {
            Order::Pause { carrier } => ("pause", carrier, None),
            Order::Resume { carrier } => ("resume", carrier, None),
            Order::Pace { carrier, rate } => ("pace", carrier, rate),
            Order::Cancel => ("cancel", None, None),
            Order::Pass => ("pass", None, None),
        };
        let at = i64::try_from(ordered.at_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        AuditLine {
            at: at.map_or_else(String::new, |at| format!("{at:.3}")),
            campaign: name,
            id: ordered.campaign,
            order: order.to_owned(),
            carrier: carrier.map(carrier_name),
            rate: rate.map(|rate| rate.to_string()),
            by: ordered.by,
            why: ordered.why,
        }
    });
    Ok(Some(lines.collect()))
}
