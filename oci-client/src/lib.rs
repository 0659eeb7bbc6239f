//! Keyward's credentials for the crate [`oci_client`] 0.18, renewed before they are over.
//!
//! A [`Client`](oci_client::Client) never takes a second credential for a registry: its `store_auth_if_needed` keeps the first one
//! (`client.rs`, lines 432 to 436 of 0.18.0), and a user name with a password is kept without end (`token_cache.rs`, lines 119 and 120).
//! Clones share both. A password of Amazon ECR lives for twelve hours, and a program that pulls for longer than that is refused from then
//! on, whatever it hands to `pull_manifest`. Hence [`Clients`]: the same client, with its connections, for as long as the credential is
//! the same, and a new one afterwards.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use keyward_oci_client::Clients;
//! use keyward_oci_client::oci_client::client::ClientConfig;
//!
//! let clients = Clients::new(keyward::Resolver::builder().build()?, |_registry| ClientConfig::default());
//! let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image:1".parse()?;
//!
//! // For each pull anew: that costs microseconds, unless there is something to look up.
//! let access = clients.of(&image).await?;
//! let (manifest, digest) = access.client.pull_manifest(&image, &access.auth).await?;
//! # let _ = (manifest, digest);
//! # Ok(())
//! # }
//! ```
//!
//! # Versions
//!
//! This crate fits `oci-client` 0.18, whose types are in its interface, and re-exports it. Its TLS is that of rustls, without a provider of
//! cryptography: the program installs one before the first client is made, or else that panics. Where the program's own `Cargo.toml`
//! has `oci-client` with feature `rustls-tls`, there is one already.
//!
//! ```no_run
//! rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
//! ```
//!
//! # Secrets
//!
//! [`RegistryAuth`](oci_client::secrets::RegistryAuth) hides the password in its `Debug` form, but is not overwritten in memory when it is
//! dropped, as [`keyward::Secret`] is. [`RegistryTokenType`](oci_client::token_cache::RegistryTokenType), by which a client keeps it, shows
//! the password in its `Debug` form: log neither.

#![forbid(unsafe_code)]

mod clients;
mod error;
mod shelf;
mod source;

pub use oci_client;

pub use clients::{Access, Clients};
pub use error::{Error, is_refusal};
pub use source::Source;

/// What docs/embedding.md says in Rust compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
