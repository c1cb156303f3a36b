//! TLS from the first octet on (HANDBOOK A.8): whom to trust, who we are. Never silently less.

mod any_name;

use std::{io, path::PathBuf, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, RootCertStore,
        client::WebPkiServerVerifier,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject as _},
    },
};

use self::any_name::AnyName;

/// How an account's connections are encrypted.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// A PEM file with the authorities to trust instead of the system's. Default: the system's.
    pub ca: Option<PathBuf>,
    /// Who we are, for carriers that want to know. Default: nobody.
    pub client: Option<ClientCertificate>,
    /// Default: it must be the host's.
    pub host_name: HostNameCheck,
}

/// Our own certificate and its key.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// A PEM file with the certificate, and those that lead to its authority.
    pub chain: PathBuf,
    /// A PEM file with its key.
    pub key: PathBuf,
}

/// Whether the certificate must be for the host that we connect to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostNameCheck {
    /// For the host as `hosts` names it.
    #[default]
    Host,
    /// For this name instead, where `hosts` holds an address.
    Name(String),
    /// For any name: whoever has a certificate of a trusted authority can pose as the carrier.
    Off,
}

/// Files that can't be used for TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// A PEM file can't be read.
    #[error("{}: no {what} can be read from it", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        what: &'static str,
        /// Why not.
        source: pem::Error,
    },
    /// A PEM file without what it is there for.
    #[error("{}: it holds no {what}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        what: &'static str,
    },
    /// The system's authorities can't be found.
    #[error("the system has no certificate authorities: name a file with `ca`")]
    NoSystemRoots,
    /// A name that no certificate can be for.
    #[error("`{name}` is no host name that a certificate can be for")]
    Name {
        /// What was given.
        name: String,
    },
    /// Certificate and key don't fit, or can't be used.
    #[error("the certificates can't be used")]
    Unusable(#[source] rustls::Error),
    /// No server could be verified against these authorities.
    #[error("the certificate authorities can't be used")]
    Verifier(#[source] rustls::client::VerifierBuilderError),
}

/// Ready to encrypt connections of one account.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    host_name: HostNameCheck,
}

impl Tls {
    pub(crate) fn new(options: &TlsOptions) -> Result<Self, TlsSetupError> {
        // Named here, so that no other part of the process decides.
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(options)?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsSetupError::Unusable)?;
        let builder = match options.host_name {
            HostNameCheck::Host | HostNameCheck::Name(_) => builder.with_root_certificates(roots),
            HostNameCheck::Off => builder.dangerous().with_custom_certificate_verifier(any_name(roots, provider)?),
        };
        let config = match &options.client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let chain = certificates(&client.chain)?;
                let key = PrivateKeyDer::from_pem_file(&client.key);
                let pem = |source| TlsSetupError::Pem { path: client.key.clone(), what: "private key", source };
                builder.with_client_auth_cert(chain, key.map_err(pem)?).map_err(TlsSetupError::Unusable)?
            }
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), host_name: options.host_name.clone() })
    }

    /// The name that the certificate of `host` (`host:port`) must be for.
    pub(crate) fn name(&self, host: &str) -> Result<ServerName<'static>, TlsSetupError> {
        let name = match &self.host_name {
            HostNameCheck::Name(name) => name.as_str(),
            HostNameCheck::Host | HostNameCheck::Off => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(name.to_owned()).map_err(|_| TlsSetupError::Name { name: name.to_owned() })
    }

    /// Shakes hands.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = self.name(host).map_err(io::Error::other)?;
        self.connector.connect(name, stream).await
    }
}

/// Whether an I/O error is TLS's own, such as an alert, rather than the connection's.
pub(crate) fn is_tls_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

fn any_name(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Result<Arc<AnyName>, TlsSetupError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
    Ok(Arc::new(AnyName(verifier.map_err(TlsSetupError::Verifier)?)))
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &options.ca else {
        let found = rustls_native_certs::load_native_certs();
        let (n_usable, _) = roots.add_parsable_certificates(found.certs);
        return if n_usable == 0 { Err(TlsSetupError::NoSystemRoots) } else { Ok(roots) };
    };
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(TlsSetupError::Unusable)?;
    }
    Ok(roots)
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let what = "certificate";
    let pem = |source| TlsSetupError::Pem { path: path.clone(), what, source };
    let found = CertificateDer::pem_file_iter(path).map_err(pem)?.collect::<Result<Vec<_>, _>>().map_err(pem)?;
    if found.is_empty() {
        return Err(TlsSetupError::Empty { path: path.clone(), what });
    }
    Ok(found)
}
