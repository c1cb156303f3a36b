//! From a campaign file to a frozen plan that can be approved.

mod budget;
mod list;
pub(crate) mod roles;
mod rules;
mod texts;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use volley_core::UnixMicros;
use volley_ingest::{
    FreezeProgress, Frozen, Plan, PlanRow, Proposal, Rejection, RejectsFile, RowCheck, RowFacts, RowView, freeze,
};
use volley_scheduler::Calendar;
use volley_smpp::text::{Concat, Languages, SegmentOptions, Segments};

pub(crate) use self::budget::budget;
pub use self::list::propose_columns;
use self::roles::{RoleColumns, RoleScratch};
pub(crate) use self::rules::check_times;
use crate::{
    Error,
    approval::Terms,
    check::{Check, Groups, GuardFinding, Survey, Times},
    cost::{Contract, SegmentsByCountry},
    hours::{RowHours, SendingRules},
    numbers::Suppressed,
    options::{self, CampaignOptions, CarrierOptions, Carriers, FileError, InDoubtPolicy, Prices, TlvOptions},
    render::lane_format::{self, LaneTlvs},
    rules::RuleFinding,
    text::{Composed, HOLD_OUT, MessageFormat, Unmade},
};

/// A campaign as it was approved: kept beside its frozen list, so that a resume goes on with it
/// whatever becomes of the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approved {
    /// The campaign file, absolute.
    pub campaign_file: PathBuf,
    /// The carriers file, absolute. Its content is read anew at each start: credentials and hosts
    /// may change.
    pub carriers_file: PathBuf,
    /// What the campaign file said.
    pub options: CampaignOptions,
    /// The carriers' own fields that come from columns: rows were checked against these.
    #[serde(default)]
    pub tlvs: ColumnTlvs,
    /// The routes' carriers as they were.
    #[serde(default)]
    pub contracts: BTreeMap<String, Contract>,
    /// Segments by the recipient's country.
    #[serde(default)]
    pub segments_by_country: SegmentsByCountry,
    /// The sending rules that hold, as they were.
    #[serde(default)]
    pub rules: SendingRules,
}

/// The code of rows with an empty field that stops all.
const EMPTY_STOPS: &str = "empty-stops";

/// By carrier and tag.
pub(crate) type ColumnTlvs = BTreeMap<String, BTreeMap<u16, TlvOptions>>;

/// A frozen list and all that a person needs to decide.
#[derive(Debug)]
pub struct Preflight {
    /// What would be approved.
    pub approved: Approved,
    /// The plan by whose hash it can be approved.
    pub terms: Terms,
    /// The list in numbers.
    pub frozen: Frozen,
    /// What the campaign lacks by the rules of the countries that it goes to.
    pub rule_findings: Vec<RuleFinding>,
    /// What a person should know of its times and rules, in words.
    pub rule_notes: Vec<String>,
    /// All that can be said of it beforehand. Suppression lists are asked again when a row's turn comes.
    pub check: Check,
    /// Which columns seem to hold what, where the campaign file leaves the number's to the list.
    pub proposal: Option<Proposal>,
    /// Where it lies until it is approved.
    pub(crate) folder: PathBuf,
}

/// Finds the carriers file: what was named, else `carriers.toml` beside the campaign file.
#[must_use]
pub fn carriers_file(campaign_file: &Path, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| campaign_file.with_file_name("carriers.toml"), Path::to_owned)
}

/// Reads both files and checks them against each other. With the text of the campaign file.
fn load(campaign_file: &Path, carriers_file: &Path) -> Result<(CampaignOptions, Carriers, String), Error> {
    let (options, text) = CampaignOptions::load_with_text(campaign_file)?;
    let carriers = Carriers::load(carriers_file)?;
    check_routes(&options, &carriers)?;
    check_confirmation(&options, &carriers, campaign_file)?;
    check_budget(&options, &carriers, campaign_file)?;
    if let Some(path) = keywords_file(&options, campaign_file) {
        options::load_keywords(&path)?;
    }
    Ok((options, carriers, text))
}

/// The campaign's own table of words, if it has one.
pub(crate) fn keywords_file(options: &CampaignOptions, campaign_file: &Path) -> Option<PathBuf> {
    Some(campaign_file.parent().unwrap_or(Path::new("")).join(options.replies.keywords.as_ref()?))
}

