//! The example `registry_proxy`, with its own modules in this process, in front of a registry and an AWS on loopback.

mod answers;
mod bed;
mod client;
mod failures;
mod hang_up;
mod limits;
#[path = "../../examples/registry_proxy/proxy/mod.rs"]
mod proxy;
#[path = "../../examples/fleet/random.rs"]
mod random;
mod soak;
mod tokens;
