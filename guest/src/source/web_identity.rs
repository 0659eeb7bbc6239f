//! Stub.

use crate::aws::sts::RoleRequest;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::secret::Secret;
use crate::source::{Found, Lookup};
use crate::world::World;

/// Stub.
///
/// # Errors
///
/// None.
pub fn find(_lookup: &Lookup<'_, impl World>) -> Result<Found, Error> {
    Ok(Found::NotConfigured("not there yet".to_owned()))
}

/// By a token in a file, that `setting` names.
///
/// # Errors
///
/// [`Error`].
pub fn with_token_file(
    _lookup: &Lookup<'_, impl World>,
    _role: &RoleRequest<'_>,
    _token_file: &str,
    _setting: &str,
) -> Result<Credentials, Error> {
    Err(Error::Invalid("not there yet".to_owned()))
}

/// By a token.
///
/// # Errors
///
/// [`Error`].
pub fn with_token(
    _lookup: &Lookup<'_, impl World>,
    _role: &RoleRequest<'_>,
    _token: &Secret,
) -> Result<Credentials, Error> {
    Err(Error::Invalid("not there yet".to_owned()))
}
