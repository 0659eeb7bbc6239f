//! Keyward's guest against the test vectors of other projects, one module for each family of vectors.
//!
//! The vectors stay outside of the repository: [`keyward_testbed::vectors`] says where they are looked for. Where they are
//! absent, the tests fail.

mod container;
mod endpoints;
mod errors;
mod fuzz;
mod imds;
mod metadata_world;
mod partitions;
mod profiles;
mod property;
mod raw_request;
mod registry;
mod sigv4;
