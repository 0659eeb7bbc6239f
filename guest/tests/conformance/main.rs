//! Keyward's guest against the test vectors of other projects, one module for each family of vectors.
//!
//! The vectors stay outside of the repository: [`data`] says where they are looked for. Where they are absent, the
//! tests fail.

mod data;
mod endpoints;
mod errors;
mod family;
mod fuzz;
mod partitions;
mod profiles;
mod property;
mod raw_request;
mod registry;
mod sigv4;
