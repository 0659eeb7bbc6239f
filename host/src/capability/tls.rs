//! Which certificates are trusted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

use crate::config::Config;

/// Where trusted certificates come from: the system, or the file that SSL_CERT_FILE names instead; and besides those
/// the file that AWS_CA_BUNDLE names.
#[derive(Clone, Debug)]
pub(crate) struct TrustRoots {
    system_instead: Option<PathBuf>,
    bundle: Option<PathBuf>,
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
    #[error("{variable} names {file}, which is not usable ({reason}): correct it, or unset it")]
    Unusable { variable: &'static str, file: String, reason: String },
    #[error("TLS cannot be set up: {0}")]
    Versions(String),
}

impl TrustRoots {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            system_instead: config.variable("SSL_CERT_FILE").map(PathBuf::from),
            bundle: config.variable("AWS_CA_BUNDLE").map(PathBuf::from),
        }
    }

    /// Reads the certificates. It is done for the first connection and not before: most systems have over a hundred.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, TrustError> {
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
        Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Versions(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

fn add(roots: &mut RootCertStore, variable: &'static str, file: &Path) -> Result<(), TrustError> {
    let name = file.display().to_string();
    let unusable = |reason: String| TrustError::Unusable { variable, file: name.clone(), reason };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unusable(pem_reason(&error)))?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(pem_reason(&error)))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(TrustError::Empty { variable, file: name });
    }
    Ok(())
}

fn pem_reason(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(cause) if cause.kind() == io::ErrorKind::NotFound => "no such file".to_owned(),
        pem::Error::Io(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_bundle_is_an_error_that_names_the_setting_and_the_file() {
        let file = |name: &str| {
            let config = Config::new().with_variable("AWS_CA_BUNDLE", name);
            TrustRoots::new(&config).client_config().map(drop).unwrap_err().to_string()
        };
        assert_eq!(
            file("/no/such/bundle.pem"),
            "AWS_CA_BUNDLE names /no/such/bundle.pem, which is not usable (no such file): correct it, or unset it"
        );
        assert_eq!(
            file("Cargo.toml"),
            "AWS_CA_BUNDLE names Cargo.toml, which has no certificate in it: set it to a file of certificates in PEM \
             form, or unset it"
        );
    }
}
