//! What can go wrong, by what its reader does about it.

use std::{io, path::PathBuf};

use crate::{options::FileError, orders::Refusal};

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The campaign or carriers file.
    #[error(transparent)]
    Options(#[from] FileError),
    /// The recipients list.
    #[error(transparent)]
    List(#[from] volley_ingest::Error),
    /// Another process owns the data directory.
    #[error("{} is in use by {}", root.display(), owner.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// The data directory.
        root: PathBuf,
        /// The other process, where it could be found out.
        owner: Option<u32>,
    },
    /// Nothing was ever run here.
    #[error("{} holds no campaigns", root.display())]
    NoData {
        /// The data directory.
        root: PathBuf,
    },
    /// No campaign by that name.
    #[error("no campaign `{name}` in {}", root.display())]
    NoCampaign {
        /// What was asked for.
        name: String,
        /// The data directory.
        root: PathBuf,
    },
    /// A file of a campaign is not what the journal says was approved.
    #[error("{} is not what was approved: it was damaged or changed", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Only what is finished is archived.
    #[error("campaign `{name}` is {status}, not finished: nothing was archived")]
    NotFinished {
        /// The campaign.
        name: String,
        /// Where it stands.
        status: &'static str,
    },
    /// Rows in doubt would stay so for ever.
    #[error("campaign `{name}` has {n_rows} rows in doubt: nothing was archived")]
    StillInDoubt {
        /// The campaign.
        name: String,
        /// How many.
        n_rows: u64,
    },
    /// The rows of a campaign lie in its archive.
    #[error("campaign `{name}` is archived in {file}")]
    IsArchived {
        /// The campaign.
        name: String,
        /// The archive file, as it was named then.
        file: String,
    },
    /// An archive can't be used.
    #[error("{} is not a whole archive: {what}", path.display())]
    BadArchive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// What should be approved is not what was saved.
    #[error("plan {} changed since it was approved: {}", short(hash), changes.join("; "))]
    PlanChanged {
        /// The plan that was approved.
        hash: String,
        /// What differs.
        changes: Vec<String>,
    },
    /// The plan was run before.
    #[error("plan {} was run before, as campaign {campaign}", short(hash))]
    PlanUsed {
        /// The plan.
        hash: String,
        /// Its number.
        campaign: u32,
    },
    /// No plan with that hash was saved.
    #[error("no plan in {} has a hash that begins with {prefix}", root.display())]
    NoPlan {
        /// What was asked for.
        prefix: String,
        /// The data directory.
        root: PathBuf,
    },
    /// Too few digits to tell plans apart.
    #[error("{n} plans have a hash that begins with {prefix}")]
    SeveralPlans {
        /// What was asked for.
        prefix: String,
        /// How many.
        n: usize,
    },
    /// It can't be the hash of a plan.
    #[error("`{text}` is no hash of a plan: 8 to 64 hexadecimal digits")]
    NoHash {
        /// What was asked for.
        text: String,
    },
    /// A saved plan does not have the hash that it was saved under.
    #[error("{} is not what was saved: it was damaged or changed, or a person was erased from it", path.display())]
    PlanDamaged {
        /// The file.
        path: PathBuf,
    },
    /// A test message may not go to this number.
    #[error("+{number} gets nothing: {cause}")]
    IsSuppressed {
        /// The number, masked.
        number: String,
        /// Why.
        cause: &'static str,
    },
    /// No test message can be made of a row.
    #[error("no message of line {line} of the list: {why}")]
    NoTestRow {
        /// Its line.
        line: u64,
        /// Why not.
        why: String,
    },
    /// A carrier that the campaign does not send through.
    #[error("carrier `{carrier}` is in no route of the campaign: it has {known}")]
    NoRoute {
        /// What was asked for.
        carrier: String,
        /// Those of the routes.
        known: String,
    },
    /// A row to be decided on is not in doubt.
    #[error("row {row} of campaign `{campaign}` is not in doubt; nothing was decided")]
    NotInDoubt {
        /// The row, from 1.
        row: u64,
        /// The campaign.
        campaign: String,
    },
    /// An order makes no sense as things stand.
    #[error("campaign `{name}`: {refusal}; nothing was changed")]
    NotOrdered {
        /// The campaign.
        name: String,
        /// Why.
        refusal: Refusal,
    },
    /// A campaign of the same name is under way.
    #[error("campaign `{name}` was begun and is not finished")]
    Unfinished {
        /// Its name.
        name: String,
    },
    /// Which campaign to resume is not clear.
    #[error("several campaigns are not finished: {names}")]
    SeveralUnfinished {
        /// Their names.
        names: String,
    },
    /// More carriers than numbers for them.
    #[error("this data directory has seen 256 carriers, and has no number for one more")]
    TooManyCarriers,
    /// What should be a number isn't one.
    #[error("not a number that could be suppressed: {why}")]
    NoNumber {
        /// Why.
        why: String,
    },
    /// No suppression list by that name.
    #[error("no suppression list `{name}`: there are {known}")]
    NoList {
        /// What was asked for.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// A suppression list can't be called that.
    #[error("a suppression list can't be called `{name}`")]
    BadListName {
        /// The name.
        name: String,
    },
    /// Nothing can be sent.
    #[error("no row of the list can be sent: all {n_rows} are rejected")]
    NothingToSend {
        /// Rows of the list.
        n_rows: u64,
    },
    /// A field is empty that the campaign says must not be.
    #[error("{}: line {line}, column {column}: the field is empty, and `[message.empty]` says stop ({n_rows} such rows in all)", list.display())]
    EmptyField {
        /// The list.
        list: PathBuf,
        /// The first such line.
        line: u64,
        /// The column.
        column: String,
        /// Rows like it.
        n_rows: u64,
    },
    /// No carrier lets us in.
    #[error("no carrier can be used: {details}")]
    NoCarrier {
        /// Each carrier with its reason.
        details: String,
    },
    /// Every carrier that lets us in refuses all that is sent.
    #[error("stopped before more fails: {details}")]
    Guarded {
        /// Each carrier with its reason.
        details: String,
    },
    /// A guard of the campaign file stops it before anything is sent.
    #[error("a guard stops the campaign: {details}")]
    GuardStops {
        /// Each guard with its figure and limit.
        details: String,
    },
    /// A carrier's options can't work.
    #[error(transparent)]
    Carrier(#[from] volley_pipeline::Error),
    /// The journal is damaged or can't be written.
    #[error("the journal failed")]
    Journal(#[from] volley_journal::Error),
    /// The ledger does not follow from the journal.
    #[error("the ledger failed")]
    Ledger(#[from] volley_reconciler::Error),
    /// The simulator for a simulated carrier can't start.
    #[error("the simulated carriers can't start")]
    Simulator(#[from] volley_simulator::Error),
    /// The sums don't add up, or more is in doubt than may be: our own bug.
    #[error("{what}: please report this with a copy of {}", root.display())]
    DoesNotReconcile {
        /// What is wrong.
        what: String,
        /// The data directory.
        root: PathBuf,
    },
    /// A file operation failed.
    #[error("{}: {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A hash as far as a person compares it.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

impl Error {
    /// What to do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Options(error) => error.hint().map(str::to_owned),
            Self::InUse { .. } => Some("wait for it, stop it, or use another directory with --data DIR".to_owned()),
            Self::NoData { .. } => Some("use --data DIR if it lies elsewhere, or begin with `volley run`".to_owned()),
            Self::NoCampaign { .. } => Some("`volley list` shows all".to_owned()),
            Self::Changed { .. } => Some("restore it from a backup; `volley doctor` checks all files".to_owned()),
            Self::PlanChanged { .. } => {
                Some("put it back; or check it anew with `volley check --save`, and have that approved".to_owned())
            }
            Self::PlanUsed { .. } => Some(
                "`volley resume` goes on with it where it is not finished; --again sends to everyone again".to_owned(),
            ),
            Self::NoPlan { .. } => {
                Some("`volley list` shows the plans that were saved; `volley check --save` saves one".to_owned())
            }
            Self::SeveralPlans { .. } => Some("give more of its digits".to_owned()),
            Self::NoHash { .. } => Some("`volley list` shows the plans that were saved".to_owned()),
            Self::PlanDamaged { .. } => Some("remove it, and save it anew with `volley check --save`".to_owned()),
            Self::IsSuppressed { .. } => {
                Some("`volley suppress check NUMBER` shows the lists; use another phone".to_owned())
            }
            Self::NoTestRow { .. } => Some("name another line with --row, or none".to_owned()),
            Self::NoRoute { .. } => {
                Some("name one of these; `volley carrier test` tries any carrier of the file".to_owned())
            }
            Self::NotFinished { name, .. } => Some(format!("`volley resume {name}` goes on with it")),
            Self::StillInDoubt { name, .. } => Some(format!(
                "decide with `volley doubt resolve {name}`, or archive them as they are with --even-in-doubt"
            )),
            Self::IsArchived { file, .. } => Some(format!("`volley report --archive {file}` shows what is in it")),
            Self::BadArchive { .. } => Some("restore it from a backup".to_owned()),
            Self::NotInDoubt { campaign, .. } => Some(format!("`volley doubt list {campaign}` shows those that are")),
            Self::NotOrdered { refusal, .. } => Some(refusal.hint().to_owned()),
            Self::Unfinished { name } => Some(format!(
                "`volley resume {name}` goes on with it; `volley run --again` begins anew and sends to everyone again"
            )),
            Self::SeveralUnfinished { .. } => Some("name one: `volley resume NAME`".to_owned()),
            Self::TooManyCarriers => Some("use another data directory with --data DIR".to_owned()),
            Self::NoNumber { .. } => Some("write it with its country code, such as +4915112345678".to_owned()),
            Self::NoList { name, .. } => {
                Some(format!("`volley suppress import FILE --list {name}` or `suppress add` begins it"))
            }
            Self::BadListName { .. } => Some("use 1 to 64 letters, digits, `-` and `_`".to_owned()),
            Self::NothingToSend { .. } => Some("the rejects file names line, column and reason of each".to_owned()),
            Self::EmptyField { column, .. } => {
                Some(format!("mend the list; or write `{column} = \"skip\"` or a default under [message.empty]"))
            }
            Self::NoCarrier { .. } => {
                Some("nothing is lost: `volley resume` goes on when a carrier can be used".to_owned())
            }
            Self::Guarded { .. } => {
                Some("`volley audit` says which guard; mend the cause; `volley resume NAME` then goes on with the other rows".to_owned())
            }
            Self::GuardStops { .. } => {
                Some("mend the list, or raise the limit under [guards] of the campaign file".to_owned())
            }
            Self::Journal(_) => {
                Some("nothing durable is lost: `volley resume` goes on when the cause is gone".to_owned())
            }
            Self::List(_)
            | Self::Carrier(_)
            | Self::Ledger(_)
            | Self::Simulator(_)
            | Self::DoesNotReconcile { .. }
            | Self::Io { .. } => None,
        }
    }
}
