//! The face of the crate: an image in, a client with its registry's credential out.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward::{Budget, CancelToken, Credential};
use oci_client::Reference;
use oci_client::client::{Client, ClientConfig};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::shelf::{Place, Shelf};
use crate::source::Source;

/// How many images' repositories have a client that is kept. All those of one registry share one client as long as they have one
/// credential, so that what is not kept costs something only where more registries than this are in use at once.
const CAPACITY: usize = 64;

/// Clients of registries, each with the credential that its registry takes at the time.
///
/// It is cheap to clone, and clones share what they keep. Nothing is locked while something is looked up, so no registry waits
/// for another one; who asks for the same registry at the same time shares one lookup and one client.
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    config: Box<dyn Fn(&str) -> ClientConfig + Send + Sync>,
    shelf: Mutex<Shelf<Arc<OnceCell<Client>>>>,
    source: Source,
}

/// What an image is pulled or pushed with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Access {
    /// The client. It has the credential already, so that methods that are given none, as
    /// [`pull_blob`](oci_client::Client::pull_blob), work too.
    ///
    /// It keeps this credential for as long as it lives: ask [`Clients`] for each pull, and not once for a program.
    pub client: Client,
    /// The credential, as the client's other methods want it. It belongs to this client: another one would keep it for ever.
    pub auth: RegistryAuth,
    /// Why the credential is [`Anonymous`](RegistryAuth::Anonymous), where it is: the registry is nobody's, or nobody has credentials
    /// for it. What to tell whoever then hears from the registry that it wants some.
    pub anonymous_because: Option<keyward::Error>,
}

impl Clients {
    /// Clients with the credentials of a [`Resolver`](keyward::Resolver) or a [`Keychain`](keyward::Keychain), with this configuration.
    ///
    /// `config` is given the name of the registry, with its port where it has one, whenever a client is made for it:
    /// [`ClientConfig`] has no `Clone`, and one registry may want plain HTTP or an authority of its own.
    ///
    /// ```
    /// use keyward_oci_client::Clients;
    /// use keyward_oci_client::oci_client::client::{ClientConfig, ClientProtocol};
    ///
    /// let resolver = keyward::Resolver::builder().build()?;
    /// let clients = Clients::new(resolver, |registry| ClientConfig {
    ///     protocol: if registry == "localhost:5000" { ClientProtocol::Http } else { ClientProtocol::Https },
    ///     ..ClientConfig::default()
    /// });
    /// # let _ = clients;
    /// # Ok::<(), keyward::SetupError>(())
    /// ```
    pub fn new(source: impl Into<Source>, config: impl Fn(&str) -> ClientConfig + Send + Sync + 'static) -> Self {
        let (config, shelf, source) = (Box::new(config), Mutex::new(Shelf::new(CAPACITY)), source.into());
        Self(Arc::new(Inner { config, shelf, source }))
    }

    /// The client for an image, under the budget that the resolver has by itself.
    ///
    /// What is asked for is the image without its tag and digest, so that patterns of a keychain may have a path. Its registry is
    /// the one that is really asked, a mirror where one is set; that of `docker.io` is called so, and not `index.docker.io`.
    ///
    /// # Errors
    ///
    /// [`Error`]. Where the registry is not ours, or nobody has credentials for it, the access is anonymous instead.
    pub async fn of(&self, image: &Reference) -> Result<Access, Error> {
        let place = place(image);
        let found = self.0.source.resolve(&place.address).await;
        self.access(place, image, found).await
    }

    /// As [`of`](Self::of), with a budget and a token of its own for the lookup.
    ///
    /// # Errors
    ///
    /// As those of [`of`](Self::of).
    pub async fn of_with(&self, image: &Reference, budget: &Budget, cancel: &CancelToken) -> Result<Access, Error> {
        let place = place(image);
        let found = self.0.source.resolve_with(&place.address, budget, cancel).await;
        self.access(place, image, found).await
    }

    /// Says that the registry of an image does not take this credential any more ([`is_refusal`](crate::is_refusal)): it is forgotten, and
    /// who asks next gets a new one, and a client that knows nothing of the old one.
    ///
    /// Of many who were refused with the same credential, the first one says something new. The others are not
    /// heard, lest what was found meanwhile be forgotten too.
    pub fn refused(&self, image: &Reference, auth: &RegistryAuth) {
        let place = place(image);
        let is_news = self.shelf().refuse(&place, auth);
        if is_news {
            self.0.source.invalidate(&place.address);
        }
    }

