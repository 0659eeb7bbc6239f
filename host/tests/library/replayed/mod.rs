//! Other projects' test vectors again, through the real component in the real host: environment, files, clock and HTTP are played.
//!
//! guest/tests/ runs the same cases natively.

mod clock;
mod container;
mod endpoints;
mod errors;
mod imds;
mod locations;
mod role_chains;
mod scenarios;
mod services;
mod sso;
