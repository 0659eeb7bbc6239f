//! Recorded lookups of credentials through the whole chain of sources, as aws-config's tests have them: an environment,
//! files, what was asked over HTTP and answered, and what came of it.
//!
//! [`cases`] reads them. A [`Player`] answers from a recording and compares afterwards what it was asked. All of it is plain
//! data, so that the same cases are run against code of any kind.

mod case;
mod check;
mod credentials;
mod form;
mod player;
mod recording;
mod signed;
mod stale;

pub use case::{ChainCase, Expected, ExpectedCredentials, cases};
pub use form::fields;
pub use player::Player;
pub use recording::{Exchange, Request, Response};
pub use signed::verify;
