//! Which certificates are trusted.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::capability::blocking::Blocking;
use crate::capability::files;
use crate::capability::meter::Meter;
use crate::config::Config;
use crate::lock::lock;

/// The most bytes that a file of certificates may have. All authorities that browsers trust take a quarter of one mebibyte.
const MAX_BUNDLE_BYTES: u64 = 8 * 1024 * 1024;

/// Where trusted certificates come from: the system, or the file that SSL_CERT_FILE names instead; and besides those
/// the file that AWS_CA_BUNDLE names.
pub(crate) struct TrustRoots {
    files: CertificateFiles,
    /// What was made of the certificates for the first connection: to read them costs more than the rest of a lookup. A
    /// failure is not kept, since the file that is missing now may be there for the next lookup.
    made: Arc<Mutex<Option<Arc<ClientConfig>>>>,
    reading: Blocking<Result<Arc<ClientConfig>, TrustError>>,
}

#[derive(Clone)]
struct CertificateFiles {
    system_instead: Option<String>,
    bundle: Option<String>,
}

/// The trusted certificates are unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustError {
    #[error(
        "{variable} names {file}, which has no certificate in it: set it to a file of certificates in PEM form, or unset it"
    )]
    Empty { variable: &'static str, file: String },
    #[error("no trusted certificates were found on this system: install them (ca-certificates), or set SSL_CERT_FILE")]
    NoneOnSystem,
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
    #[error("{variable} names {file}, which is not usable ({reason}): correct it, or unset it")]
    Unusable { variable: &'static str, file: String, reason: String },
}

impl TrustRoots {
    pub(crate) fn new(config: &Config) -> Self {
        let files = CertificateFiles {
            system_instead: config.variable("SSL_CERT_FILE").map(str::to_owned),
            bundle: config.variable("AWS_CA_BUNDLE").map(str::to_owned),
        };
        Self { files, made: Arc::default(), reading: Blocking::default() }
    }

    /// The settings of a TLS connection. Certificates are read once, on a thread for files: there are over a hundred on most
    /// systems, and some disks are dead. Then this waits for as long as its lookup may, and no second thread is begun; a
    /// reading that is slower than a deadline still serves the lookups after it.
    pub(crate) async fn client_config(&self, meter: &Meter) -> Result<Arc<ClientConfig>, TrustError> {
        if let Some(config) = &*lock(&self.made) {
            return Ok(config.clone());
        }
        let (files, made) = (self.files.clone(), self.made.clone());
        let _waiting = meter.file(&files.name());
        let read = self.reading.run("certificates", move || {
            let config = files.read()?;
            *lock(&made) = Some(config.clone());
            Ok(config)
        });
        read.await.map_err(|cause| TrustError::Setup(cause.to_string()))?
    }
}

impl CertificateFiles {
    /// What is read, for a person.
    fn name(&self) -> String {
        let system = self.system_instead.as_deref().unwrap_or("of the system's trusted certificates");
        match &self.bundle {
            Some(bundle) => format!("{system} or {bundle}"),
            None => system.to_owned(),
        }
    }

    fn read(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let mut roots = RootCertStore::empty();
        match &self.system_instead {
            Some(file) => add(&mut roots, "SSL_CERT_FILE", file)?,
            None => {
                // Single certificates that cannot be read are no reason to trust none of the others.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if let Some(file) = &self.bundle {
            add(&mut roots, "AWS_CA_BUNDLE", file)?;
        }
        if roots.is_empty() {
            return Err(TrustError::NoneOnSystem);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Setup(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn add(roots: &mut RootCertStore, variable: &'static str, file: &str) -> Result<(), TrustError> {
    let unusable = |reason: String| TrustError::Unusable { variable, file: file.to_owned(), reason };
    let content = files::read(Path::new(file), MAX_BUNDLE_BYTES).map_err(|error| unusable(reason(&error)))?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(TrustError::Empty { variable, file: file.to_owned() });
    }
    Ok(())
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::FileTooLarge => format!("it is larger than {MAX_BUNDLE_BYTES} bytes"),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::Unsupported => "it is not a regular file".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(bundle: &str) -> String {
        let config = Config::new().with_variable("AWS_CA_BUNDLE", bundle);
        TrustRoots::new(&config).files.read().unwrap_err().to_string()
    }

    #[test]
    fn a_bad_bundle_is_an_error_that_names_the_setting_and_the_file() {
        assert_eq!(
            failure("/no/such/bundle.pem"),
            "AWS_CA_BUNDLE names /no/such/bundle.pem, which is not usable (no such file): correct it, or unset it"
        );
        assert_eq!(
            failure("Cargo.toml"),
            "AWS_CA_BUNDLE names Cargo.toml, which has no certificate in it: set it to a file of certificates in PEM \
             form, or unset it"
        );
    }

    /// A named pipe in the place of a bundle once held up every lookup, beyond every deadline.
    #[test]
    fn a_bundle_that_is_not_a_regular_file_is_an_error_and_not_a_wait() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for file in [pipe.to_str().unwrap(), "/dev/zero"] {
            assert!(failure(file).contains("(it is not a regular file)"), "{}", failure(file));
        }
    }
}