/// A limit in one currency can't be held against prices in another.
fn check_budget(options: &CampaignOptions, carriers: &Carriers, path: &Path) -> Result<(), FileError> {
    let Some(limit) = options.guards.max_cost.map(|limit| limit.0) else { return Ok(()) };
    for (name, carrier) in routed(options, carriers) {
        let currency = carrier.price_per_segment.as_ref().map(Prices::currency);
        if let Some(currency) = currency.filter(|currency| *currency != limit.currency) {
            let message = format!("`max-cost` is in {}, and carrier `{name}` has prices in {currency}", limit.currency);
            let text = fs::read_to_string(path).unwrap_or_default();
            return Err(FileError::new(path, message).at_key(&text, "max-cost"));
        }
    }
    Ok(())
}

/// What answers a reply goes out in one segment or not at all.
fn check_confirmation(options: &CampaignOptions, carriers: &Carriers, path: &Path) -> Result<(), Error> {
    let replies = &options.replies;
    let texts = [("confirmation", &replies.confirmation), ("welcome", &replies.welcome), ("help", &replies.help)];
    for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
        let segments = SegmentOptions { max_segments: 1, ..message_format(options, carriers)?.segments };
        if let Err(error) = Segments::default().cut(text, &segments) {
            return Err(FileError::new(path, format!("`{key}`: {error}")).into());
        }
    }
    Ok(())
}

/// Every route's carrier is there, and all cut texts alike: a row that goes from one to another
/// keeps its segments.
pub(crate) fn check_routes(options: &CampaignOptions, carriers: &Carriers) -> Result<(), FileError> {
    let mut first: Option<(&str, &CarrierOptions)> = None;
    for route in &options.routes {
        let carrier = carriers.get(&route.carrier)?;
        let (name, known) = first.get_or_insert((&route.carrier, carrier));
        let cut = |carrier: &CarrierOptions| {
            (carrier.default_alphabet, carrier.concatenation, carrier.languages.iter().map(|known| known.0).collect())
        };
        let (first, this): ((_, _, Languages), _) = (cut(known), cut(carrier));
        if first != this {
            let message = format!(
                "carriers `{name}` and `{}` differ in `default-alphabet`, `concatenation` or `languages`: one campaign's routes must agree",
                route.carrier
            );
            return Err(FileError::new(&carriers.path, message));
        }
    }
    Ok(())
}

/// The message as rows are checked and rendered.
pub(crate) fn message_format(options: &CampaignOptions, carriers: &Carriers) -> Result<MessageFormat, Error> {
    let carrier = options.routes.first().map(|route| carriers.get(&route.carrier)).transpose()?;
    let segments = SegmentOptions {
        alphabet: carrier.map(|carrier| carrier.default_alphabet.0).unwrap_or_default(),
        concat: match carrier.map(|carrier| carrier.concatenation).unwrap_or_default() {
            options::Concatenation::Udh8 => Concat::Udh8,
            options::Concatenation::Udh16 => Concat::Udh16,
            options::Concatenation::Sar => Concat::Sar,
            options::Concatenation::Payload => Concat::Payload,
        },
        smart: options.message.smart_encoding.level(),
        languages: carrier.into_iter().flat_map(|carrier| &carrier.languages).map(|language| language.0).collect(),
        max_segments: options.message.max_segments.get(),
        ..SegmentOptions::default()
    };
    MessageFormat::new(options, segments)
        .map_err(|error| FileError::new(Path::new("campaign"), format!("`text`: {}", error.message)).into())
}

/// A list that was frozen, and all that makes messages of it.
pub(crate) struct Listed {
    campaign_file: PathBuf,
    carriers_file: PathBuf,
    pub(crate) options: CampaignOptions,
    carriers: Carriers,
    terms: Terms,
    pub(crate) format: MessageFormat,
    /// Where the column with a row's time zone lies.
    zone_column: Option<usize>,
    pub(crate) frozen: Frozen,
    proposal: Option<Proposal>,
    folder: PathBuf,
}

/// How far a pre-flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreflightProgress {
    /// The list is read.
    Reading(FreezeProgress),
    /// Its messages are made and weighed.
    Weighing {
        /// Rows done.
        n_rows: u64,
        /// All rows.
        total: u64,
    },
}

