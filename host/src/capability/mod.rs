//! What a lookup can reach, one file per capability.

pub(crate) mod blocking;
pub(crate) mod certificates;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod destination;
pub(crate) mod dial;
pub(crate) mod dns;
pub(crate) mod egress;
pub(crate) mod environment;
pub(crate) mod explain;
pub(crate) mod files;
pub(crate) mod filesystem;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod meter;
pub(crate) mod observed;
pub(crate) mod process;
pub(crate) mod profiles;
pub(crate) mod proxy;
pub(crate) mod replacement;
pub(crate) mod tls;
pub(crate) mod under_way;
