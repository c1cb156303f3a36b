//! Which sending rules hold for a campaign, and what it lacks by them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
};

use jiff::{Timestamp, tz::TimeZone};
use volley_core::UnixMicros;
use volley_scheduler::Calendar;

use super::{Approved, roles::RoleColumns, routed};
use crate::{
    cost::SegmentsByCountry,
    hours::{RowHours, SendingRules},
    options::{CampaignOptions, CarrierKind, CarrierOptions, Carriers, Class, FileError, RulesChoice, ValidityForm},
    rules::{Looked, RuleFinding, RulePack, built_in_rules, load_rules},
};

/// The rules that hold from approval on, and what a person should know of them.
pub(super) fn chosen(
    options: &CampaignOptions,
    carriers: &Carriers,
    campaign_file: &Path,
) -> Result<(SendingRules, Vec<String>), FileError> {
    let schedule = &options.schedule;
    let mut notes = Vec::new();
    let reaches_nobody = routed(options, carriers).all(|(_, carrier)| reaches_nobody(carrier));
    let packs = match &schedule.rules {
        Some(RulesChoice::File(file)) => load_rules(&campaign_file.with_file_name(file))?,
        Some(RulesChoice::BuiltIn) => built_in_rules(),
        Some(RulesChoice::Off) => {
            let reason = schedule.rules_reason.as_deref().unwrap_or_default();
            notes.push(format!("no country's sending rules hold: {reason}"));
            Vec::new()
        }
        None if reaches_nobody => {
            if options.class == Class::Marketing {
                notes.push(
                    "every carrier is simulated or on this machine, so no country's sending rules hold; \
                     `rules = \"built-in\"` under [schedule] applies them"
                        .to_owned(),
                );
            }
            Vec::new()
        }
        None => built_in_rules(),
    };
    let packs: Vec<RulePack> = packs.into_iter().filter(|pack| pack.concerns(options.class)).collect();
    let has_hours = schedule.window.is_some() || packs.iter().any(|pack| pack.has_hours(options.class));
    for (name, _) in routed(options, carriers).filter(|(_, it)| has_hours && it.validity_form == ValidityForm::None) {
        notes.push(format!(
            "carrier {name}: `validity-form = \"none\"`: what it can't deliver at once may reach people after their hours"
        ));
    }
    let holidays = schedule.holidays.as_ref().map(|holidays| holidays.dates(campaign_file)).transpose()?;
    let holidays = holidays.map(|dates| dates.as_ref().clone()).unwrap_or_default();
    Ok((SendingRules { holidays, packs }, notes))
}

/// Whether it is a test: simulated, or on this machine.
fn reaches_nobody(carrier: &CarrierOptions) -> bool {
    let is_here = |host: &String| {
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    carrier.kind == CarrierKind::Simulated || (!carrier.hosts.is_empty() && carrier.hosts.iter().all(is_here))
}

/// What the campaign lacks by these rules, where it goes.
pub(super) fn findings(
    options: &CampaignOptions,
    carriers: &Carriers,
    rules: &SendingRules,
    by_country: &SegmentsByCountry,
) -> Vec<RuleFinding> {
    let countries: BTreeSet<&str> = by_country.keys().map(String::as_str).collect();
    let fields: BTreeMap<&str, BTreeSet<_>> =
        routed(options, carriers).map(|(name, carrier)| (name, carrier.tlvs.keys().copied().collect())).collect();
    let last = options.schedule.finish_at().or(options.schedule.start_at()).unwrap_or_default();
    Looked { options, countries: &countries, fields: &fields, until: date(last) }.findings(&rules.packs)
}

/// That a deadline is not over, and leaves time in which sending is allowed.
pub(crate) fn check_times(approved: &Approved, now: UnixMicros) -> Result<(), FileError> {
    let Approved { campaign_file, options, rules, .. } = approved;
    let schedule = &options.schedule;
    let Some(finish) = schedule.finish_at() else { return Ok(()) };
    let words = schedule.finish_by.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = std::fs::read_to_string(campaign_file).unwrap_or_default();
    let wrong = |what: String| Err(FileError::new(campaign_file, what).at_key(&text, "finish-by"));
    if finish <= now {
        return wrong(format!("`finish-by` ({words}) has passed: nothing could be sent"));
    }
    let from = schedule.start_at().map_or(now, |start| start.max(now));
    let hours = RowHours::new(options, rules, &RoleColumns::new(&options.audience, &[]));
    let common = hours.as_ref().map_or_else(Calendar::always, RowHours::common);
    if common.open_time(from, finish).is_zero() {
        return wrong(format!(
            "until `finish-by` ({words}) `window` and `holidays` leave no time: nothing could be sent"
        ));
    }
    Ok(())
}

fn date(at: UnixMicros) -> jiff::civil::Date {
    let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date()
}
