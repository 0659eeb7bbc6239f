//! Which certificates are trusted.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::capability::blocking::Blocking;
use crate::capability::certificates::{self, MAX_BYTES, System};
use crate::capability::files;
use crate::capability::meter::Meter;
use crate::config::Config;
use crate::lock::lock;

/// Where trusted certificates come from: the system, or the file that SSL_CERT_FILE names instead; and besides those
/// the file that AWS_CA_BUNDLE names.
pub(crate) struct TrustRoots {
    files: CertificateFiles,
    /// What was made of the certificates for the first connection. A failure is not kept, since the file that is missing now may be there
    /// for the next lookup.
    made: Arc<Mutex<Option<Trust>>>,
    reading: Blocking<Result<Trust, TrustError>>,
}

#[derive(Clone)]
struct CertificateFiles {
    system_instead: Option<String>,
    bundle: Option<String>,
}

/// The certificates that are trusted.
#[derive(Clone, Debug)]
struct Trust {
    config: Arc<ClientConfig>,
    /// How many they are.
    count: usize,
    /// Whether the system may have others, in files that were not read.
    is_part: bool,
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
        if let Some(trust) = &*lock(&self.made) {
            return Ok(trust.config.clone());
        }
        let (files, made) = (self.files.clone(), self.made.clone());
        let _waiting = meter.file(&files.name());
        let read = self.reading.run("certificates", move || {
            let trust = files.read(&System::probe())?;
            Ok(lock(&made).get_or_insert(trust).clone())
        });
        let trust = read.await.map_err(|cause| TrustError::Setup(cause.to_string()))??;
        Ok(trust.config)
    }

    /// Whether there are other certificates than those of the settings by which an authority was not known. Those that were not read are
    /// read for that.
    pub(crate) async fn is_widened(&self, known: &Arc<ClientConfig>, meter: &Meter) -> bool {
        let is_other = |trust: &Trust| !Arc::ptr_eq(&trust.config, known);
        match &*lock(&self.made) {
            Some(trust) if trust.is_part => {}
            trust => return trust.as_ref().is_some_and(is_other),
        }
        let (files, made) = (self.files.clone(), self.made.clone());
        let _waiting = meter.file(&files.name());
        let read = self.reading.run("every certificate", move || {
            let every = files.read_every(&System::probe())?;
            let mut made = lock(&made);
            let part = made.take();
            Ok(made.insert(every.unless_same(part)).clone())
        });
        matches!(read.await, Ok(Ok(trust)) if is_other(&trust))
    }
}

impl Trust {
    /// With every certificate, and no more of them than before, the settings are what they were.
    fn unless_same(self, part: Option<Self>) -> Self {
        match part {
            Some(part) if part.count == self.count => Self { is_part: false, ..part },
            _ => self,
        }
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

    /// What is trusted, of the system's certificates those of its bundle.
    fn read(&self, system: &System) -> Result<Trust, TrustError> {
        let likely = if self.system_instead.is_none() { system.likely() } else { None };
        likely.map_or_else(|| self.read_every(system), |likely| self.with_those(likely, true))
    }

    /// Whatever is trusted.
    fn read_every(&self, system: &System) -> Result<Trust, TrustError> {
        self.with_those(if self.system_instead.is_none() { system.all() } else { Vec::new() }, false)
    }

    fn with_those(&self, mut of_system: Vec<CertificateDer<'static>>, is_part: bool) -> Result<Trust, TrustError> {
        of_system.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        of_system.dedup();
        let mut roots = RootCertStore::empty();
        // Single certificates that cannot be used are no reason to trust none of the others.
        roots.add_parsable_certificates(of_system);
        if let Some(file) = &self.system_instead {
            add(&mut roots, "SSL_CERT_FILE", file)?;
        }
        if let Some(file) = &self.bundle {
            add(&mut roots, "AWS_CA_BUNDLE", file)?;
        }
        if roots.is_empty() {
            return Err(TrustError::NoneOnSystem);
        }
        let count = roots.len();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Setup(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust { config: Arc::new(config), count, is_part })
    }
}

fn add(roots: &mut RootCertStore, variable: &'static str, file: &str) -> Result<(), TrustError> {
    let unusable = |reason: String| TrustError::Unusable { variable, file: file.to_owned(), reason };
    let content = files::read(Path::new(file), MAX_BYTES).map_err(|error| unusable(reason(&error)))?;
    let certificates = certificates::parse(&content).map_err(|error| unusable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(TrustError::Empty { variable, file: file.to_owned() });
    }
    certificates.into_iter().try_for_each(|one| roots.add(one)).map_err(|error| unusable(error.to_string()))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::FileTooLarge => format!("it is larger than {MAX_BYTES} bytes"),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::Unsupported => "it is not a regular file".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
