//! The sources of AWS credentials, one file each: settings and one function.

mod cached_login;
pub mod container;
pub mod document;
pub mod environment;
pub mod imds;
pub mod login;
pub mod process;
pub mod profile;
pub mod sso;
pub mod web_identity;

use crate::aws::client::Client;
use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, Service};
use crate::error::Error;
use crate::settings::Settings;
use crate::steps;
use crate::world::World;

/// What a source has to say where it did not fail. A source that is configured and has no credentials to give is an [`Error`], and ends
/// the chain: the next source would be another identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The source has credentials.
    Credentials(Credentials),
    /// The source is not configured, for the reason given: the next one is asked.
    NotConfigured(String),
    /// Nobody answers where the source would be, for the reason given. To the chain, that is a source that is not configured; to a
    /// profile that asks for this one, it is an outage.
    NotReached(String),
}

/// What the sources of one lookup have.
pub struct Lookup<'a, W> {
    /// The way to AWS's services.
    pub client: &'a Client<'a, W>,
    /// The region of the registry, for services of which no setting says another one.
    pub registry_region: &'a str,
    /// The settings.
    pub settings: &'a Settings<'a, W>,
}

impl<W: World> Lookup<'_, W> {
    /// The endpoint of STS: in the region of the settings, else in that of the registry.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for settings that lead to no endpoint.
    pub fn sts(&self) -> Result<Endpoint, Error> {
        let region = self.settings.region();
        let region = region.as_ref().map_or(self.registry_region, |region| &region.value);
        self.endpoint(Service::Sts, region)
    }

    /// The endpoint of a service in a region.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for settings that lead to no endpoint.
    pub fn endpoint(&self, service: Service, region: &str) -> Result<Endpoint, Error> {
        let endpoint = Endpoint::of_service(service, region, self.settings);
        let endpoint = endpoint.map_err(|error| Error::Invalid(error.to_string()))?;
        steps::endpoint(self.settings, &endpoint);
        Ok(endpoint)
    }
}
