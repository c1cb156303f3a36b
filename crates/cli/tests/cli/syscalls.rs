//! Some of what `crash syscalls`, `recovery` and `errors` of `volley-proof` sweep in full.

use std::process::Command;

use volley_proof::crash::{self, Options};

use crate::support::VOLLEY;

/// `None`, with a printed reason, where strace is not installed.
fn options(only: &[&str], step: u64) -> Option<Options> {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not installed");
        return None;
    }
    let only = Some(only.iter().map(|call| (*call).to_owned()).collect());
    Some(Options { times: 0, rows: None, seed: 1, step, only, volley: VOLLEY.into() })
}

#[test]
fn killed_at_calls_of_the_system_nothing_is_lost_or_doubled() {
    let Some(options) = options(&["fdatasync", "pwrite64", "rename", "sendto", "write"], 23) else { return };
    crash::syscalls(&options).unwrap();
}

#[test]
fn killed_at_calls_of_recovery_nothing_is_lost_or_doubled() {
    let Some(options) = options(&["fdatasync", "openat", "pwrite64"], 23) else { return };
    crash::recovery(&options).unwrap();
}

#[test]
fn a_failed_sync_of_the_journal_ends_the_run_and_nothing_is_lost() {
    let Some(options) = options(&["fdatasync"], 13) else { return };
    crash::errors(&options).unwrap();
}
