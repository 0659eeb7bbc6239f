//! What the process and a resolver hold.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Live, Resolver};
use keyward_testbed::Footprint;
use tokio::runtime::Handle;

/// What is held at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) tasks: usize,
    pub(crate) footprint: Footprint,
}

impl Held {
    pub(crate) fn now() -> Self {
        Self { tasks: Handle::current().metrics().num_alive_tasks(), footprint: Footprint::now() }
    }

    /// The same with so many descriptors more.
    pub(crate) fn with_descriptors(self, more: usize) -> Self {
        let descriptors = self.footprint.descriptors.map(|count| count + more);
        Self { footprint: Footprint { descriptors, ..self.footprint }, ..self }
    }

    /// The same with one thread more.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_one_thread(self) -> Self {
        let threads = self.footprint.threads.map(|count| count + 1);
        Self { footprint: Footprint { threads, ..self.footprint }, ..self }
    }

    /// Counts when the thread that counts the epochs has ended with the lookup before.
    pub(crate) async fn at_rest() -> Self {
        until("no thread is left", || threads_of_lookups() == 0).await;
        Self::now()
    }

    /// Aborts are asynchronous: the counters are polled, with a bound, and not looked at once.
    pub(crate) async fn is_reached_again(self, after: &str) {
        let at_most = |now: Option<usize>, before: Option<usize>| now <= before;
        until(&format!("after {after}: {self:?} is reached again"), || {
            let now = Self::now();
            now.tasks <= self.tasks
                && at_most(now.footprint.descriptors, self.footprint.descriptors)
                && at_most(now.footprint.threads, self.footprint.threads)
        })
        .await;
    }
}

/// Everything that belongs to lookups has been dropped: their stores, and what they had of the pool.
pub(crate) async fn no_lookup_is_left(resolver: &Resolver, after: &str) {
    let nothing = |live: Live| {
        let pool = live.pool.expect("a resolver for many lookups has a pool");
        (live.lookups, pool.instances, pool.memories, pool.stacks, pool.tables) == (0, 0, 0, 0, 0)
    };
    until(&format!("after {after}: no lookup is left"), || nothing(resolver.live())).await;
}

/// Makes the memory image of a resolver's component, which is a descriptor. The component has no fuel to ask for anything.
pub(crate) async fn image_is_made(resolver: &Resolver, registry: &str) {
    let lookup = resolver.look_up(registry, &Budget::default().with_fuel(1), &CancelToken::new()).await;
    assert_eq!(lookup.result, Err(Error::OutOfFuel { limit: 1 }));
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..4_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: not after 20 s; now {:?}", Held::now());
}

/// Threads that lookups begin, by their names: they end some moments after the last lookup.
fn threads_of_lookups() -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.starts_with("keyward-")).count()
}
