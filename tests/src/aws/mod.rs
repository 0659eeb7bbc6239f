//! The fake AWS: what it knows, and how it tells its services apart.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::Request;
use hyper::body::Bytes;

use crate::authority::{AnyName, Authority};
use crate::fake::{Description, Fake};
use crate::keys::AccessKeys;
use crate::operation::{self, Operation};
use crate::refusal::Refusal;
use crate::server::{self, Transport};
use crate::service::{Gift, Reply, Service};
use crate::signature::{self, Authorization};
use crate::state::lock;

/// The life of a token of ECR.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

const DESCRIPTION: Description = Description { type_name: "FakeAws", thread: "fake-aws", scheme: "https" };

/// A fake AWS on loopback, which speaks TLS and runs until it is dropped.
///
/// Dropping it closes every connection, whatever answer it is in the middle of, and joins the
/// thread: nothing of it is left once `drop` returns.
pub type FakeAws = Fake<Aws>;

impl Fake<Aws> {
    /// Starts a fake with a certificate authority of its own. It knows [`AccessKeys::default`] and
    /// answers [`Answer::Token`](crate::Answer::Token) to everything.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Arc::new(Authority::new()))
    }

    /// Starts a fake whose certificates come from `authority`, so that a client that trusts this
    /// one authority can talk to several fakes, or to a fake and a real server.
    #[must_use]
    pub fn start_with(authority: Arc<Authority>) -> Self {
        Self::listen_with_tls(authority, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// [`FakeAws::start`] at a given address, such as port 443 of one of the many addresses that
    /// loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::listen_with_tls(Arc::new(Authority::new()), address)
    }

    #[track_caller]
    fn listen_with_tls(authority: Arc<Authority>, address: SocketAddr) -> Self {
        let transport = Transport::Tls(server::acceptor(AnyName::new(authority.clone())));
        Self::listen(Aws::new(authority), DESCRIPTION, address, transport)
    }

    /// The certificate authority that a client has to trust.
    #[must_use]
    pub fn authority(&self) -> &Arc<Authority> {
        &self.kind.authority
    }

    /// Makes access keys known. They replace known ones that have the same id.
    pub fn add_keys(&self, keys: AccessKeys) {
        self.kind.add_keys(keys);
    }

    /// Sets how long the tokens of [`Answer::Token`](crate::Answer::Token) live, from when they are
    /// given out; 12 hours, as AWS has it, until this is called.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        *lock(&self.kind.token_lifetime) = lifetime;
    }
}

/// What a [`FakeAws`] knows.
pub struct Aws {
    authority: Arc<Authority>,
    keys: Mutex<HashMap<String, AccessKeys>>,
    token_lifetime: Mutex<Duration>,
}

impl Aws {
    fn new(authority: Arc<Authority>) -> Self {
        let aws = Self { authority, keys: Mutex::default(), token_lifetime: Mutex::new(TOKEN_LIFETIME) };
        aws.add_keys(AccessKeys::default());
        aws
    }

    fn add_keys(&self, keys: AccessKeys) {
        lock(&self.keys).insert(keys.access_key_id.clone(), keys);
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, HashMap<String, AccessKeys>> {
        lock(&self.keys)
    }

    fn examine_registry_request(&self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        let operation = Operation::of(request)?;
        let scope = Authorization::of(request.headers())?.scope;
        operation::check_form(request.headers())?;
        signature::verify(request, &self.keys())?;
        operation.check_scope(&scope, request.headers())?;
        let body = operation.answer(request.body(), &scope, *lock(&self.token_lifetime))?;
        Ok(Reply::new(body, Gift::RegistryToken))
    }
}

impl Service for Aws {
    fn content_type(&self) -> &'static str {
        operation::CONTENT_TYPE
    }

    fn examine(&self, request: &Request<Bytes>, _request_id: &str) -> Result<Reply, Refusal> {
        self.examine_registry_request(request)
    }

    fn is_rightly_signed(&self, request: &Request<Bytes>) -> bool {
        signature::verify(request, &self.keys()).is_ok()
    }

    fn giving(&self, gift: &Gift) {
        if let Gift::Credentials(keys) = gift {
            self.add_keys(keys.clone());
        }
    }
}