    /// The client that has this credential, or a new one.
    async fn access(
        &self,
        place: Place,
        image: &Reference,
        found: Result<Credential, keyward::Error>,
    ) -> Result<Access, Error> {
        let (auth, anonymous_because) = match found {
            Ok(credential) => (RegistryAuth::Basic(credential.username, credential.secret.expose().to_owned()), None),
            Err(reason @ (keyward::Error::NotOurRegistry | keyward::Error::NoCredentials(_))) => {
                (RegistryAuth::Anonymous, Some(reason))
            }
            Err(error) => return Err(Error::Lookup(error)),
        };
        let cell = self.shelf().get(&place, &auth);
        // Whoever wants the same client at the same time waits for it here; another one goes on where this one is dropped meanwhile.
        let client = cell.get_or_try_init(|| self.make(image, &auth)).await?.clone();
        Ok(Access { client, auth, anonymous_because })
    }

    /// Makes a client: some ten milliseconds of reading the system's authorities, which would hold up the runtime's other tasks.
    async fn make(&self, image: &Reference, auth: &RegistryAuth) -> Result<Client, Error> {
        let (inner, registry) = (self.0.clone(), image.resolve_registry().to_owned());
        // `Client::new` would go on with another configuration, where this one makes no sense.
        let making = spawn_blocking(move || Client::try_from((inner.config)(&registry)));
        let client = match making.await {
            Ok(made) => made.map_err(Error::Client)?,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => return Err(Error::Client(OciDistributionError::GenericError(Some(error.to_string())))),
            },
        };
        client.store_auth_if_needed(image.resolve_registry(), auth).await;
        Ok(client)
    }

    /// Never held while anything is waited for or made. What is behind it is whole at any time, so a panic elsewhere does not matter.
    fn shelf(&self) -> MutexGuard<'_, Shelf<Arc<OnceCell<Client>>>> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The registry that the client will ask, and what Keyward is asked for.
fn place(image: &Reference) -> Place {
    let registry = image.resolve_registry();
    let name = if registry == "index.docker.io" { "docker.io" } else { registry };
    Place { address: format!("{name}/{}", image.repository()), registry: registry.to_owned() }
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Clients").field("source", &self.0.source).finish_non_exhaustive()
    }
}

/// Without the password, whatever the `Debug` form of oci-client's types shows.
impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Access")
            .field("is_anonymous", &(self.auth == RegistryAuth::Anonymous))
            .field("anonymous_because", &self.anonymous_because)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(image: &str) -> (String, String) {
        let Place { address, registry } = place(&image.parse().unwrap());
        (registry, address)
    }

    fn pair(registry: &str, address: &str) -> (String, String) {
        (registry.to_owned(), address.to_owned())
    }

    #[test]
    fn what_is_asked_for_is_the_image_at_the_registry_that_is_asked() {
        assert_eq!(of("public.ecr.aws/a/b:1"), pair("public.ecr.aws", "public.ecr.aws/a/b"));
        assert_eq!(of("localhost:5000/b"), pair("localhost:5000", "localhost:5000/b"));
        let hub = pair("index.docker.io", "docker.io/library/alpine");
        for name in ["alpine", "docker.io/alpine", "index.docker.io/library/alpine:3"] {
            assert_eq!(of(name), hub);
        }
    }

    /// A credential of the registry itself must not get to a mirror.
    #[test]
    fn of_an_image_with_a_mirror_the_mirror_is_asked_for() {
        let mut image: Reference = "public.ecr.aws/a/b:1".parse().unwrap();
        image.set_mirror_registry("mirror.example:443".to_owned());
        assert_eq!(place(&image).address, "mirror.example:443/a/b");
        image.set_mirror_registry("docker.io".to_owned());
        assert_eq!(place(&image).registry, "docker.io");
    }

    #[test]
    fn clients_can_be_shared_among_threads() {
        fn is_shared<T: Clone + Send + Sync + 'static>() {}
        is_shared::<Clients>();
        is_shared::<Access>();
    }
}
