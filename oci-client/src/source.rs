//! Whose credentials clients have.

use keyward::{Budget, CancelToken, Credential, Keychain, Resolver};

/// Whose credentials [`Clients`](crate::Clients) have: those of a [`Resolver`] or of a [`Keychain`].
#[derive(Clone, Debug)]
pub struct Source(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Keychain(Keychain),
    Resolver(Resolver),
}

impl Source {
    pub(crate) async fn resolve(&self, address: &str) -> Result<Credential, keyward::Error> {
        match &self.0 {
            Kind::Keychain(keychain) => keychain.resolve(address).await,
            Kind::Resolver(resolver) => resolver.resolve(address).await,
        }
    }

    pub(crate) async fn resolve_with(
        &self,
        address: &str,
        budget: &Budget,
        cancel: &CancelToken,
    ) -> Result<Credential, keyward::Error> {
        match &self.0 {
            Kind::Keychain(keychain) => keychain.resolve_with(address, budget, cancel).await,
            Kind::Resolver(resolver) => resolver.resolve_with(address, budget, cancel).await,
        }
    }

    pub(crate) fn invalidate(&self, address: &str) {
        match &self.0 {
            Kind::Keychain(keychain) => keychain.invalidate(address),
            Kind::Resolver(resolver) => resolver.invalidate(address),
        }
    }
}

impl From<Keychain> for Source {
    fn from(keychain: Keychain) -> Self {
        Self(Kind::Keychain(keychain))
    }
}

impl From<Resolver> for Source {
    fn from(resolver: Resolver) -> Self {
        Self(Kind::Resolver(resolver))
    }
}
