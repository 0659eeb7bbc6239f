//! Keyward's guest: resolves the credentials of Amazon ECR registries inside a WebAssembly sandbox.
//!
//! [`get`] is the whole way, top to bottom: address → registry → endpoint → AWS credentials → signature → ECR → credential.
//! A module uses only modules above it in this list:
//!
//! `partition` · `registry` · `time` · `secret` · `credentials` · `error` · `world` · `sigv4` · `endpoint` · `profile` · `aws` ·
//! `source` · `chain` · `wasi`
//!
//! Everything but `wasi` is pure and is tested natively; `wasi`, the one file that names WASI, exists in the component only.
// The bindings, which are generated, cannot do without; everything else can.
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

pub mod aws;
pub mod chain;
pub mod credentials;
pub mod endpoint;
pub mod error;
pub mod partition;
pub mod profile;
pub mod registry;
pub mod secret;
pub mod sigv4;
pub mod source;
#[cfg(test)]
mod test_world;
pub mod time;
#[cfg(target_family = "wasm")]
mod wasi;
pub mod world;

use crate::aws::ecr::{self, RegistryCredential};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::registry::Registry;
use crate::world::World;

/// Finds the credential of the registry at `server`.
///
/// # Errors
///
/// [`Error`], by what the caller does next.
pub fn get(world: &impl World, server: &str) -> Result<RegistryCredential, Error> {
    let registry = Registry::parse(server)?;
    registry.check_region()?;
    let endpoint = Endpoint::of_registry(&registry, world).map_err(|error| Error::Invalid(error.to_string()))?;
    let credentials = chain::resolve(world)?;
    ecr::get_authorization_token(world, &endpoint, &credentials)
}
