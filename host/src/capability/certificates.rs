//! Certificates in files: what is in one, and which files the system has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

pub(crate) use self::system::System;

/// The most bytes that a file of certificates may have. All authorities that browsers trust take a quarter of one mebibyte.
pub(crate) const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The certificates of a text in PEM form. What is not part of one is skipped.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    quickly(text).map_or_else(|| CertificateDer::pem_slice_iter(text).collect(), Ok)
}

/// As [`parse`]. What is wrong with one certificate is no reason to do without the others.
fn parse_all(text: &[u8]) -> Vec<CertificateDer<'static>> {
    quickly(text).unwrap_or_else(|| CertificateDer::pem_slice_iter(text).flatten().collect())
}

/// `None` for a text that is not written as nearly all are, which that of rustls then takes apart. It decodes in constant time, as befits
/// keys; for the hundred certificates of a system that is more work than the rest of a lookup.
fn quickly(text: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let (mut found, mut encoded, mut is_inside) = (Vec::new(), Vec::new(), false);
    for line in str::from_utf8(text).ok()?.lines() {
        match line {
            "-----BEGIN CERTIFICATE-----" if !is_inside => is_inside = true,
            "-----END CERTIFICATE-----" if is_inside => {
                found.push(CertificateDer::from(STANDARD.decode(&encoded).ok()?));
                encoded.clear();
                is_inside = false;
            }
            line if line.starts_with("-----") => return None,
            line if is_inside => encoded.extend_from_slice(line.as_bytes()),
            _ => {}
        }
    }
    (!is_inside).then_some(found)
}

#[cfg(not(target_os = "macos"))]
mod system {
    use std::collections::HashSet;
    use std::env;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use rustls::pki_types::CertificateDer;

    use super::{MAX_BYTES, parse_all};
    use crate::capability::files;

    /// The files that have the certificates of the authorities that a system trusts.
    #[derive(Debug)]
    pub(crate) struct System {
        /// The one that has them all, on nearly every system.
        pub(crate) bundle: Option<PathBuf>,
        /// Folders of files with one certificate each: those of the bundle, and what somebody has put there besides.
        pub(crate) folders: Vec<PathBuf>,
    }

    impl System {
        /// As OpenSSL's: those that SSL_CERT_FILE and SSL_CERT_DIR name, or else those where distributions have them.
        pub(crate) fn probe() -> Self {
            let bundle = env::var_os(openssl_probe::ENV_CERT_FILE).map(PathBuf::from);
            let folders = env::var_os(openssl_probe::ENV_CERT_DIR).unwrap_or_default();
            let folders: Vec<_> = env::split_paths(&folders).filter(|path| !path.as_os_str().is_empty()).collect();
            if bundle.is_some() || !folders.is_empty() {
                return Self { bundle, folders };
            }
            let found = openssl_probe::probe();
            Self { bundle: found.cert_file, folders: found.cert_dir }
        }

        /// The certificates of the bundle, if there are any and it may not have them all.
        pub(crate) fn likely(&self) -> Option<Vec<CertificateDer<'static>>> {
            if self.folders.is_empty() {
                return None;
            }
            self.bundle.as_deref().map(certificates).filter(|found| !found.is_empty())
        }

        /// Every certificate. Single files that cannot be read are no reason to trust none of the others.
        pub(crate) fn all(&self) -> Vec<CertificateDer<'static>> {
            let (mut seen, mut found) = (HashSet::new(), Vec::new());
            // Folders have the same file by several names, the hash of its subject among them, and the bundle too.
            let mut add = |path: &Path| {
                if let Ok(metadata) = fs::metadata(path)
                    && metadata.is_file()
                    && seen.insert((metadata.dev(), metadata.ino()))
                {
                    found.extend(certificates(path));
                }
            };
            self.bundle.iter().for_each(|bundle| add(bundle));
            let entries = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
            entries.flatten().for_each(|entry| add(&entry.path()));
            found
        }
    }

    fn certificates(path: &Path) -> Vec<CertificateDer<'static>> {
        files::read(path, MAX_BYTES).map(|content| parse_all(&content)).unwrap_or_default()
    }
}

#[cfg(target_os = "macos")]
mod system {
    use rustls::pki_types::CertificateDer;

    /// The certificates of the authorities that a system trusts, behind an interface of the system.
    #[derive(Debug)]
    pub(crate) struct System;

    impl System {
        pub(crate) fn probe() -> Self {
            Self
        }

        /// There is no part of them that could be had for less.
        pub(crate) fn likely(&self) -> Option<Vec<CertificateDer<'static>>> {
            None
        }

        pub(crate) fn all(&self) -> Vec<CertificateDer<'static>> {
            rustls_native_certs::load_native_certs().certs
        }
    }
}

#[cfg(test)]
mod tests;
