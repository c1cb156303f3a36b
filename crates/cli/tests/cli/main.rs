//! The binary as its users meet it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod carrier_command;
mod carriers;
mod damage;
mod disk;
mod doubt;
mod faults;
mod foreign;
mod house;
mod inferred;
mod inspect;
mod interrupt;
mod kill;
mod queries;
mod replies;
mod scenarios;
mod support;
mod syscalls;
