//! The binary as its users meet it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approve;
mod archive;
mod bad_input;
mod carrier_command;
mod carriers;
mod check;
mod damage;
mod disk;
mod doubt;
mod erase;
mod faults;
mod foreign;
mod guards;
mod house;
mod inferred;
mod inspect;
mod interrupt;
mod kill;
mod listen;
mod lists;
mod manual;
mod orders;
mod queries;
mod replies;
mod report;
mod scenarios;
mod send_test;
mod silence;
mod support;
mod suppress;
mod syscalls;
mod texts;
mod watch;
mod windows;
