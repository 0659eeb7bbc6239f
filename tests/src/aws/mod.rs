//! The fake AWS: what it knows, and how it tells its services apart.

mod sso;
mod sts;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::Request;
use hyper::body::Bytes;

pub use self::sso::{SsoRefresh, SsoRole};
pub use self::sts::Role;

use self::sso::{Oidc, Portal};
use crate::authority::{AnyName, Authority};
use crate::fake::{Description, Fake};
use crate::keys::AccessKeys;
use crate::operation::{self, Operation};
use crate::protocol::check_form;
use crate::refusal::Refusal;
use crate::server::{self, Transport};
use crate::service::{Gift, Reply, Service};
use crate::signature::{self, Authorization};
use crate::state::lock;

/// The life of a token of ECR.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

const DESCRIPTION: Description = Description { type_name: "FakeAws", thread: "fake-aws", scheme: "https" };

/// A fake AWS on loopback, which speaks TLS (unless it is [started without](FakeAws::start_plain)) and runs until it is dropped.
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
        Self::start_with_at(authority, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// [`FakeAws::start`] at a given address, such as port 443 of one of the many addresses that
    /// loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::start_with_at(Arc::new(Authority::new()), address)
    }

    /// [`FakeAws::start_with`] at a given address.
    #[must_use]
    #[track_caller]
    pub fn start_with_at(authority: Arc<Authority>, address: SocketAddr) -> Self {
        let transport = Transport::Tls(server::acceptor(AnyName::new(authority.clone())));
        Self::listen(Aws::new(authority), DESCRIPTION, address, transport)
    }

    /// [`FakeAws::start`] without TLS, for clients that cannot be told whom to trust.
    #[must_use]
    pub fn start_plain() -> Self {
        let description = Description { scheme: "http", ..DESCRIPTION };
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        Self::listen(Aws::new(Arc::new(Authority::new())), description, address, Transport::Plain)
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

    /// Puts this behind the passwords that are given out from now on: a registry's next token is another one, as AWS has it.
    pub fn set_password_suffix(&self, suffix: &str) {
        suffix.clone_into(&mut lock(&self.kind.password_suffix));
    }

    /// Makes a role known to STS. It replaces a known one of the same ARN.
    pub fn add_role(&self, role: Role) {
        lock(&self.kind.roles).insert(role.arn().to_owned(), role);
    }

    /// Makes a role known to the portal of IAM Identity Center. Its keys are accepted once they were
    /// given out. It replaces a known one of the same access token, account and name.
    pub fn add_sso_role(&self, role: SsoRole) {
        lock(&self.kind.portal).add(role);
    }

    /// Takes an access token of IAM Identity Center back: the portal does not accept it any more.
    pub fn revoke_sso_token(&self, access_token: &str) {
        lock(&self.kind.portal).revoke(access_token);
    }

    /// Makes a refresh token known to the OIDC service of IAM Identity Center. It replaces what was
    /// declared of the same refresh token before.
    pub fn add_sso_refresh(&self, refresh: SsoRefresh) {
        lock(&self.kind.oidc).add(refresh);
    }
}

/// What a [`FakeAws`] knows.
pub struct Aws {
    authority: Arc<Authority>,
    keys: Mutex<HashMap<String, AccessKeys>>,
    token_lifetime: Mutex<Duration>,
    /// Empty, unless a test wants other passwords than the usual ones.
    password_suffix: Mutex<String>,
    roles: Mutex<HashMap<String, Role>>,
    portal: Mutex<Portal>,
    oidc: Mutex<Oidc>,
}

impl Aws {
    fn new(authority: Arc<Authority>) -> Self {
        let aws = Self {
            authority,
            keys: Mutex::default(),
            token_lifetime: Mutex::new(TOKEN_LIFETIME),
            password_suffix: Mutex::default(),
            roles: Mutex::default(),
            portal: Mutex::default(),
            oidc: Mutex::default(),
        };
        aws.add_keys(AccessKeys::default());
        aws
    }

    fn add_keys(&self, keys: AccessKeys) {
        lock(&self.keys).insert(keys.access_key_id.clone(), keys);
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, AccessKeys>> {
        lock(&self.keys)
    }

    fn role(&self, arn: &str) -> Option<Role> {
        lock(&self.roles).get(arn).cloned()
    }

    fn examine_registry_request(&self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        let operation = Operation::of(request)?;
        let scope = Authorization::of(request.headers())?.scope;
        check_form(request.headers(), &[operation::CONTENT_TYPE])?;
        signature::verify(request, &self.keys())?;
        operation.check_scope(&scope, request.headers())?;
        let (lifetime, suffix) = (*lock(&self.token_lifetime), lock(&self.password_suffix).clone());
        let body = operation.answer(request.body(), &scope, lifetime, &suffix)?;
        Ok(Reply::new(body, Gift::RegistryToken))
    }
}

impl Service for Aws {
    fn content_type(&self) -> &'static str {
        operation::CONTENT_TYPE
    }

    /// The services are told apart by the request and not by its host, since one endpoint may be set
    /// for all of them.
    fn examine(&self, request: &Request<Bytes>, request_id: &str) -> Result<Reply, Refusal> {
        if sts::is_meant(request) {
            sts::examine(request, request_id, self)
        } else if Portal::is_meant(request) {
            lock(&self.portal).examine(request)
        } else if Oidc::is_meant(request) {
            lock(&self.oidc).examine(request)
        } else {
            self.examine_registry_request(request)
        }
    }

    fn is_rightly_signed(&self, request: &Request<Bytes>) -> bool {
        signature::verify(request, &self.keys()).is_ok()
    }

    fn giving(&self, gift: &Gift) {
        match gift {
            Gift::Credentials(keys) => self.add_keys(keys.clone()),
            Gift::AccessToken { replaced_refresh_token: Some(replaced) } => lock(&self.oidc).spend(replaced),
            Gift::AccessToken { replaced_refresh_token: None } | Gift::RegistryToken | Gift::Nothing => {}
        }
    }
}
