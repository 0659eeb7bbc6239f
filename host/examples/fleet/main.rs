//! A fleet on paper: how often Amazon ECR is asked for tokens by many nodes, and what its quota makes of that.
//! `cargo run --release --example fleet` prints the tables that docs/scale.md has.
//!
//! Nodes, pulls and the service are simulated, second by second of two days and with numbers that are the same in every run. When a
//! token is fresh, stale or over, and when a new one may be looked for again, is said by the cache's own code: the module `life` is
//! the library's file.

#[allow(dead_code, reason = "the clock here is that of the simulation")]
#[path = "../../src/life.rs"]
mod life;
mod node;
mod random;
mod service;
mod simulation;
mod tables;

fn main() {
    print!("{}", tables::all());
}
