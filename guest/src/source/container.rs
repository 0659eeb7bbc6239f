//! Stub.

use crate::error::Error;
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
