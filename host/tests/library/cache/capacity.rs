//! How much is remembered.

use keyward::{CacheState, Resolver};

use super::found;
use super::played::Ecr;
use crate::common::{OTHER, PRIVATE};

#[tokio::test(start_paused = true)]
async fn past_its_capacity_the_cache_forgets_what_was_not_asked_for_for_the_longest_time() {
    let ecr = Ecr::new();
    let resolver = Resolver::new(&ecr.config().with_cache_capacity(2)).unwrap();
    let third = "123456789012.dkr.ecr.ap-south-1.amazonaws.com";
    for registry in [PRIVATE, OTHER, PRIVATE, third] {
        found(&resolver, registry).await;
    }
    assert_eq!(found(&resolver, PRIVATE).await.1, CacheState::Hit);
    assert_eq!(found(&resolver, third).await.1, CacheState::Hit);
    assert_eq!(found(&resolver, OTHER).await.1, CacheState::Miss);
}

#[tokio::test(start_paused = true)]
async fn with_a_capacity_of_nothing_nothing_is_remembered_and_lookups_are_shared_all_the_same() {
    let ecr = Ecr::new();
    let resolver = Resolver::new(&ecr.config().with_cache_capacity(0)).unwrap();
    found(&resolver, PRIVATE).await;
    assert_eq!(found(&resolver, PRIVATE).await.1, CacheState::Miss);
    let without_keys = Resolver::new(&ecr.config_without_keys().with_cache_capacity(0)).unwrap();
    without_keys.resolve(PRIVATE).await.unwrap_err();
    assert_eq!(super::look_up(&without_keys, PRIVATE).await.cache, CacheState::Miss);
}
