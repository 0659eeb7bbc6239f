//! Stub.

use crate::error::Error;
use crate::role_chain::Sso;
use crate::source::{Found, Lookup};
use crate::world::World;

/// Stub.
///
/// # Errors
///
/// None.
pub fn get(_lookup: &Lookup<'_, impl World>, _profile: &str, _sso: &Sso) -> Result<Found, Error> {
    Ok(Found::NotConfigured("not there yet".to_owned()))
}
