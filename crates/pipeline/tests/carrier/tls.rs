//! Encrypted connections: who is trusted, who we are, and that nothing goes in the clear.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};
use volley_pipeline::{Carrier, ClientCertificate, ConnectStep, HostNameCheck, SmppOptions, TlsOptions, Unpaced};
use volley_smpp::pdu::{CommandId, CommandStatus};

use crate::smsc::{Link, Owner, Smsc, batch, options, until};

/// An authority with its files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    dir: tempfile::TempDir,
    file: PathBuf,
}

/// A certificate and its key, as files.
struct Identity {
    chain: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = dir.path().join("ca.pem");
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), dir, file }
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let of = |kind: &str| self.dir.path().join(format!("{name}-{kind}.pem"));
        fs::write(of("chain"), certificate.pem()).unwrap();
        fs::write(of("key"), key.serialize_pem()).unwrap();
        Identity { chain: of("chain"), key: of("key") }
    }

    /// An SMSC's side with a certificate for `name`. `clients`: it wants theirs too.
    fn acceptor(&self, name: &str, clients: bool) -> TlsAcceptor {
        let identity = self.issue(name);
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if clients {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(&self.file).unwrap()).unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_file(&identity.chain).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }
}

fn encrypted(smsc: &Smsc, tls: TlsOptions) -> SmppOptions {
    let mut settings = options(&[smsc]);
    settings.hosts = vec![format!("localhost:{}", smsc.addr.port())];
    settings.tls = Some(tls);
    settings
}

async fn accept(smsc: &Smsc, acceptor: &TlsAcceptor) -> std::io::Result<Link> {
    let (reader, writer) = tokio::io::split(acceptor.accept(smsc.accept_tcp().await).await?);
    Ok(Link::new(Box::new(reader), Box::new(writer)))
}

/// The handshake fails, with this in the reason; it is tried again later, never in the clear.
async fn check_refused(settings: SmppOptions, smsc: &Smsc, acceptor: &TlsAcceptor, expected: &str) {
    let mut owner = Owner::start(settings);
    for n_failures in 1..=2 {
        // Whether the SMSC's side notices depends on who is not content.
        if let Ok(mut link) = accept(smsc, acceptor).await {
            assert!(link.read().await.is_none_or(|pdu| pdu.id == CommandId::BindTransceiver));
        }
        owner.wait_for(|log| log.failed.len() == n_failures).await;
    }
    let (step, error) = &owner.log.failed[0];
    assert_eq!(*step, ConnectStep::Tls, "{error}");
    assert!(error.contains(expected), "no `{expected}` in: {error}");
    assert!(owner.log.bound.is_empty() && !error.contains("canary"));
    let shown = owner.carrier.status().binds[0].last_error.clone().unwrap();
    assert!(shown.contains(expected) && shown.contains("(we come from "), "{shown}");
}

