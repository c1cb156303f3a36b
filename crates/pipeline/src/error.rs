//! What can be wrong with a carrier before it is started.

use volley_smpp::pdu::EncodeError;

use crate::TlsSetupError;

/// Options that can't work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No host to connect to.
    #[error("carrier {carrier}: no host is given")]
    NoHost {
        /// The carrier's name.
        carrier: String,
    },
    /// A field of the bind does not fit its PDU.
    #[error("carrier {carrier}: the bind can't be written: {source}")]
    Bind {
        /// The carrier's name.
        carrier: String,
        /// Which field, and how much fits.
        source: EncodeError,
    },
    /// TLS can't be set up.
    #[error("carrier {carrier}: TLS can't be set up")]
    Tls {
        /// The carrier's name.
        carrier: String,
        /// What is wrong.
        source: TlsSetupError,
    },
    /// A number outside its range.
    #[error("carrier {carrier}: {option} is {given}: possible is {possible}")]
    OutOfRange {
        /// The carrier's name.
        carrier: String,
        /// The option's name.
        option: &'static str,
        /// What was given.
        given: String,
        /// What can be.
        possible: &'static str,
    },
}
