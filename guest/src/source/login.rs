//! Stub.

use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::Lookup;
use crate::world::World;

/// Stub.
///
/// # Errors
///
/// None.
pub fn get(_lookup: &Lookup<'_, impl World>, _profile: &str, _session: &str) -> Result<Credentials, Error> {
    Err(Error::Invalid("not there yet".to_owned()))
}