#[tokio::test]
async fn messages_flow_over_tls_to_a_carrier_with_an_authority_of_its_own() {
    let (smsc, authority) = (Smsc::new().await, Authority::new());
    let acceptor = authority.acceptor("localhost", false);
    let mut settings = encrypted(&smsc, TlsOptions { ca: Some(authority.file.clone()), ..TlsOptions::default() });
    settings.window = 2_000;
    let mut owner = Owner::start(settings);
    let mut link = accept(&smsc, &acceptor).await.unwrap();
    link.answer_bind(CommandStatus::ROK).await;
    owner.wait_bound(1).await;
    // More than a TLS record, and more than the socket takes at once.
    owner.carrier.submit(batch(0..2_000));
    for submit in link.submits(2_000).await {
        link.accept_submit(&submit).await;
    }
    link.receipt(3, "0.0").await;
    owner.wait_for(|log| log.answers.len() == 2_000 && log.receipts.len() == 1).await;
    owner.carrier.acknowledge(&owner.log.handles);
    assert_eq!(link.read().await.unwrap().id, CommandId::DeliverSmResp);
    owner.carrier.drain();
    assert_eq!(link.read().await.unwrap().id, CommandId::Unbind);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_unless_the_check_is_off_or_names_it() {
    let (smsc, authority) = (Smsc::new().await, Authority::new());
    let acceptor = authority.acceptor("other.example", false);
    let tls = TlsOptions { ca: Some(authority.file.clone()), ..TlsOptions::default() };
    check_refused(encrypted(&smsc, tls.clone()), &smsc, &acceptor, "other.example").await;
    for host_name in [HostNameCheck::Off, HostNameCheck::Name("other.example".to_owned())] {
        let mut owner = Owner::start(encrypted(&smsc, TlsOptions { host_name, ..tls.clone() }));
        let mut link = accept(&smsc, &acceptor).await.unwrap();
        link.answer_bind(CommandStatus::ROK).await;
        owner.wait_bound(1).await;
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_whatever_the_name_check() {
    let (smsc, authority, trusted) = (Smsc::new().await, Authority::new(), Authority::new());
    let acceptor = authority.acceptor("localhost", false);
    for host_name in [HostNameCheck::Host, HostNameCheck::Off] {
        let tls = TlsOptions { ca: Some(trusted.file.clone()), host_name, ..TlsOptions::default() };
        check_refused(encrypted(&smsc, tls), &smsc, &acceptor, "invalid peer certificate").await;
    }
}

#[tokio::test]
async fn a_carrier_that_wants_our_certificate_gets_it_and_refuses_us_without() {
    let (smsc, authority) = (Smsc::new().await, Authority::new());
    let acceptor = authority.acceptor("localhost", true);
    let without = TlsOptions { ca: Some(authority.file.clone()), ..TlsOptions::default() };
    check_refused(encrypted(&smsc, without.clone()), &smsc, &acceptor, "CertificateRequired").await;
    let Identity { chain, key } = authority.issue("esme.example");
    let with = TlsOptions { client: Some(ClientCertificate { chain, key }), ..without };
    let mut owner = Owner::start(encrypted(&smsc, with));
    let mut link = accept(&smsc, &acceptor).await.unwrap();
    link.answer_bind(CommandStatus::ROK).await;
    owner.wait_bound(1).await;
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_gets_no_password() {
    let smsc = Smsc::new().await;
    let authority = Authority::new();
    let tls = TlsOptions { ca: Some(authority.file.clone()), ..TlsOptions::default() };
    let mut settings = encrypted(&smsc, tls);
    settings.timers.connect = Duration::from_millis(200);
    let mut owner = Owner::start(settings);
    for n_failures in 1..=2 {
        let mut stream = smsc.accept_tcp().await;
        owner.wait_for(|log| log.failed.len() == n_failures).await;
        let mut seen = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut seen).await.unwrap();
        assert!(!seen.is_empty() && !seen.windows(6).any(|octets| octets == b"canary"));
    }
    until(|| owner.carrier.status().binds[0].n_bound == 0).await;
}

#[tokio::test]
async fn files_that_can_not_be_used_are_named_before_anything_is_dialled() {
    let authority = Authority::new();
    let empty = authority.dir.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let identity = authority.issue("esme.example");
    let client = |chain: &PathBuf, key: &PathBuf| Some(ClientCertificate { chain: chain.clone(), key: key.clone() });
    for (tls, expected) in [
        (
            TlsOptions { ca: Some("no-such.pem".into()), ..TlsOptions::default() },
            "no-such.pem: no certificate can be read",
        ),
        (TlsOptions { ca: Some(empty.clone()), ..TlsOptions::default() }, "empty.pem: it holds no certificate"),
        (
            TlsOptions {
                client: client(&identity.chain, &empty),
                ca: Some(authority.file.clone()),
                ..TlsOptions::default()
            },
            "empty.pem: no private key can be read",
        ),
    ] {
        let mut settings = SmppOptions::new(vec!["localhost:1".to_owned()], "esme", "canary".into());
        settings.tls = Some(tls);
        let (events, _receiver) = tokio::sync::mpsc::channel(1);
        let (index, clock) = (volley_core::CarrierIndex(0), Arc::new(volley_core::SystemClock));
        let started = Carrier::start(index, "north", settings, Arc::new(Unpaced), events, clock);
        let Err(error) = started else { panic!("started with {expected}") };
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(expected), "no `{expected}` in: {source}");
    }
}
