//! Stub.

use crate::aws::client::Client;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::secret::Secret;
use crate::world::World;

/// A role to assume.
#[derive(Clone, Copy, Debug)]
pub struct RoleRequest<'a> {
    /// The role's ARN.
    pub role_arn: &'a str,
    /// The session's name; none for one of ours.
    pub session_name: Option<&'a str>,
    /// The external id.
    pub external_id: Option<&'a str>,
    /// How long the credentials shall last, in seconds; none for the role's own.
    pub duration_seconds: Option<u32>,
}

/// `AssumeRole`.
///
/// # Errors
///
/// [`Error`].
pub fn assume_role(
    _client: &Client<'_, impl World>,
    _endpoint: &Endpoint,
    _credentials: &Credentials,
    _role: &RoleRequest<'_>,
) -> Result<Credentials, Error> {
    Err(Error::Invalid("not there yet".to_owned()))
}

/// `AssumeRoleWithWebIdentity`.
///
/// # Errors
///
/// [`Error`].
pub fn assume_role_with_web_identity(
    _client: &Client<'_, impl World>,
    _endpoint: &Endpoint,
    _token: &Secret,
    _role: &RoleRequest<'_>,
) -> Result<Credentials, Error> {
    Err(Error::Invalid("not there yet".to_owned()))
}
