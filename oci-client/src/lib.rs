//! Keyward's credentials for the crate `oci-client`.
#![forbid(unsafe_code)]
