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
//! - `cli` (default): what the command `keyward` needs. A library turns it off.
//! - `compile`: Cranelift, to run another component than the one that is built in: `Config::with_component`.
//!
//! # Modules
//!
//! Data flows one way. A module uses only modules above it in this list:
//!
//! `lock` · `life` · `pattern` · `error` · `budget` · `replay` · `config` · `request` · `admission` · `capability` · `engine` · `sandbox` · `trace` · `resolver`
//!
//! The one exception is `capability::filesystem`, which implements an interface whose types `engine` generates.

mod admission;
mod budget;
mod capability;
mod config;
mod engine;
mod error;
mod life;
mod lock;
mod pattern;
pub mod replay;
mod request;
mod resolver;
mod sandbox;
mod trace;

pub use budget::{Budget, CancelToken, Pool, Usage};
pub use config::Config;
pub use error::{Error, Limit, SetupError, Step, Waiting};
pub use keyward_ecr::secret::Secret;
pub use pattern::{Mismatch, Pattern, PatternError};
pub use request::Request;
pub use resolver::{Credential, Live, Lookup, Resolver, serves};
pub use trace::Trace;
