//! AWS's APIs: one request builder and one response parser each.

pub mod client;
pub mod ecr;
pub mod failure;
pub mod request;
pub mod sts;
pub mod xml;
