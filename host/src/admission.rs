//! How many lookups may be under way at once.
//!
//! The rule for overload: past its limit, a lookup is not begun and fails at once with
//! [`Error::Overloaded`](crate::Error::Overloaded). Nothing queues, so nobody waits behind a lookup that is stuck. One registry has a limit
//! of its own, below that of all: a registry whose lookups are stuck uses up its own share, and not that of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::error::Error;
use crate::lock::lock;

/// Counts the lookups that are under way.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    live: Arc<Mutex<Live>>,
    limit: usize,
    limit_of_one_registry: usize,
}

#[derive(Debug, Default)]
struct Live {
    all: usize,
    by_registry: HashMap<String, usize>,
}

/// One lookup that is under way, until it is dropped: after its store, so that a lookup is counted for as long as anything of it is
/// there, and its place in the pool is free for the next.
#[derive(Debug)]
pub(crate) struct Admitted {
    live: Arc<Mutex<Live>>,
    registry: String,
}

impl Admission {
    pub(crate) fn new(limit: usize, limit_of_one_registry: usize) -> Self {
        Self { live: Arc::default(), limit, limit_of_one_registry }
    }

    /// Lets a lookup begin, or says at once that it may not.
    pub(crate) fn admit(&self, server: &str) -> Result<Admitted, Error> {
        let registry = host(server);
        let mut live = lock(&self.live);
        if live.all >= self.limit {
            return Err(Error::Overloaded { live: live.all, of_this_registry: false });
        }
        let of_registry = live.by_registry.get(&registry).copied().unwrap_or_default();
        if of_registry >= self.limit_of_one_registry {
            return Err(Error::Overloaded { live: of_registry, of_this_registry: true });
        }
        live.by_registry.insert(registry.clone(), of_registry + 1);
        live.all += 1;
        drop(live);
        Ok(Admitted { live: self.live.clone(), registry })
    }

    /// How many lookups are under way.
    pub(crate) fn live(&self) -> usize {
        lock(&self.live).all
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut live = lock(&self.live);
        live.all -= 1;
        if let Some(count) = live.by_registry.get_mut(&self.registry) {
            *count -= 1;
            if *count == 0 {
                live.by_registry.remove(&self.registry);
            }
        }
    }
}

/// The host in an address. What an address means is for the component to say; this only has to put those of one registry
/// together, whatever follows its host.
fn host(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_scheme, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().trim();
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_a_lookup_fails_at_once_and_the_place_of_one_that_ended_is_free_again() {
        let admission = Admission::new(2, 2);
        let one = admission.admit("one.example").unwrap();
        let _two = admission.admit("two.example").unwrap();
        let refused = admission.admit("three.example").unwrap_err();
        assert_eq!(refused, Error::Overloaded { live: 2, of_this_registry: false });
        drop(one);
        admission.admit("three.example").unwrap();
        assert_eq!(admission.live(), 1);
    }

    /// Two stuck registries once blocked every other one.
    #[test]
    fn a_registry_uses_up_its_own_share_and_not_that_of_the_others() {
        let admission = Admission::new(4, 2);
        let _stuck =
            [admission.admit("stuck.example/a").unwrap(), admission.admit("https://x@Stuck.example.:443?b").unwrap()];
        let refused = admission.admit("stuck.example").unwrap_err();
        assert_eq!(refused, Error::Overloaded { live: 2, of_this_registry: true });
        admission.admit("healthy.example").unwrap();
    }

    #[test]
    fn nothing_is_remembered_of_registries_whose_lookups_have_ended() {
        let admission = Admission::new(10, 10);
        drop([admission.admit("one.example").unwrap(), admission.admit("one.example").unwrap()]);
        assert!(lock(&admission.live).by_registry.is_empty());
    }
}
