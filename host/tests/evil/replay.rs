//! A component that sleeps in a world that is played, on a paused clock: its time passes, and nobody waits for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use keyward::replay::{Failure, Replay};
use keyward::{Budget, CancelToken, Config, Error};

use crate::resolver;

const HOUR: Duration = Duration::from_secs(3600);

/// A world with nothing in it.
struct Empty;

impl Replay for Empty {
    fn file(&self, _path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
        None
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        Err(Failure::ConnectionRefused)
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_paused_clock_a_component_sleeps_or_meets_its_deadline_without_anybody_waiting_for_it() {
    let resolver = resolver(Config::new().with_replay(Arc::new(Empty)));
    let sleep = async |deadline| {
        let budget = Budget::default().with_deadline(deadline);
        resolver.look_up("sleep", &budget, &CancelToken::new()).await
    };
    let awake = sleep(2 * HOUR).await;
    assert_eq!(awake.result.unwrap().secret.expose(), "an hour has passed");
    assert!(awake.usage.wall >= HOUR && awake.usage.wall < HOUR + Duration::from_secs(1), "{:?}", awake.usage);

    let late = sleep(HOUR / 2).await;
    assert!(matches!(late.result, Err(Error::Timeout { .. })), "{late:?}");
}
