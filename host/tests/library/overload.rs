//! Too many lookups at once: a new one fails at once and says so, and never waits for one that is stuck.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Resolver, Usage};
use keyward_testbed::{Answer, FakeAws};
use tokio::task::JoinSet;

use crate::common::{OTHER, OTHER_API, PRIVATE, PUBLIC, config};

#[tokio::test]
async fn past_the_limit_a_lookup_fails_at_once_and_a_registry_that_is_stuck_leaves_room_for_the_others() {
    let fake = FakeAws::start();
    fake.answer_where(|request| request.host == OTHER_API, Answer::Silence);
    let config = config(&fake).with_max_live_lookups(4).with_max_live_lookups_of_one_registry(3);
    let resolver = Resolver::new(&config).unwrap();
    let cancel = CancelToken::new();
    // A deadline beyond the patience of any test: who waited for these would wait for ever.
    let forever = Budget::default().with_deadline(Duration::MAX);
    let mut stuck = JoinSet::new();
    for _ in 0..3 {
        let (resolver, forever, cancel) = (resolver.clone(), forever.clone(), cancel.clone());
        stuck.spawn(async move { resolver.look_up(OTHER, &forever, &cancel).await });
    }
    fake.wait_until_async("three requests are stuck", |fake| fake.requests().len() == 3).await;

    let address = format!("https://{OTHER}/image:1");
    let refused = resolver.look_up(address.as_str(), &forever, &CancelToken::new()).await;
    assert_eq!(refused.result, Err(Error::Overloaded { live: 3, of_this_registry: true }));
    assert_eq!(refused.usage, Usage::default(), "it was not begun");
    resolver.resolve(PRIVATE).await.unwrap();

    fake.answer_next(Answer::Silence);
    let other = {
        let (resolver, forever, cancel) = (resolver.clone(), forever.clone(), cancel.clone());
        tokio::spawn(async move { resolver.look_up(PRIVATE, &forever, &cancel).await })
    };
    fake.wait_until_async("the fourth is stuck", |fake| fake.requests().len() == 5).await;
    let refused = resolver.look_up(PUBLIC, &forever, &CancelToken::new()).await;
    let text = refused.result.unwrap_err().to_string();
    assert_eq!(
        text,
        "4 lookups in this process are under way already: try again later, or raise the limit of live lookups"
    );

    cancel.cancel();
    other.await.unwrap().result.unwrap_err();
    while stuck.join_next().await.is_some() {}
    assert_eq!(resolver.live().lookups, 0);
    resolver.resolve(PUBLIC).await.unwrap();
}
