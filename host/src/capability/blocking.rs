//! Work that nothing can cancel.
//!
//! Opening and reading a file are calls of the operating system that a dead disk or network mount holds up for as long as it
//! likes. Such a call has a thread of its own: it is begun where none is under way for the same thing, and whoever asks for that
//! thing meanwhile waits for the same thread. So a lookup waits no longer than it may, and dropping it drops its waiting; what
//! is left on a dead mount, until the mount answers, is one thread for each file that was asked for, however many lookups
//! asked. Nothing of this goes through a pool of threads that others could have filled.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::watch;

use crate::lock::lock;

/// What such a thread needs of stack: it reads and parses.
const STACK_BYTES: usize = 256 * 1024;

/// Pieces of work that are under way, by what they are for. Clones share them.
#[derive(Debug)]
pub(crate) struct Blocking<T>(Arc<Mutex<UnderWay<T>>>);

type UnderWay<T> = BTreeMap<String, watch::Receiver<Option<T>>>;

impl<T> Clone for Blocking<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Blocking<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Blocking<T> {
    /// Does the work on a thread, or waits for the thread that does the work for the same thing already.
    pub(crate) async fn run(&self, thing: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let thread = thread::Builder::new().name("keyward-file".to_owned()).stack_size(STACK_BYTES);
        let mut result = self.result(thing, thread, work)?;
        let result = result.wait_for(Option::is_some).await.map(|result| result.clone());
        // Without a result, the thread has panicked.
        result.ok().flatten().ok_or_else(|| io::Error::other("a thread of this program has failed"))
    }

    fn result(
        &self,
        thing: &str,
        thread: thread::Builder,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<watch::Receiver<Option<T>>> {
        let mut under_way = lock(&self.0);
        if let Some(result) = under_way.get(thing) {
            return Ok(result.clone());
        }
        let (sender, receiver) = watch::channel(None);
        let (all, name) = (self.clone(), thing.to_owned());
        thread.spawn(move || {
            // Made here, since it takes the lock that is held while the thread begins, or does not.
            let end = End { all, thing: name };
            let result = work();
            // Before the result is known: whoever asks from then on wants what is there from then on.
            drop(end);
            sender.send_replace(Some(result));
        })?;
        under_way.insert(thing.to_owned(), receiver.clone());
        Ok(receiver)
    }
}

/// Dropped, it takes a piece of work off the list, also where the work has panicked.
struct End<T> {
    all: Blocking<T>,
    thing: String,
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        lock(&self.all.0).remove(&self.thing);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A dead mount once held one thread for each lookup that asked for its file.
    #[tokio::test]
    async fn work_that_hangs_has_one_thread_however_many_lookups_wait_for_it_and_none_waits_longer_than_it_may() {
        let (blocking, begun) = (Blocking::default(), Arc::new(AtomicUsize::new(0)));
        let (go_on, hanging) = mpsc::channel::<()>();
        let hanging = Arc::new(Mutex::new(hanging));
        let work = || {
            let (begun, hanging) = (begun.clone(), hanging.clone());
            move || {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = hanging.lock().unwrap().recv();
                7
            }
        };
        for _ in 0..10 {
            let waiting = tokio::time::timeout(Duration::from_millis(5), blocking.run("dead", work()));
            waiting.await.unwrap_err();
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        // Another file has a thread of its own.
        assert_eq!(blocking.run("alive", || 8).await.unwrap(), 8);

        let late = blocking.run("dead", work());
        drop(go_on);
        assert_eq!(late.await.unwrap(), 7);
        assert_eq!(blocking.run("dead", || 9).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_the_next_is_not() {
        let blocking = Blocking::<u8>::default();
        blocking.run("thing", || panic!("on purpose")).await.unwrap_err();
        assert_eq!(blocking.run("thing", || 1).await.unwrap(), 1);
    }

    /// A thread that could not be begun once took the lock a second time, and waited for itself.
    #[tokio::test]
    async fn a_thread_that_cannot_be_begun_is_an_error_and_the_next_is_not() {
        let blocking = Blocking::default();
        let too_large = thread::Builder::new().stack_size(1 << 60);
        blocking.result("thing", too_large, || 1).unwrap_err();
        assert_eq!(blocking.run("thing", || 2).await.unwrap(), 2);
    }
}
