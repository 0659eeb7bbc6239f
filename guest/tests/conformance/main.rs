//! Keyward's guest against the test vectors of other projects, one module for each family of vectors.
//!
//! The vectors stay outside of the repository: [`keyward_testbed::vectors`] says where they are looked for. Where they are
//! absent, the tests fail.

mod chain;
mod clock_skew;
mod container;
mod endpoints;
mod errors;
mod fuzz;
mod imds;
mod locations;
mod metadata_world;
mod partitions;
mod player_world;
mod profiles;
mod property;
mod raw_request;
mod registry;
mod role_chains;
mod scenarios;
mod sigv4;
mod sso;
mod world;
