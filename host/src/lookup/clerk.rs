//! The thread that has to do with the cache's files.
//!
//! The cache is in the home, and the home may be on a network mount that is dead: a call to the system that touches it comes back when
//! the mount does, and nothing ends it before. So all such calls are made here, one after the other, by one thread, and whoever wants
//! something of it waits for as long as it likes to and then does without. The thread is not waited for when the command ends, which is
//! why that is by `process::exit`.

use std::mem;
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
        let (sender, result) = mpsc::sync_channel(1);
        let is_taken = self.take(job, move |done| drop(sender.send(done)));
        self.noted(if is_taken { result.recv_timeout(patience).ok() } else { None })
    }

    /// As [`ask`](Self::ask), for a task.
    pub(super) async fn ask_from_task<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, result) = oneshot::channel();
        if !self.take(job, move |done| drop(sender.send(done))) {
            return self.noted(None);
        }
        self.noted(tokio::time::timeout(patience, result).await.ok().and_then(Result::ok))
    }

    /// Takes a job whose result somebody waits for; false where it is not done in time, and then it is not done at all. Where nobody waits
    /// any more, the result is dropped on the clerk's thread: it may be a lock, whose end is a job too.
    fn take<T>(&self, job: impl FnOnce() -> T + Send + 'static, deliver: impl FnOnce(T) + Send + 'static) -> bool {
        if self.is_stuck.load(Ordering::Relaxed) {
            self.tell(move || drop(job));
            return false;
        }
        self.tell(move || deliver(job()))
    }

    /// Has a job done, some time; false where the thread is gone, since it has panicked. What a job holds is never dropped by the
    /// caller: it may be a lock, whose end touches the disk as well. Where nobody is left to drop it, it stays until the command ends.
    pub(super) fn tell(&self, job: impl FnOnce() + Send + 'static) -> bool {
        match self.jobs.send(Box::new(job)) {
            Ok(()) => true,
            Err(mpsc::SendError(job)) => {
                mem::forget(job);
                false
            }
        }
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

    /// Says which thread has dropped it.
    struct Lock(mpsc::Sender<Option<String>>);

    impl Drop for Lock {
        fn drop(&mut self) {
            self.0.send(thread::current().name().map(str::to_owned)).unwrap();
        }
    }

    #[test]
    fn a_job_that_hangs_is_left_alone_and_what_comes_of_it_late_is_dropped_by_the_clerk() {
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
    async fn a_job_that_comes_after_one_that_hangs_is_dropped_by_the_clerk_and_never_by_the_caller() {
        let clerk = Clerk::start().unwrap();
        let (answer, mount) = mpsc::channel::<()>();
        assert!(clerk.ask(Duration::from_millis(5), move || mount.recv().is_ok()).is_none());
        let (sender, dropped) = mpsc::channel();
        let job = || {
            let held = Lock(sender.clone());
            move || drop(held)
        };
        assert!(clerk.ask(LONG, job()).is_none());
        assert!(clerk.ask_from_task(LONG, job()).await.is_none());
        assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(answer);
        for _ in 0..2 {
            assert_eq!(dropped.recv().unwrap().as_deref(), Some("keyward-cache"));
        }
    }

    #[tokio::test]
    async fn a_clerk_that_is_gone_is_not_waited_for() {
        let clerk = Clerk::start().unwrap();
        let other = Clerk { is_stuck: Arc::default(), ..clerk.clone() };
        assert!(clerk.ask_from_task(LONG, || -> u8 { panic!("on purpose") }).await.is_none());
        // Its end is heard of before it has come to it.
        while other.tell(|| ()) {
            thread::yield_now();
        }
        // Whoever has not heard of it does when there is nobody to be told. What the job holds stays where it is.
        let (sender, dropped) = mpsc::channel();
        let (held, another) = (Lock(sender.clone()), Lock(sender));
        assert!(other.ask(LONG, move || drop(held)).is_none());
        assert!(other.ask_from_task(LONG, move || drop(another)).await.is_none());
        assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Empty));
    }
}
