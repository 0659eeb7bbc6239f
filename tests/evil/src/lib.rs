//! A component that attacks the sandbox, for the tests of the host.
//!
//! It fits the same world as the real guest. The address that it is asked for says what it does: a behaviour's name,
//! and after a space what the behaviour needs. Each behaviour goes against one limit; whatever the host does about it,
//! the test that asked for it knows what it should have done.
//!
//! On every target but WebAssembly, this library is empty: there, nothing needs it.

#[cfg(target_family = "wasm")]
mod calls;
#[cfg(target_family = "wasm")]
mod compute;
#[cfg(target_family = "wasm")]
mod requests;
#[cfg(target_family = "wasm")]
mod world;