/// Freezes the list into `folder`. `rejects`: where rejected rows go besides.
pub(crate) fn freeze_list(
    campaign_file: &Path,
    carriers_file: &Path,
    folder: PathBuf,
    rejects: Option<&RejectsFile>,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<Listed, Error> {
    let (options, carriers, text) = load(campaign_file, carriers_file)?;
    let format = message_format(&options, &carriers)?;
    let mut columns = lane_format::kept_columns(format.columns(), routed(&options, &carriers).map(|(_, it)| it));
    columns.extend(
        roles::columns(&options.audience).filter(|column| !columns.contains(column)).cloned().collect::<Vec<_>>(),
    );
    let (mut list, proposal) = list::options(&options, campaign_file, columns)?;
    list.rejects = rejects.cloned();
    let consent_from = options.guards.require_consent_after.map(|from| from.0);
    let roles = RoleColumns::new(&options.audience, &list.columns).requiring_consent(consent_from);
    let zone_column = roles.time_zone();
    let check = RowChecks { lanes: lane_tlvs(&options, &carriers, &list.columns)?, roles, format };
    let frozen =
        freeze(&list, &check, &folder, progress).map_err(|error| texts::placed(error, &options, campaign_file))?;
    texts::stop_at_empty(&frozen, &folder)?;
    let terms = Terms::of((campaign_file, &text), &options, &carriers, &frozen);
    // Absolute, so that a resume from elsewhere finds it when it looks whether it changed.
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (campaign_file, carriers_file) = (absolute(campaign_file), absolute(carriers_file));
    let format = check.format;
    Ok(Listed { campaign_file, carriers_file, options, carriers, terms, format, zone_column, frozen, proposal, folder })
}

impl Listed {
    /// Weighs all messages.
    pub(crate) fn preflight(
        self,
        suppressed: &Suppressed,
        now: UnixMicros,
        progress: &mut dyn FnMut(PreflightProgress),
    ) -> Result<Preflight, Error> {
        let Self { campaign_file, carriers_file, options, carriers, terms, format, zone_column, .. } = self;
        let (frozen, proposal, folder) = (self.frozen, self.proposal, self.folder);
        let (rules, rule_notes) = rules::chosen(&options, &carriers, &campaign_file)?;
        let starts = options.schedule.start_at().map_or(now, |start| start.max(now));
        let times = Times { starts, finish_by: options.schedule.finish_at() };
        let columns = &frozen.options.columns;
        let mut hours = RowHours::new(&options, &rules, &RoleColumns::new(&options.audience, columns));
        let calendar_of = move |plan: &Plan, row: &PlanRow<'_>| {
            hours.as_mut().map_or_else(Calendar::always, |hours| hours.calendar_of(plan, row))
        };
        let groups = Groups::new(times, zone_column, Box::new(calendar_of));
        let survey = Survey { format: &format, suppressed, now, groups: &groups };
        let tally =
            survey.take(&folder, &mut |n_rows, total| progress(PreflightProgress::Weighing { n_rows, total }))?;
        let contract =
            |carrier: &CarrierOptions| Contract { prices: carrier.price_per_segment.clone(), rate: carrier.rate };
        let contracts =
            routed(&options, &carriers).map(|(name, carrier)| (name.to_owned(), contract(carrier))).collect();
        let tlvs = column_tlvs(&options, &carriers);
        let segments_by_country = tally.segments_by_country();
        let rule_findings = rules::findings(&options, &carriers, &rules, &segments_by_country);
        let approved = Approved { campaign_file, carriers_file, options, tlvs, contracts, segments_by_country, rules };
        let check = Check::new(&approved, &carriers, &frozen, &tally, &groups)?;
        if check.funnel.sum() != frozen.n_rows {
            let what = format!("{} rows were read, and {} are accounted for", frozen.n_rows, check.funnel.sum());
            return Err(Error::DoesNotReconcile { what, root: folder });
        }
        Ok(Preflight { approved, terms, frozen, rule_findings, rule_notes, check, proposal, folder })
    }
}

impl Preflight {
    /// What a row in doubt becomes.
    #[must_use]
    pub const fn in_doubt(&self) -> InDoubtPolicy {
        self.approved.options.delivery.in_doubt
    }

    /// Removes what lies there of a list that is not to be approved.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn discard(self) -> Result<(), Error> {
        let path = self.folder;
        fs::remove_dir_all(&path).map_err(|source| Error::Io { path, action: "can't remove the frozen list", source })
    }

    /// That it may run.
    ///
    /// # Errors
    /// When a guard stops it, or no row of the list is valid.
    pub fn allow(&self) -> Result<(), Error> {
        if self.check.is_stopped() {
            let stopping = self.check.guards.iter().filter(|guard| guard.stops);
            let details = stopping.map(GuardFinding::in_words).collect::<Vec<_>>().join("; ");
            return Err(Error::GuardStops { details });
        }
        if self.frozen.n_valid == 0 {
            return Err(Error::NothingToSend { n_rows: self.frozen.n_rows });
        }
        Ok(())
    }
}

/// The routes' carriers.
fn routed<'a>(
    options: &'a CampaignOptions,
    carriers: &'a Carriers,
) -> impl Iterator<Item = (&'a str, &'a CarrierOptions)> {
    options.routes.iter().filter_map(|route| Some((route.carrier.as_str(), carriers.get(&route.carrier).ok()?)))
}

