//! A certificate authority that exists for as long as a test does.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tempfile::TempDir;

/// What the certificate of a client that sends no server name is valid for: such a client has
/// connected by address.
const NAMES_WITHOUT_SNI: [&str; 2] = ["127.0.0.1", "localhost"];

/// A name that no client asks for.
const ANOTHER_NAME: &str = "another-server.invalid";

/// A certificate authority made for one test.
///
/// Its certificates are valid from 1975 to 4096, so that a test may set the clock of what it tests.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    ca_pem: String,
    ca_file: PathBuf,
    /// Holds `ca_file`; dropping it removes the directory.
    _directory: TempDir,
}

impl Authority {
    /// Makes an authority, with a new key.
    #[must_use]
    pub fn new() -> Self {
        Self::named("Keyward test authority")
    }

    /// Makes an authority of another name. One of the same name is not told apart by it: verifiers
    /// find that its signatures are wrong, and not that it is unknown.
    pub(crate) fn named(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = common_name(name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(parameters, new_key())
            .expect("a certificate can be made of fixed parameters and a new key");

        let directory = tempfile::Builder::new()
            .prefix("keyward-testbed-")
            .tempdir()
            .expect("the certificate authority needs a temporary directory");
        let ca_pem = issuer.pem();
        let ca_file = directory.path().join("ca.pem");
        fs::write(&ca_file, &ca_pem).expect("the authority's certificate has to be written to its directory");

        Self { issuer, ca_pem, ca_file, _directory: directory }
    }

    /// The authority's own certificate: what a client has to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A file that holds [`Authority::ca_pem`], and is removed with the authority.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Issues a server's certificate, with a new key, for DNS names and IP addresses.
    #[must_use]
    #[track_caller]
    pub fn issue(&self, names: &[&str]) -> IssuedCertificate {
        self.sign(names, |_| {})
    }

    /// Issues a certificate that is no longer valid: it was for the year 2000.
    #[must_use]
    #[track_caller]
    pub fn issue_expired(&self, names: &[&str]) -> IssuedCertificate {
        self.sign(names, |parameters| {
            parameters.not_before = date_time_ymd(2000, 1, 1);
            parameters.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    #[track_caller]
    fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> IssuedCertificate {
        assert!(!names.is_empty(), "a certificate needs at least one name");
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = CertificateParams::new(names.clone())
            .unwrap_or_else(|error| panic!("no certificate can be for {names:?}: {error}"));
        // Not the authority's name, or verifiers would take the certificate to be self-issued.
        parameters.distinguished_name = common_name("Keyward test server");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict verifiers, such as Python's since 3.13, demand it.
        parameters.use_authority_key_identifier_extension = true;
        change(&mut parameters);

        let key = new_key();
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .unwrap_or_else(|error| panic!("the certificate for {names:?}: {error}"));
        IssuedCertificate { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A server's certificate and its private key, both as PEM.
#[derive(Clone)]
pub struct IssuedCertificate {
    /// The certificate, without the authority's.
    pub certificate_pem: String,
    /// The private key, as PKCS #8.
    pub key_pem: String,
}

/// Gives every client a certificate for the name that it asks for, so that one server can stand for
/// every host of AWS. Or, for a server that misbehaves, one that is not good for that name.
pub(crate) struct AnyName {
    /// Issues a certificate for names.
    issue: Issue,
    /// By server name; the empty name is that of clients that send none.
    issued: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

type Issue = Box<dyn Fn(&[&str]) -> IssuedCertificate + Send + Sync>;

impl AnyName {
    /// Certificates that are good.
    pub(crate) fn new(authority: Arc<Authority>) -> Self {
        Self::issued_by(Box::new(move |names| authority.issue(names)))
    }

    /// Certificates that are expired.
    pub(crate) fn expired(authority: Arc<Authority>) -> Self {
        Self::issued_by(Box::new(move |names| authority.issue_expired(names)))
    }

    /// Certificates for another name.
    pub(crate) fn wrong(authority: Arc<Authority>) -> Self {
        Self::issued_by(Box::new(move |_| authority.issue(&[ANOTHER_NAME])))
    }

    fn issued_by(issue: Issue) -> Self {
        Self { issue, issued: Mutex::default() }
    }

    fn issue(&self, server_name: &str) -> CertifiedKey {
        let issued = match server_name {
            "" => (self.issue)(&NAMES_WITHOUT_SNI),
            name => (self.issue)(&[name]),
        };
        let certificate = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes())
            .expect("rcgen writes PEM that rustls reads");
        let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).expect("rcgen writes PEM that rustls reads");
        CertifiedKey::from_der(vec![certificate], key, &ring::default_provider())
            .expect("ring signs with the kind of key that rcgen makes")
    }
}

impl ResolvesServerCert for AnyName {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has checked that it is a DNS name.
        let server_name = client_hello.server_name().unwrap_or_default();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issued.get(server_name) {
            return Some(known.clone());
        }
        let new = Arc::new(self.issue(server_name));
        issued.insert(server_name.to_owned(), new.clone());
        Some(new)
    }
}

impl fmt::Debug for AnyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AnyName").finish_non_exhaustive()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("ring makes keys as long as the system has randomness")
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}
