//! What a lookup can reach, one file per capability.

pub(crate) mod dns;
pub(crate) mod egress;
pub(crate) mod environment;
pub(crate) mod files;
pub(crate) mod filesystem;
pub(crate) mod http;
pub(crate) mod tls;
