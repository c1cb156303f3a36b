//! Arguments.

mod archive;
mod carrier;
mod check;
mod doubt;
mod erase;
mod explain;
mod init;
mod inspect;
mod listen;
mod manual;
mod orders;
mod plan;
mod replies;
mod report;
mod rules;
mod sample;
mod send_test;
mod suppress;
mod watch;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use volley_engine::{RejectsFile, RejectsForm};

pub(crate) use self::archive::ArchiveArgs;
pub(crate) use self::carrier::{CarrierArgs, CarrierCommand, CarrierList, CarrierTestArgs, CarrierWatch};
pub(crate) use self::check::CheckArgs;
pub(crate) use self::doubt::{DoctorArgs, DoubtArgs, DoubtCommand, DoubtList, DoubtResolve, Verdict};
pub(crate) use self::erase::EraseArgs;
pub(crate) use self::explain::ExplainArgs;
pub(crate) use self::init::InitArgs;
pub(crate) use self::inspect::{Inspect, InspectArgs, InspectInput, InspectText};
pub(crate) use self::listen::ListenArgs;
pub(crate) use self::manual::{CompletionsArgs, HelpArgs, ManArgs};
pub(crate) use self::orders::{AuditArgs, CancelArgs, OrderArgs, PaceArgs, PauseArgs};
pub(crate) use self::plan::{PlanArgs, PlanCommand};
pub(crate) use self::replies::RepliesArgs;
pub(crate) use self::report::{ReportArgs, ReportForm};
pub(crate) use self::rules::{RulesArgs, RulesCommand, RulesList, RulesShow};
pub(crate) use self::sample::SampleArgs;
pub(crate) use self::send_test::SendTestArgs;
pub(crate) use self::suppress::{
    SuppressArgs, SuppressCheck, SuppressCommand, SuppressExport, SuppressImportArgs, SuppressListArgs, SuppressNumber,
    SuppressWith,
};
pub(crate) use self::watch::WatchArgs;

