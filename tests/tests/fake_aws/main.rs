//! The fake AWS does what the tests that rely on it take for granted.

#![forbid(unsafe_code)]

mod answers;
mod assume_role;
mod client;
mod connections;
mod secrets;
mod sso;
mod verification;
mod web_identity;
