//! SMPP 3.4 carriers: hosts and binds under one account, with one queue.
//!
//! `session` is what a session knows, without I/O; `wire` moves octets between it and a
//! connection; `bind_task` connects, and connects again; `carrier_task` owns what concerns the
//! account as a whole.

mod backoff;
mod bind_task;
mod carrier_task;
mod classes;
mod delivery;
mod dial;
mod gate;
mod options;
mod questions;
mod session;
mod shared;
mod throttle;
mod tls;
mod window;
mod wire;

pub use classes::StatusClasses;
pub use dial::{Dial, Dialler, Dialling, Stream};
pub use options::{BackoffOptions, BindAs, ReceiverAccount, SmppOptions, Timers};

pub use tls::{ClientCertificate, HostNameCheck, TlsOptions, TlsSetupError};

pub(crate) use shared::{Shared, start};
