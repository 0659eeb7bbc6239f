//! A component for registries that are not Amazon's, for the tests of the host: it proves that nothing of the host belongs to ECR.
//!
//! Registries are all whose host ends in [`SUFFIX`]. Their password is in the variable `TOY_PASSWORD`, their user in `TOY_USER`.
//!
//! On every target but WebAssembly, this library is empty: there, nothing needs it.

/// What the hosts of this component's registries end in.
pub const SUFFIX: &str = ".toy.example";

#[cfg(target_family = "wasm")]
mod world;
