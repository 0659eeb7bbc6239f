//! The thread that has to do with the cache's files.
//!
//! The cache is in the home, and the home may be on a network mount that is dead: a call to the system that touches it comes back when
//! the mount does, and nothing ends it before. So all such calls are made here, one after the other, by one thread, and whoever wants
//! something of it waits for as long as it likes to and then does without. The thread is not waited for when the command ends, which is
//! why that is by `process::exit`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Has jobs done, in the order in which they come. Clones have them done by the same thread.
#[derive(Clone, Debug)]
pub(super) struct Clerk {
    jobs: mpsc::Sender<Job>,
    /// Whether somebody has waited for it in vain: nobody does again.
    is_stuck: Arc<AtomicBool>,
}

impl Clerk {
    /// `None` where no thread is to be had.
    pub(super) fn start() -> Option<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let work = move || jobs.into_iter().for_each(|job| job());
        thread::Builder::new().name("keyward-cache".to_owned()).spawn(work).ok()?;
        Some(Self { jobs: sender, is_stuck: Arc::default() })
    }

    /// What comes of a job; `None` where it takes longer than `patience`, and from then on.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self.is_stuck() {
            return None;
        }
        let (sender, result) = mpsc::sync_channel(1);
        // Where nobody waits any more, the result is dropped on the clerk's thread: it may be a lock, whose end is a job too.
        self.tell(move || drop(sender.send(job())));
        self.noted(result.recv_timeout(patience).ok())
    }

    /// As [`ask`](Self::ask), for a task.
    pub(super) async fn ask_from_task<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self.is_stuck() {
            return None;
        }
        let (sender, result) = oneshot::channel();
        self.tell(move || drop(sender.send(job())));
        self.noted(tokio::time::timeout(patience, result).await.ok().and_then(Result::ok))
    }

    /// Has a job done, some time.
    pub(super) fn tell(&self, job: impl FnOnce() + Send + 'static) {
        // Where the thread is gone, it has panicked, and the job is dropped: whoever waits for it hears that.
        let _ = self.jobs.send(Box::new(job));
    }

    fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    fn noted<T>(&self, result: Option<T>) -> Option<T> {
        if result.is_none() {
            self.is_stuck.store(true, Ordering::Relaxed);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_job_that_hangs_is_left_alone_and_what_comes_of_it_late_is_dropped_by_the_clerk() {
        struct Lock(mpsc::Sender<Option<String>>);
        impl Drop for Lock {
            fn drop(&mut self) {
                self.0.send(thread::current().name().map(str::to_owned)).unwrap();
            }
        }
        let clerk = Clerk::start().unwrap();
        let (answer, mount) = mpsc::channel::<()>();
        let (sender, dropped) = mpsc::channel();
        let hanging = move || {
            let _ = mount.recv();
            Lock(sender)
        };
        assert!(clerk.ask(Duration::from_millis(5), hanging).is_none());
        assert!(clerk.ask(LONG, || ()).is_none(), "nobody waits for it again");
        drop(answer);
        assert_eq!(dropped.recv().unwrap().as_deref(), Some("keyward-cache"));
    }

    #[tokio::test]
    async fn a_clerk_that_is_gone_is_not_waited_for() {
        let clerk = Clerk::start().unwrap();
        let other = Clerk { is_stuck: Arc::default(), ..clerk.clone() };
        assert!(clerk.ask_from_task(LONG, || -> u8 { panic!("on purpose") }).await.is_none());
        // To whoever has not heard of it, the job itself says it.
        assert!(other.ask(LONG, || ()).is_none());
    }
}
