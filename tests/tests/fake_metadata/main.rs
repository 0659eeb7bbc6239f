//! The fake metadata service does what the tests that rely on it take for granted.

#![forbid(unsafe_code)]

mod client;
mod container;
mod faults;
mod instance;
