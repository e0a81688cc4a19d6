//! TLS to an endpoint: TLS 1.2 and 1.3, the certificate verified or not, as the check says.
//!
//! Sessions are not resumed: a resumed session shows no certificate, and one that has expired since would go unseen.
//! Without verification any certificate is accepted (Route 53's rule), but the handshake's signatures are still
//! checked, so the endpoint holds the key of what it shows.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Trust, certificate};
use crate::health::observation::{Failure, NotRun, Outcome};
use crate::health::protocol::tls::TlsOptions;

/// How to speak TLS with endpoints: one way that verifies, one that does not.
pub(super) struct Tls {
    verifying: TlsConnector,
    trusting: TlsConnector,
}

impl Tls {
    pub(super) fn new(trust: Trust, warnings: &mut Vec<String>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = roots(trust, warnings);
        let builder = || {
            ClientConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()
                .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        };
        let verifying = builder().with_root_certificates(roots).with_no_client_auth();
        let any = Arc::new(AnyCertificate(provider.clone()));
        let trusting = builder().dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        Self { verifying: connector(verifying), trusting: connector(trusting) }
    }

    /// Secures a connection to `address`, offering `alpn`. Without a server name none is sent, and the certificate must
    /// be the address's. Beside the outcome: when the certificate that was shown expires, where that is known.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        options: &TlsOptions,
        alpn: &[&str],
    ) -> (Result<TlsStream<TcpStream>, Outcome>, Option<Timestamp>) {
        let name = match options.server_name.as_deref() {
            None => Ok(ServerName::from(address.ip())),
            Some(name) => ServerName::try_from(name.to_owned()),
        };
        let Ok(name) = name else {
            let message = format!("{:?} cannot be sent as server name", options.server_name.as_deref().unwrap_or_default());
            return (Err(NotRun::Impossible(message).into()), None);
        };
        let connector = if options.verify { &self.verifying } else { &self.trusting };
        let offered = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        match connector.with_alpn(offered).connect(name, stream).await {
            Ok(stream) => {
                let not_after = certificate::not_after(stream.get_ref().1.peer_certificates());
                (chosen(stream, alpn), not_after)
            }
            Err(error) => refused(&error),
        }
    }
}

/// The stream, if the endpoint chose one of the protocols that were offered.
fn chosen(stream: TlsStream<TcpStream>, alpn: &[&str]) -> Result<TlsStream<TcpStream>, Outcome> {
    let chosen = stream.get_ref().1.alpn_protocol();
    // rustls refuses what was not offered; what is left is that nothing was chosen.
    if !alpn.is_empty() && chosen.is_none() {
        return Err(Failure::TlsHandshake(format!("the endpoint chose none of the protocols {}", alpn.join(", "))).into());
    }
    Ok(stream)
}

/// What a handshake that failed says of the endpoint, and of its certificate.
fn refused<T>(error: &std::io::Error) -> (Result<T, Outcome>, Option<Timestamp>) {
    let outcome = match rustls_error(error) {
        Some(error) => judge(error).into(),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => closed().into(),
        None => Failure::TlsHandshake(error.to_string()).into(),
    };
    let not_after = match rustls_error(error) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(certificate::timestamp(not_after.as_secs()))
        }
        _ => None,
    };
    (Err(outcome), not_after)
}

/// The TLS error within an I/O error, if that is what it is.
pub(super) fn rustls_error(error: &std::io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What a TLS error says of the endpoint.
pub(super) fn judge(error: &Error) -> Failure {
    match error {
        Error::InvalidCertificate(reason) => Failure::CertificateInvalid(words(reason)),
        error => Failure::TlsHandshake(error.to_string()),
    }
}

fn closed() -> Failure {
    Failure::TlsHandshake("the endpoint closed the connection".into())
}

/// The usual reasons, shortly; the rest as the library puts them.
fn words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not valid yet".into(),
        CertificateError::UnknownIssuer => "issued by an unknown authority".into(),
        CertificateError::BadSignature => "not signed by the authority it names".into(),
        CertificateError::NotValidForName => "issued for another name".into(),
        reason => reason.to_string(),
    }
}

fn connector(mut config: ClientConfig) -> TlsConnector {
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

fn roots(trust: Trust, warnings: &mut Vec<String>) -> RootCertStore {
    let certificates = match trust {
        Trust::Only(certificates) => certificates,
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            warnings.extend(found.errors.iter().map(|error| format!("cannot read a trusted certificate: {error}")));
            found.certs
        }
    };
    let mut roots = RootCertStore::empty();
    // What the system trusts but rustls cannot parse is left out, as browsers do.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        warnings.push("no trusted certificate authority found; https checks with `verify = true` will fail".into());
    }
    roots
}

/// Accepts whatever certificate is shown.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