/// Bulk MT campaigns over SMPP: nothing lost, nothing silently sent twice.
#[derive(Debug, Parser)]
#[command(name = "volley", version, about, propagate_version = true, disable_help_subcommand = true, after_help = EXAMPLES)]
pub(crate) struct Volley {
    /// Where campaigns, journal and store lie
    #[arg(long, global = true, env = "VOLLEY_DATA", default_value = ".volley", value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  volley init spring                    files to begin with
  volley check campaign.toml            who gets what, at what price, by when
  volley run campaign.toml              check, preview, ask, send, report
  volley resume                         go on after Ctrl-C, a crash or a power cut
  volley pause spring-sale              from another terminal: begin nothing more, until `volley resume`
  volley status                         the numbers, also while nothing runs
  volley report spring-sale --csv       one line for each recipient
  volley carrier test north             try a carrier before the first campaign
  volley help recipes                   the ten commonest jobs, as they are typed

Exit codes:
  0 clean · 1 finished, but messages failed, or cancelled · 2 wrong usage or configuration
  3 stopped by a guard · 4 no carrier can be reached
  5 another process owns the data · 6 rows in doubt remain · 7 journal or store are damaged
  130 interrupted, resumable";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a campaign file, a carriers file and a list to begin with
    Init(InitArgs),
    /// Check, preview and send a campaign
    Run(RunArgs),
    /// Look at a campaign beforehand: funnel, parts, cost, hours, verdict; send nothing
    Check(CheckArgs),
    /// Print finished messages for some rows of a campaign, and send nothing
    Sample(SampleArgs),
    /// Send one finished message of a campaign to a phone of your own
    SendTest(SendTestArgs),
    /// Go on with a campaign that was interrupted, or lift a pause of one that runs
    Resume(ResumeArgs),
    /// Begin nothing more of a campaign, until `resume` is said
    Pause(PauseArgs),
    /// Change the rate of a campaign, or of one of its carriers
    Pace(PaceArgs),
    /// Never send what a campaign has not begun
    Cancel(CancelArgs),
    /// Show what was ordered of campaigns: by whom, when and why
    Audit(AuditArgs),
    /// Say why a campaign runs at its rate, or what happened to a recipient
    Explain(ExplainArgs),
    /// Show the numbers of all campaigns, or of one
    Status(StatusArgs),
    /// Show a campaign that runs, live, from another terminal
    Watch(WatchArgs),
    /// List all campaigns and saved plans, a line each
    List(ListArgs),
    /// Show plans that were saved to be approved, or remove them
    Plan(PlanArgs),
    /// Show a campaign's report, break it down, or export it by recipient
    Report(ReportArgs),
    /// List what recipients sent back, and what it asks for
    Replies(RepliesArgs),
    /// Take receipts and replies while no campaign runs
    Listen(ListenArgs),
    /// Put numbers on suppression lists, take them off, look, import, export
    Suppress(SuppressArgs),
    /// Show which sending rules hold in which country, with source and date
    Rules(RulesArgs),
    /// Remove a person, or all whose time is over, from everything that is kept
    Erase(EraseArgs),
    /// List the rows whose fate is unknown, and decide on them
    Doubt(DoubtArgs),
    /// Check that journal, store and report agree, and mend what can be mended
    Doctor(DoctorArgs),
    /// Put finished campaigns into one file each, and out of journal and store
    Archive(ArchiveArgs),
    /// List carriers, try one, or watch the binds of those that run
    Carrier(CarrierArgs),
    /// Play an SMSC over TCP until interrupted
    Simulate(SimulateArgs),
    /// Make a recipients list of any size
    Generate(GenerateArgs),
    /// Look at a text, a PDU, a receipt or a number, as a campaign would read it
    Inspect(InspectArgs),
    /// Explain a command, or a topic: the files, the contract, codes, recipes
    Help(HelpArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write those of all commands
    Man(ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley run campaign.toml
  volley run campaign.toml --yes --json > report.json
  volley run campaign.toml --carriers /etc/volley/carriers.toml
  volley run campaign.toml --approved 4f1d9a2c   what was saved with `check --save`, without asking
  volley run campaign.toml --dry-run --rejects rejects.csv   (--raw for machines)
  volley run campaign.toml --dry-run          check and preview, send nothing")]
pub(crate) struct RunArgs {
    /// The campaign file
    pub(crate) campaign: PathBuf,
    /// The carriers file [default: carriers.toml beside the campaign file]
    #[arg(long, value_name = "FILE")]
    pub(crate) carriers: Option<PathBuf>,
    /// Send without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Send without asking if everything is as it was when this plan was saved; else refuse and say
    /// what changed. 8 digits of its hash do; with all 64 it need not have been saved here
    #[arg(long, value_name = "HASH")]
    pub(crate) approved: Option<String>,
    /// Check and preview, send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) rejects: RejectsArgs,
    /// Begin anew although a campaign of this name is not finished: sends to everyone again
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) output: RunOutput,
}

#[derive(Debug, Args)]
pub(crate) struct RejectsArgs {
    /// Write the rejected rows to a CSV file: line, column, code, message, and their own columns.
    /// Cells that a spreadsheet would take for a formula get an apostrophe
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// The rejected rows' cells with the list's own octets, for machines: no apostrophes, and
    /// nothing replaced. Don't open it in a spreadsheet
    #[arg(long, requires = "rejects")]
    pub(crate) raw: bool,
}

impl RejectsArgs {
    pub(crate) fn file(&self) -> Option<RejectsFile> {
        let form = if self.raw { RejectsForm::Raw } else { RejectsForm::Spreadsheet };
        self.rejects.clone().map(|path| RejectsFile { path, form })
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunOutput {
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the report by recipient to a CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// No progress on stderr
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// What happens as JSON objects on stdout, one on a line: progress every second, notes, the end
    #[arg(long, conflicts_with = "json")]
    pub(crate) json_lines: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley resume                         the one campaign that is not finished
  volley resume spring-sale --json
  volley resume 3                       by its number in `volley list`
  volley resume spring-sale --lift      goes on, and lifts a pause from before the crash

While a process runs the campaign, `volley resume spring-sale` lifts its pause, and with --carrier a
carrier's. Without one it starts the campaign again, which stays paused when it was, unless a guard had
stopped it or --lift is said. Each says what it did.")]
pub(crate) struct ResumeArgs {
    /// The campaign's name or number [default: the one that is not finished]
    pub(crate) campaign: Option<String>,
    /// Another carriers file than the one it was started with
    #[arg(long, value_name = "FILE")]
    pub(crate) carriers: Option<PathBuf>,
    /// Lift a pause of the whole campaign before it starts
    #[arg(long)]
    pub(crate) lift: bool,
    /// Lift the pause of one carrier of a campaign that runs
    #[arg(long, value_name = "NAME", requires = "campaign")]
    pub(crate) carrier: Option<String>,
    /// Why, for whoever reads the audit log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Who resumes it; the machine's name is added
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) by: String,
    #[command(flatten)]
    pub(crate) output: RunOutput,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley status
  volley status spring-sale --json
  volley status --json | jq '.campaigns[].states.delivered'")]
pub(crate) struct StatusArgs {
    /// The campaign's name or number [default: all]
    pub(crate) campaign: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley list
  volley list --json

Plans that were saved with `volley check --save` follow the campaigns: they have `plan_hash`
and no `id`. Their status is waiting, or approved when they were run; `volley plan remove HASH`
removes one.")]
pub(crate) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley simulate                                   accepts and delivers everything
  volley simulate simulator.toml --listen 127.0.0.1:2775 --log submits.csv")]
pub(crate) struct SimulateArgs {
    /// How it behaves [default: accepts and delivers everything]
    pub(crate) options: Option<PathBuf>,
    /// Where to listen; port 0 lets the system choose, and prints it
    #[arg(long, default_value = "127.0.0.1:2775", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// A line for each submit goes here: time in µs, carrier, bind, recipient, part, message id or
    /// status, and the faults that struck it
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  volley generate --rows 10000 > recipients.csv
  volley generate --rows 10000000 --seed 7 --clean --out recipients.csv")]
pub(crate) struct GenerateArgs {
    /// Rows, without the header
    #[arg(long)]
    pub(crate) rows: u64,
    /// Same seed, same list
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only unique valid numbers, nothing broken
    #[arg(long)]
    pub(crate) clean: bool,
    /// Write to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
