//! Runs simulated campaigns and says what was tried, how often, and what was found.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use volley_core::{Clock as _, SystemClock};
use volley_proof::simulation::{Bug, Fault, Faults, Run, Scenario, folder, plant, run, shrink, silence_the_store};

/// Simulates campaigns with faults, and checks the contract's invariants.
#[derive(Parser)]
#[command(after_help = "Examples:\n  simulate --campaigns 10000 --seed 1\n  simulate --trace 4711\n  \
                        simulate --bug last-receipt-wins\n  simulate --campaigns 1000 --json")]
struct Args {
    /// How many campaigns, one for each seed.
    #[arg(long, default_value_t = 1_000)]
    campaigns: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plants a bug and stops at the first seed that finds it.
    #[arg(long, value_parser = bug_named)]
    bug: Option<Bug>,
    /// Runs one seed and prints all that happened.
    #[arg(long)]
    trace: Option<u64>,
    /// The table as JSON.
    #[arg(long)]
    json: bool,
}

fn bug_named(name: &str) -> Result<Bug, String> {
    let found = Bug::ALL.into_iter().find(|bug| bug.name() == name);
    found.ok_or_else(|| format!("one of {}", Bug::ALL.map(Bug::name).join(", ")))
}

#[derive(Default)]
struct Table {
    n_campaigns: u64,
    n_lives: u64,
    n_images: u64,
    n_checks: u64,
    n_events: u64,
    faults: Faults,
}

impl Table {
    fn add(&mut self, run: &Run) {
        self.n_campaigns += 1;
        self.n_lives += run.n_lives;
        self.n_images += run.n_images;
        self.n_checks += run.n_checks;
        self.n_events += run.trace.len() as u64;
        self.faults.merge(&run.faults);
    }

    fn totals(&self) -> [(&'static str, u64); 5] {
        [
            ("campaigns", self.n_campaigns),
            ("runs of the program", self.n_lives),
            ("disk images after power cuts", self.n_images),
            ("invariants checked", self.n_checks),
            ("things that happened", self.n_events),
        ]
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    silence_the_store();
    match simulate(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn simulate(args: &Args) -> std::io::Result<bool> {
    plant(args.bug);
    let folder = folder()?;
    let campaign = folder.path().join("campaign");
    if let Some(seed) = args.trace {
        let run = run(&Scenario::draw(seed), &campaign)?;
        show(seed, &Scenario::draw(seed), &run, None);
        return Ok(run.violation.is_none());
    }
    let clock = SystemClock;
    let (start, mut shown) = (clock.now(), Duration::ZERO);
    let mut table = Table::default();
    for seed in args.seed..args.seed + args.campaigns {
        let scenario = Scenario::draw(seed);
        let run = run(&scenario, &campaign)?;
        table.add(&run);
        if let Some(violation) = &run.violation {
            eprintln!("seed {seed}: {violation}");
            let (smallest, run) = shrink(&scenario, &campaign, violation.invariant)?;
            show(seed, &smallest, &run, run.violation.as_ref().and_then(|violation| violation.row));
            print(args, &table, clock.now() - start);
            return Ok(args.bug.is_some());
        }
        let elapsed = clock.now() - start;
        if elapsed > shown + Duration::from_secs(2) {
            shown = elapsed;
            eprintln!("{} of {} campaigns, {} s", table.n_campaigns, args.campaigns, elapsed.as_secs());
        }
    }
    print(args, &table, clock.now() - start);
    Ok(args.bug.is_none())
}

/// The scenario, what happened in it, and what is wrong.
#[expect(clippy::print_stdout, reason = "the command's output")]
fn show(seed: u64, scenario: &Scenario, run: &Run, row: Option<u32>) {
    println!("seed {seed}: {scenario:#?}");
    for entry in run.trace.about(row) {
        println!("{entry}");
    }
    println!("trace {:016x}, {} entries", run.trace.hash(), run.trace.len());
    if let Some(violation) = &run.violation {
        println!("{violation}");
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn print(args: &Args, table: &Table, elapsed: Duration) {
    if args.json {
        let faults: serde_json::Map<_, _> =
            Fault::ALL.iter().map(|fault| (fault.name().to_owned(), table.faults.get(*fault).into())).collect();
        let totals: serde_json::Map<_, _> =
            table.totals().into_iter().map(|(name, n)| (name.to_owned(), n.into())).collect();
        println!("{}", serde_json::json!({ "seconds": elapsed.as_secs_f64(), "totals": totals, "faults": faults }));
        return;
    }
    for (name, n) in table.totals() {
        println!("{n:>12}  {name}");
    }
    for fault in Fault::ALL {
        println!("{:>12}  {}", table.faults.get(*fault), fault.name());
    }
    println!("{:>10.1} s", elapsed.as_secs_f64());
}
