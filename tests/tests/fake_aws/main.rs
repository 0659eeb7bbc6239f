//! The fake AWS does what the tests that rely on it take for granted.

#![forbid(unsafe_code)]

mod answers;
mod client;
mod connections;
mod verification;
