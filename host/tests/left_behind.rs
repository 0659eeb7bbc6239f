//! After a deadline, a cancel or a dropped future, nothing of a lookup is left: no task, thread, descriptor or connection.
//!
//! A program of its own, without the test harness: whatever else ran in the process would be counted too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, Footprint, SECRET_ACCESS_KEY};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinHandle, JoinSet};

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const API: &str = "api.ecr.us-east-1.amazonaws.com";

/// How many lookups are stuck at once.
const LOOKUPS: usize = 100;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // Whatever is made once (worker threads, the thread for files) is made before anything is counted.
        stuck(Answer::Silence, End::Cancel).await;
        for end in [End::Cancel, End::Deadline, End::Drop] {
            for answer in [Answer::Silence, Answer::HeadersThenSilence] {
                stuck(answer, end).await;
            }
            stuck_in_the_handshake(end).await;
        }
        the_first_connection_works_and_the_others_hang_in_the_handshake().await;
    });
    println!("nothing is left behind: ok");
}

#[derive(Clone, Copy, Debug)]
enum End {
    Cancel,
    Deadline,
    Drop,
}

fn config(fake: &FakeAws, address: SocketAddr) -> Config {
    Config::new()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_connect_to(API, address)
}

/// A resolver that has made what it makes once: the memory image of its component, which is a descriptor.
async fn resolver(config: &Config) -> Resolver {
    let resolver = Resolver::new(config).unwrap();
    resolver.resolve("registry.example").await.unwrap_err();
    resolver
}

async fn stuck(answer: Answer, end: End) {
    let fake = FakeAws::start();
    fake.answer_always(answer);
    let resolver = resolver(&config(&fake, fake.address())).await;
    let before = Held::now();
    end_lookups(&resolver, end, || fake.requests().len() >= LOOKUPS).await;
    fake.wait_until_async("the server sees every connection closed", |fake| fake.connections_open() == 0).await;
    before.is_reached_again(&format!("{end:?} without an answer")).await;
    // And nothing is broken.
    fake.answer_always(Answer::Token);
    resolver.resolve(REGISTRY).await.unwrap();
}

async fn stuck_in_the_handshake(end: End) {
    let fake = FakeAws::start();
    let silent = Silent::start().await;
    let resolver = resolver(&config(&fake, silent.address)).await;
    let before = Held::now();
    end_lookups(&resolver, end, || silent.accepted() >= LOOKUPS).await;
    // The server's ends of the connections are in this process too; it drops them when their other ends are closed.
    before.is_reached_again(&format!("{end:?} in the handshake")).await;
}

/// A server that takes connections, reads, and says nothing.
struct Silent {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move { tokio::io::copy(&mut client, &mut tokio::io::sink()).await });
            }
        });
        Self { address, accepted, task }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn end_lookups(resolver: &Resolver, end: End, all_are_stuck: impl Fn() -> bool) {
    let cancel = CancelToken::new();
    let deadline = match end {
        End::Deadline => Duration::from_millis(700),
        End::Cancel | End::Drop => Duration::MAX,
    };
    let mut lookups = JoinSet::new();
    for _ in 0..LOOKUPS {
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        let budget = Budget::default().with_deadline(deadline);
        lookups.spawn(async move { resolver.look_up(REGISTRY, &budget, &cancel).await });
    }
    match end {
        End::Deadline => {}
        End::Cancel | End::Drop => {
            until("every lookup is stuck", all_are_stuck).await;
            if matches!(end, End::Cancel) { cancel.cancel() } else { lookups.abort_all() }
        }
    }
    while let Some(lookup) = lookups.join_next().await {
        if let Ok(lookup) = lookup {
            lookup.result.unwrap_err();
        }
    }
}

/// A client that shares half-made connections between requests leaves the losers of every race behind: seen with one.
async fn the_first_connection_works_and_the_others_hang_in_the_handshake() {
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
    let resolver = resolver(&config(&fake, address)).await;
    let before = Held::now();
    resolver.resolve(REGISTRY).await.unwrap();
    let mut lookups = JoinSet::new();
    for _ in 0..10 {
        let resolver = resolver.clone();
        let budget = Budget::default().with_deadline(Duration::from_millis(500));
        lookups.spawn(async move { resolver.look_up(REGISTRY, &budget, &CancelToken::new()).await });
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
    let footprint = Footprint { descriptors: before.footprint.descriptors.map(|count| count - 2), ..before.footprint };
    Held { tasks: before.tasks - 1, footprint }.is_reached_again("half-made connections").await;
}

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Held {
    tasks: usize,
    footprint: Footprint,
}

impl Held {
    fn now() -> Self {
        Self { tasks: tasks(), footprint: Footprint::now() }
    }

    /// Aborts are asynchronous: the counters are polled, with a bound, and not looked at once.
    async fn is_reached_again(self, after: &str) {
        until(&format!("after {after}: {self:?} is reached again"), || {
            let now = Self::now();
            let at_most = |now: Option<usize>, before: Option<usize>| now <= before;
            now.tasks <= self.tasks
                && at_most(now.footprint.descriptors, self.footprint.descriptors)
                && at_most(now.footprint.threads, self.footprint.threads)
        })
        .await;
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not after 20 s; now {:?}", Held::now());
}
