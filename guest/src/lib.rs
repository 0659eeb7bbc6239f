//! Keyward's guest: resolves the credentials of Amazon ECR registries inside a WebAssembly sandbox.
//!
//! [`get`] is the whole way, top to bottom: address → registry → endpoint → AWS credentials → signature → ECR → credential.
//! A module uses only modules above it in this list:
//!
//! `partition` · `registry` · `time` · `wiped` · `secret` · `credentials` · `error` · `world` · `sigv4` · `json` · `token_cache` · `profile` ·
//! `context` · `settings` · `endpoint` · `steps` · `retry` · `role_chain` · `aws` · `source` · `chain` · `wasi`
//!
//! Everything but `wasi` is pure and is tested natively; `wasi`, the one file that names WASI, exists in the component only.
// The bindings, which are generated, cannot do without; everything else can.
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

pub mod aws;
pub mod chain;
pub mod context;
pub mod credentials;
pub mod endpoint;
pub mod error;
pub mod json;
pub mod partition;
pub mod profile;
pub mod registry;
pub mod retry;
pub mod role_chain;
pub mod secret;
pub mod settings;
pub mod sigv4;
pub mod source;
pub mod steps;
#[cfg(test)]
mod test_world;
pub mod time;
pub mod token_cache;
#[cfg(target_family = "wasm")]
mod wasi;
pub mod wiped;
pub mod world;

use crate::aws::client::Client;
use crate::aws::ecr::{self, RegistryCredential};
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::registry::Registry;
use crate::settings::{Settings, SharedFiles};
use crate::source::Lookup;
use crate::world::World;

/// Finds the credential of the registry at `server`.
///
/// # Errors
///
/// [`Error`], by what the caller does next.
pub fn get(world: &impl World, server: &str, context: &Context) -> Result<RegistryCredential, Error> {
    let registry = Registry::parse(server)?;
    registry.check_region()?;
    let files = SharedFiles::read(world);
    let settings = &Settings::new(world, context, &files);
    let endpoint = Endpoint::of_registry(&registry, settings).map_err(|error| Error::Invalid(error.to_string()))?;
    steps::endpoint(settings, &endpoint);
    let client = &Client::new(world, settings).map_err(|error| Error::Invalid(error.to_string()))?;
    let credentials = chain::resolve(&Lookup { client, registry_region: &registry.region, settings })?;
    ecr::get_authorization_token(client, &endpoint, &credentials)
}
