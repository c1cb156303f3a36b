//! One file for each command.

pub(crate) mod archive;
pub(crate) mod carrier;
pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod doubt;
pub(crate) mod erase;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod listen;
pub(crate) mod manual;
pub(crate) mod orders;
pub(crate) mod plan;
pub(crate) mod replies;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod send_test;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod suppress;
pub(crate) mod watch;
