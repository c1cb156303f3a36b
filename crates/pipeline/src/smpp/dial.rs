//! How a bind reaches its host.

use std::{fmt, future::Future, io, pin::Pin, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection that is no TCP stream of ours.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection in the making.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Something that connects binds in place of the network: a simulation.
pub trait Dial: Send + Sync {
    /// Connects to `host`.
    fn dial(&self, host: &str) -> Dialling;
}

/// How binds connect.
#[derive(Clone, Default)]
pub enum Dialler {
    /// Over TCP, encrypted where the account says so.
    #[default]
    Tcp,
    /// Through a simulated network, never encrypted.
    Simulated(Arc<dyn Dial>),
}

impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "Tcp",
            Self::Simulated(_) => "Simulated",
        })
    }
}
