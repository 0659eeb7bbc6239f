//! Connections that are not made to their end.

use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::held::{Held, image_is_made};
use crate::stuck::HEALTHY;

/// The first connection works and the others hang in the handshake. A client that shares half-made connections between
/// requests leaves the losers of every race behind: seen with one.
pub(crate) async fn run() {
    let fake = FakeAws::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = fake.address();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        let mut silent = Vec::new();
        loop {
            silent.push(listener.accept().await);
        }
    });
    let config = Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_connect_to("api.ecr.us-east-1.amazonaws.com", address);
    let resolver = Resolver::new(&config).unwrap();
    image_is_made(&resolver, HEALTHY).await;
    let before = Held::at_rest().await;
    resolver.resolve(HEALTHY).await.unwrap();
    let mut lookups = JoinSet::new();
    for _ in 0..10 {
        let resolver = resolver.clone();
        let budget = Budget::default().with_deadline(Duration::from_millis(500));
        lookups.spawn(async move { resolver.look_up(HEALTHY, &budget, &CancelToken::new()).await });
    }
    let mut found = 0;
    while let Some(lookup) = lookups.join_next().await {
        found += usize::from(lookup.unwrap().result.is_ok());
    }
    // The connection that works serves one lookup after the other; those that wait for their own do not get it.
    assert!(found >= 1, "nobody took the idle connection");
    drop(resolver);
    server.abort();
    fake.wait_until_async("the server sees every connection closed", |fake| fake.connections_open() == 0).await;
    // The task and the listener of the server, and the memory image of the resolver, are gone too.
    let footprint = before.footprint;
    let footprint =
        keyward_testbed::Footprint { descriptors: footprint.descriptors.map(|count| count - 2), ..footprint };
    Held { tasks: before.tasks - 1, footprint }.is_reached_again("half-made connections").await;
}
