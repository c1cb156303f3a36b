//! The binary `volley`: arguments, progress, tables, exit codes.

/// A line for people, on stderr.
macro_rules! say {
    () => { $crate::terminal::write(format_args!("\n")) };
    ($($words:tt)*) => { $crate::terminal::write(format_args!("{}\n", format_args!($($words)*))) };
}

/// As [`say`], within a line.
macro_rules! say_part {
    ($($words:tt)*) => { $crate::terminal::write(format_args!($($words)*)) };
}

mod args;
mod carriers;
mod commands;
mod failure;
mod interrupt;
mod output;
mod progress;
mod screen;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Command, Volley};

fn main() -> ExitCode {
    end_on_panic();
    let volley = Volley::parse();
    start_log();
    let data = volley_engine::DataDir::new(&volley.data);
    let result = match volley.command {
        Command::Init(args) => commands::init::init(&args),
        Command::Run(args) => commands::run::run(&data, &args),
        Command::Check(args) => commands::check::check(&data, &args),
        Command::Sample(args) => commands::sample::sample(&args),
        Command::SendTest(args) => commands::send_test::send_test(&data, &args),
        Command::Resume(args) => commands::resume::resume(&data, &args),
        Command::Rules(args) => commands::rules::rules(&args.what),
        Command::Pause(args) => commands::orders::pause(&data, &args),
        Command::Pace(args) => commands::orders::pace(&data, &args),
        Command::Cancel(args) => commands::orders::cancel(&data, &args),
        Command::Explain(args) => commands::explain::show_explained(&data, &args),
        Command::Audit(args) => commands::orders::show_audit(&data, &args),
        Command::Status(args) => commands::status::status(&data, &args),
        Command::Watch(args) => commands::watch::watch(&data, &args),
        Command::List(args) => commands::status::list(&data, &args),
        Command::Plan(args) => commands::plan::plan(&data, &args.what),
        Command::Report(args) => commands::report::report(&data, &args),
        Command::Replies(args) => commands::replies::replies(&data, &args),
        Command::Listen(args) => commands::listen::listen(&data, &args),
        Command::Suppress(args) => commands::suppress::suppress(&data, &args.what),
        Command::Erase(args) => commands::erase::erase(&data, &args),
        Command::Doctor(args) => commands::doctor::doctor(&data, &args),
        Command::Doubt(args) => commands::doubt::doubt(&data, &args.what),
        Command::Archive(args) => commands::archive::archive(&data, &args),
        Command::Carrier(args) => commands::carrier::carrier(&data, &args.what),
        Command::Simulate(args) => commands::simulate::simulate(&args),
        Command::Generate(args) => commands::generate::generate(&args),
        Command::Inspect(args) => commands::inspect::inspect(&args),
        Command::Help(args) => commands::manual::help(&args),
        Command::Completions(args) => commands::manual::completions(&args),
        Command::Man(args) => commands::manual::man(&args),
    };
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.show();
            failure.code().into()
        }
    }
}

/// No thread may run on when another has failed: nothing would be remembered. Only sled's
/// panics over damaged files and failing disks pass: they are caught, and are errors then.
fn end_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !volley_engine::is_in_sled() {
            print(panic);
            std::process::abort();
        }
    }));
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("VOLLEY_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| terminal::LogWriter).init();
}
