//! Keyward resolves a container registry's credentials inside a WebAssembly sandbox, under a budget of time, fuel and
//! memory. A lookup that gets stuck is cancelled outright: whatever it held is gone with its sandbox.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let resolver = keyward::Resolver::new(&keyward::Config::from_process_environment())?;
//! let credential = resolver.resolve("123456789012.dkr.ecr.us-east-1.amazonaws.com").await?;
//! println!("{} may log in until {:?}", credential.username, credential.expires_at);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! Each only adds, and none is on by default.
//!
//! - `file-cache`: `FileCache`, credentials in files for other processes and later ones.
//! - `compile`: Cranelift, to run another component than the one that is built in: `Config::with_component`.
//! - `cli`, which implies `file-cache`: what the command `keyward` needs.
//!
//! # Modules
//!
//! Data flows one way. A module uses only modules above it in this list:
//!
//! `lock` · `page_cache` · `life` · `credential` · `pattern` · `error` · `budget` · `event` · `record` · `replay` · `config` · `request` · `admission` · `capability` ·
//! `engine` · `sandbox` · `trace` · `report` · `cache` · `resolver` · `keychain` · `file_cache`
//!
//! The one exception is `capability::filesystem`, which implements an interface whose types `engine` generates.

mod admission;
mod budget;
mod cache;
mod capability;
mod config;
mod credential;
mod engine;
mod error;
mod event;
#[cfg(all(feature = "file-cache", unix))]
mod file_cache;
mod keychain;
mod life;
mod lock;
#[doc(hidden)]
pub mod page_cache;
mod pattern;
mod record;
pub mod replay;
mod report;
mod request;
mod resolver;
mod sandbox;
mod trace;

pub use budget::{Budget, CancelToken, Pool, Usage};
pub use config::Config;
pub use credential::Credential;
pub use error::{Error, Limit, SetupError, Step, Waiting};
pub use event::{CacheState, LookupEvent, Outcome};
#[cfg(all(feature = "file-cache", unix))]
pub use file_cache::{FileCache, FileCacheEntry, FileCacheError, FileCacheLock, FileCacheReason};
pub use keychain::Keychain;
pub use keyward_ecr::secret::Secret;
pub use pattern::{Mismatch, Pattern, PatternError};
pub use record::{RequestFailure, SourceOutcome, TracedRequest, TracedStep};
pub use request::Request;
pub use resolver::{Live, Lookup, Resolver, serves};
pub use trace::Trace;
