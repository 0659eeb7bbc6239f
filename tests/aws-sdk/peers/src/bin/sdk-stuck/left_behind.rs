//! What thousands of calls leave behind that were given up.

use keyward_sdk_peers::{call, client};
use keyward_testbed::stuck::{DEAD_NAMES, GIVEN_UP_AFTER, Servers, give_up_all};
use tokio::time::timeout;

use crate::number;

pub(crate) async fn measure(words: &[&str]) {
    let [fault, lookups] = words else { panic!("{words:?}") };
    let is_silence = *fault == "silence";
    let servers = Servers::start(if is_silence { &["silence"] } else { &[DEAD_NAMES] });
    let endpoint = is_silence.then(|| format!("https://{}", servers.addresses[0]));
    let client = client(endpoint.as_deref(), &servers.ca_file);
    let give_up = |_| {
        let client = client.clone();
        async move {
            let result = timeout(GIVEN_UP_AFTER, call(&client)).await;
            assert!(result.is_err(), "the call has ended by itself: {result:?}");
            false
        }
    };
    if is_silence {
        // What it makes once, as it is made for Keyward.
        give_up(0).await;
    }
    give_up_all(number(lookups), give_up).await;
}
