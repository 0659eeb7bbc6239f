//! What Keyward is tested against: a fake AWS that speaks TLS on loopback, and other projects' test vectors.
//!
//! [`FakeAws`] serves the two operations that give out registry passwords, ECR's and ECR Public's
//! `GetAuthorizationToken`, on a thread and a runtime of its own, so that whoever counts tasks,
//! threads or sockets of the code under test can tell them from those of the fake. It is as strict
//! as AWS where that finds faults: it recomputes the signature of every request with AWS's own
//! signer, which shares no code with the project's. A test scripts what it answers ([`Answer`]),
//! and looks at what it saw ([`SeenRequest`], [`Counters`]).
//!
//! ```
//! use keyward_testbed::{AccessKeys, Answer, FakeAws};
//!
//! let fake = FakeAws::start();
//! fake.add_keys(AccessKeys::new("AKIDKEYWARDTEST0002", "another-secret"));
//! fake.answer_next(Answer::aws_error(400, "ThrottlingException", "Rate exceeded"));
//!
//! // Here the code under test would be pointed at `fake.url()`, trusting `fake.authority().ca_file()`.
//!
//! fake.wait_until("every connection is closed", |fake| fake.connections_open() == 0);
//! assert!(fake.requests().is_empty());
//! ```
//!
//! [`vectors`] finds the test vectors of other projects, and keeps the score of a test that runs them.
//!
//! All of it is test support: what cannot be set up panics, with a message that says what it was.

#![forbid(unsafe_code)]

mod answer;
mod authority;
mod body;
mod fake;
mod footprint;
mod keys;
mod observation;
mod operation;
mod refusal;
mod server;
mod signature;
mod state;
pub mod vectors;

pub use answer::{Answer, Gate};
pub use authority::{Authority, IssuedCertificate};
pub use fake::FakeAws;
pub use footprint::Footprint;
pub use keys::{ACCESS_KEY_ID, AccessKeys, SECRET_ACCESS_KEY};
pub use observation::{Counters, SeenRequest};
pub use operation::{DEFAULT_ACCOUNT, PASSWORD_MARK, PUBLIC_REGION, private_password, public_password};
pub use signature::CredentialScope;