fn column_tlvs(options: &CampaignOptions, carriers: &Carriers) -> ColumnTlvs {
    let of = |carrier: &CarrierOptions| {
        let from_columns = carrier.tlvs.iter().filter(|(_, tlv)| tlv.column.is_some());
        from_columns.map(|(tag, tlv)| (tag.0, tlv.clone())).collect::<BTreeMap<_, _>>()
    };
    let all = routed(options, carriers).map(|(name, carrier)| (name.to_owned(), of(carrier)));
    all.filter(|(_, tlvs)| !tlvs.is_empty()).collect()
}

fn lane_tlvs(
    options: &CampaignOptions,
    carriers: &Carriers,
    columns: &[String],
) -> Result<Vec<(String, LaneTlvs)>, FileError> {
    let of = |(name, carrier): (&str, &CarrierOptions)| match LaneTlvs::new(carrier, columns) {
        Ok(tlvs) => Ok((name.to_owned(), tlvs)),
        Err(what) => Err(lane_format::wrong(carriers, name, &what)),
    };
    routed(options, carriers).map(of).collect()
}

/// Rows were checked against the carriers' own fields as they were when the list was approved:
/// others could leave a row without a field that its carrier needs.
pub(crate) fn check_tlvs(approved: &Approved, carriers: &Carriers) -> Result<(), FileError> {
    let now = column_tlvs(&approved.options, carriers);
    let name = now.keys().chain(approved.tlvs.keys()).find(|name| now.get(*name) != approved.tlvs.get(*name));
    match name {
        None => Ok(()),
        Some(name) => {
            let what =
                "`tlvs` from columns changed since the list was approved, and its rows were checked against the old";
            Err(lane_format::wrong(carriers, name, what)
                .with_hint("put them back, or approve anew with `volley run --again`"))
        }
    }
}

/// That a row's text can be made and fits, and that every carrier's own fields can be written.
struct RowChecks {
    format: MessageFormat,
    roles: RoleColumns,
    lanes: Vec<(String, LaneTlvs)>,
}

#[derive(Default)]
struct Scratch {
    composed: Composed,
    tlvs: Vec<u8>,
    roles: RoleScratch,
}

impl RowCheck for RowChecks {
    type Scratch = Scratch;

    fn check(&self, row: &RowView<'_>, scratch: &mut Scratch) -> Result<RowFacts, Rejection> {
        let value = |index| row.field(index);
        let variant = self.format.variant(row.msisdn, value).map_err(|unmade| self.rejection(unmade))?;
        self.format.check_fields(variant, value).map_err(|unmade| self.rejection(unmade))?;
        self.roles.check(row, &mut scratch.roles)?;
        if variant == HOLD_OUT {
            // It gets nothing: no carrier needs a field of it.
            return Ok(RowFacts { variant, ..RowFacts::default() });
        }
        for (carrier, tlvs) in &self.lanes {
            scratch.tlvs.clear();
            if let Err(refused) = tlvs.put(|index| row.field(index), &mut scratch.tlvs) {
                let reason = format!("carrier {carrier}: {}", refused.what);
                return Err(Rejection { column: Some(refused.column.to_owned()), code: "carrier-field", reason });
            }
        }
        let composed = &mut scratch.composed;
        let made = self.format.compose(variant, value, composed);
        made.and_then(|()| composed.check_not_blank(variant)).map_err(|unmade| self.rejection(unmade))?;
        let n_segments = u8::try_from(composed.segments.len()).unwrap_or(u8::MAX);
        Ok(RowFacts { n_segments, variant, is_ucs2: composed.is_ucs2() })
    }
}

impl RowChecks {
    fn rejection(&self, unmade: Unmade) -> Rejection {
        let (column, code, reason) = match unmade {
            Unmade::Empty { column, stops } => {
                let code = if stops { EMPTY_STOPS } else { "empty-field" };
                (column, code, "the text needs this column, and it is empty".to_owned())
            }
            Unmade::NoText => {
                (None, "no-variant", "no variant is for this row, and there is no `text` for others".into())
            }
            Unmade::Failed(what) => (None, "text-failed", format!("the text can't be made: {what}")),
            Unmade::Blank => (None, "empty-text", "nothing is left of the text".to_owned()),
            Unmade::TooManySegments(error) => (None, "too-many-segments", error.to_string()),
        };
        let column = column.and_then(|index| self.format.columns().get(index)).cloned();
        Rejection { column, code, reason }
    }
}
