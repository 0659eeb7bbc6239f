//! What Keyward is tested against: a fake AWS that speaks TLS on loopback, and other projects' test vectors.
//!
//! [`FakeAws`] serves the two operations that give out registry passwords, ECR's and ECR Public's
//! `GetAuthorizationToken`, and those services that give out AWS credentials: STS and IAM Identity
//! Center. [`FakeMetadata`] gives out those of instances, containers and pods. Each is on a thread and
//! a runtime of its own, so that whoever counts tasks, threads or sockets of the code under test can
//! tell them from those of the fake. They are as strict as AWS where that finds faults: the signature
//! of every request is recomputed with AWS's own signer, which shares no code with the project's. A
//! test declares what there is to be given out ([`AccessKeys`], [`Role`], [`SsoRole`], [`SsoRefresh`],
//! [`InstanceRole`], [`ContainerCredentials`]), scripts what is answered ([`Answer`]), and looks at
//! what was seen ([`SeenRequest`], [`Counters`]).
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
//! [`FaultServer`] is every server that is not AWS, or not well: each of its [`Fault`]s is one way to
//! misbehave, from a queue that takes no connection to an answer that has no end. [`TestProxy`] and
//! [`NameServer`] stand for what else is between a client and its server. [`DockerRegistry`] is a real registry, of Debian's.
//!
//! [`stuck`] is what the host's benches `stuck` and `scale` share with their peers.
//!
//! [`vectors`] finds the test vectors of other projects, and keeps the score of a test that runs them.
//!
//! All of it is test support: what cannot be set up panics, with a message that says what it was.

#![forbid(unsafe_code)]

mod answer;
mod authority;
mod aws;
mod body;
mod connections;
mod docker_registry;
mod expiry;
mod fake;
mod fault;
mod footprint;
mod identities;
mod keys;
mod metadata;
mod name_server;
mod observation;
mod operation;
mod parameters;
mod protocol;
mod proxy;
mod refusal;
mod request;
mod secret;
mod server;
mod server_thread;
mod service;
mod signature;
mod state;
pub mod stuck;
pub mod vectors;
mod wait;
mod xml;

pub use answer::{Answer, Gate};
pub use authority::{Authority, IssuedCertificate};
pub use aws::{FakeAws, Role, SsoRefresh, SsoRole};
pub use docker_registry::DockerRegistry;
pub use expiry::Expiry;
pub use fake::Fake;
pub use fault::{Fault, FaultServer};
pub use footprint::{Footprint, resident_bytes};
pub use identities::{Identities, Identity, SECRET_MARK};
pub use keys::{ACCESS_KEY_ID, AccessKeys, SECRET_ACCESS_KEY};
pub use metadata::{ContainerCredentials, FakeMetadata, InstanceRole};
pub use name_server::NameServer;
pub use observation::{Counters, SeenRequest};
pub use operation::{DEFAULT_ACCOUNT, PASSWORD_MARK, PUBLIC_REGION, private_password, public_password};
pub use proxy::TestProxy;
pub use signature::CredentialScope;
