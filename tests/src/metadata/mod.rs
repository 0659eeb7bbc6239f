//! What gives AWS credentials to programs on AWS, without TLS and on link-local addresses: here on
//! loopback.

mod container;
mod instance;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use hyper::Request;
use hyper::body::Bytes;

pub use self::container::ContainerCredentials;
pub use self::instance::InstanceRole;

use self::container::Containers;
use self::instance::Instance;
use crate::fake::{Description, Fake};
use crate::refusal::Refusal;
use crate::server::Transport;
use crate::service::{Gift, Reply, Service};
use crate::state::lock;

const DESCRIPTION: Description = Description { type_name: "FakeMetadata", thread: "fake-metadata", scheme: "http" };

/// A fake of EC2's instance metadata service (IMDSv2), and of the endpoints that give credentials to
/// containers of ECS and to pods of EKS: plain HTTP on loopback, until it is dropped.
///
/// It gives out what a test declares, and refuses every other request as AWS does. For
/// [`FakeAws`](crate::FakeAws) to accept the keys, they have to be added to it too.
///
/// ```
/// use keyward_testbed::{AccessKeys, FakeAws, FakeMetadata, InstanceRole};
///
/// let keys = AccessKeys::new("ASIAINSTANCE", "instance-secret").with_session_token("instance-token");
/// let aws = FakeAws::start();
/// aws.add_keys(keys.clone());
/// let metadata = FakeMetadata::start();
/// metadata.set_instance_role(InstanceRole::new("instance-role", keys));
///
/// // Here AWS_EC2_METADATA_SERVICE_ENDPOINT would be set to `metadata.url()`.
///
/// assert!(metadata.requests().is_empty());
/// ```
pub type FakeMetadata = Fake<Metadata>;

impl Fake<Metadata> {
    /// Starts a fake of an instance that has no role, and with no credentials for containers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// [`FakeMetadata::start`] at a given address, such as port 80 of one of the many addresses that
    /// loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::listen(Metadata::default(), DESCRIPTION, address, Transport::Plain)
    }

    /// Gives the instance this role, in the place of the one that it had.
    pub fn set_instance_role(&self, role: InstanceRole) {
        lock(&self.kind.instance).set_role(Some(role));
    }

    /// Takes the role from the instance: there is no list of roles then.
    pub fn remove_instance_role(&self) {
        lock(&self.kind.instance).set_role(None);
    }

    /// Makes all session tokens of the instance metadata service worthless that were given out so far.
    pub fn expire_tokens(&self) {
        lock(&self.kind.instance).expire_tokens();
    }

    /// Whether requests for a session token get no answer at all, as happens in a container when the
    /// instance's hop limit is 1: the request arrives, and its answer does not.
    pub fn set_hop_limit_reached(&self, reached: bool) {
        lock(&self.kind.instance).set_hop_limit_reached(reached);
    }

    /// Declares credentials for containers, in the place of those at the same path.
    pub fn set_container_credentials(&self, credentials: ContainerCredentials) {
        lock(&self.kind.containers).set(credentials);
    }

    /// Sets the authorization token that is required at this path from now on: EKS replaces it while
    /// a pod runs. Panics if there are no credentials at this path.
    #[track_caller]
    pub fn set_container_authorization(&self, path: &str, token: &str) {
        lock(&self.kind.containers).set_authorization(path, token);
    }
}

/// What a [`FakeMetadata`] knows.
#[derive(Default)]
pub struct Metadata {
    instance: Mutex<Instance>,
    containers: Mutex<Containers>,
}

impl Service for Metadata {
    fn content_type(&self) -> &'static str {
        "text/plain"
    }

    fn examine(&self, request: &Request<Bytes>, _request_id: &str) -> Result<Reply, Refusal> {
        let reply = lock(&self.containers).examine(request);
        reply.unwrap_or_else(|| lock(&self.instance).examine(request))
    }

    fn is_rightly_signed(&self, _: &Request<Bytes>) -> bool {
        false
    }

    fn giving(&self, _: &Gift) {}
}
