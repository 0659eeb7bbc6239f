//! The clients that are kept, and for what.

use oci_client::secrets::RegistryAuth;

/// What is kept for each address that is asked for, the one first that was not asked for for the longest time. Addresses of one
/// registry that have one credential have one client.
///
/// There are few, so that all of them are looked through.
pub(crate) struct Shelf<Client> {
    capacity: usize,
    kept: Vec<Kept<Client>>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// What credentials are asked for with.
    pub(crate) address: String,
    /// The registry as a client calls it.
    pub(crate) registry: String,
}

struct Kept<Client> {
    place: Place,
    auth: RegistryAuth,
    /// `None` where the registry has refused it.
    client: Option<Client>,
}

impl<Client: Clone + Default> Shelf<Client> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Vec::new() }
    }

    /// The client for an address whose credential this is, instead of the one with another credential that it may have had. Where none is
    /// kept for any address of the registry, it is a new one.
    pub(crate) fn get(&mut self, place: &Place, auth: &RegistryAuth) -> Client {
        let has = |kept: &&Kept<Client>| kept.place.registry == place.registry && kept.auth == *auth;
        let client = self.kept.iter().filter(has).find_map(|kept| kept.client.clone()).unwrap_or_default();
        self.kept.retain(|kept| kept.place.address != place.address);
        if self.kept.len() == self.capacity {
            self.kept.remove(0);
        }
        self.kept.push(Kept { place: place.clone(), auth: auth.clone(), client: Some(client.clone()) });
        client
    }

    /// Notes that a registry has refused a credential, whose clients are not handed out any more. Whether that is news: it is not where it was
    /// said before, nor where the address has another credential meanwhile, which whoever was refused has not tried.
    pub(crate) fn refuse(&mut self, place: &Place, auth: &RegistryAuth) -> bool {
        let is_replaced = self.kept.iter().any(|kept| kept.place.address == place.address && kept.auth != *auth);
        let mut has_it =
            self.kept.iter_mut().filter(|kept| kept.place.registry == place.registry && kept.auth == *auth).peekable();
        let is_unknown = has_it.peek().is_none();
        let refused = has_it.filter_map(|kept| kept.client.take()).count();
        !is_replaced && (refused > 0 || is_unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place(registry: &str, repository: &str) -> Place {
        Place { address: format!("{registry}/{repository}"), registry: registry.to_owned() }
    }

    fn auth(password: &str) -> RegistryAuth {
        RegistryAuth::Basic("AWS".to_owned(), password.to_owned())
    }

    /// A client of its own, wherever it is another one.
    type Client = Arc<()>;

    fn same(one: &Client, other: &Client) -> bool {
        Arc::ptr_eq(one, other)
    }

    #[test]
    fn the_repositories_of_a_registry_share_its_client_and_other_registries_never_do() {
        let mut shelf = Shelf::<Client>::new(8);
        let client = shelf.get(&place("a", "1"), &auth("x"));
        assert!(same(&client, &shelf.get(&place("a", "1"), &auth("x"))));
        assert!(same(&client, &shelf.get(&place("a", "2"), &auth("x"))));
        assert!(!same(&client, &shelf.get(&place("b", "1"), &auth("x"))));
    }

    #[test]
    fn another_credential_is_another_client_and_the_old_one_is_gone_with_its_last_repository() {
        let mut shelf = Shelf::<Client>::new(8);
        let old = shelf.get(&place("a", "1"), &auth("x"));
        shelf.get(&place("a", "2"), &auth("x"));
        let new = shelf.get(&place("a", "1"), &auth("y"));
        assert!(!same(&old, &new));
        assert_eq!(Arc::strong_count(&old), 2);
        assert!(same(&new, &shelf.get(&place("a", "2"), &auth("y"))));
        assert_eq!(Arc::strong_count(&old), 1);
    }

    #[test]
    fn it_holds_so_many_and_what_was_not_asked_for_for_the_longest_time_makes_room() {
        let mut shelf = Shelf::<Client>::new(2);
        let (a, b) = (shelf.get(&place("a", "1"), &auth("x")), shelf.get(&place("b", "1"), &auth("x")));
        assert!(same(&a, &shelf.get(&place("a", "1"), &auth("x"))));
        shelf.get(&place("c", "1"), &auth("x"));
        assert_eq!((shelf.kept.len(), Arc::strong_count(&b)), (2, 1));
        assert!(same(&a, &shelf.get(&place("a", "1"), &auth("x"))));
    }

    #[test]
    fn a_refusal_is_news_once_also_where_the_same_credential_is_found_again() {
        let mut shelf = Shelf::<Client>::new(8);
        let old = shelf.get(&place("a", "1"), &auth("x"));
        shelf.get(&place("a", "2"), &auth("x"));
        assert!(shelf.refuse(&place("a", "1"), &auth("x")));
        assert!(!shelf.refuse(&place("a", "1"), &auth("x")));
        let new = shelf.get(&place("a", "1"), &auth("x"));
        assert!(!same(&old, &new));
        assert!(same(&new, &shelf.get(&place("a", "2"), &auth("x"))));
        assert!(shelf.refuse(&place("a", "1"), &auth("x")));
    }

    #[test]
    fn a_refusal_of_what_was_replaced_is_no_news_and_nobody_gets_that_client_any_more() {
        let mut shelf = Shelf::<Client>::new(8);
        let old = shelf.get(&place("a", "1"), &auth("x"));
        shelf.get(&place("a", "2"), &auth("x"));
        let new = shelf.get(&place("a", "1"), &auth("y"));
        assert!(!shelf.refuse(&place("a", "1"), &auth("x")));
        assert_eq!(Arc::strong_count(&old), 1);
        assert!(same(&new, &shelf.get(&place("a", "1"), &auth("y"))));
    }

    #[test]
    fn a_refusal_of_what_was_replaced_is_no_news_and_touches_nothing() {
        let mut shelf = Shelf::<Client>::new(8);
        shelf.get(&place("a", "1"), &auth("x"));
        let new = shelf.get(&place("a", "1"), &auth("y"));
        assert!(!shelf.refuse(&place("a", "1"), &auth("x")));
        assert!(same(&new, &shelf.get(&place("a", "1"), &auth("y"))));
        // Nothing is known of this one, so that nothing speaks against it.
        assert!(shelf.refuse(&place("b", "1"), &auth("x")));
    }
}
