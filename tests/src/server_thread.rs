//! The thread and the runtime that a server has to itself.

use std::pin::pin;
use std::thread::{self, JoinHandle};

use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

/// A server that runs until this is dropped. Its tasks are those of a runtime of its own, so that
/// they are not counted with those of the code under test.
///
/// Dropping it ends every task of the server, and joins the thread: nothing of it is left once
/// `drop` returns.
pub(crate) struct ServerThread {
    name: &'static str,
    /// Dropping the sender is what tells the server to stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    /// The runtime of a server. It is made here rather than on the thread, so that a failure panics
    /// in the test, and so that the server can listen before its thread runs.
    #[track_caller]
    pub(crate) fn runtime() -> Runtime {
        runtime::Builder::new_current_thread().enable_all().build().expect("a server needs a tokio runtime")
    }

    /// Runs `serve`, and what it spawns, on `runtime`. The name is that of the thread.
    #[track_caller]
    pub(crate) fn start(
        name: &'static str,
        runtime: Runtime,
        serve: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            // The end of the closure drops the runtime, and with it every task.
            .spawn(move || {
                runtime.block_on(async {
                    let serve = pin!(serve);
                    tokio::select! {
                        () = serve => {}
                        _ = stopped => {}
                    }
                });
            })
            .expect("a server needs a thread");
        Self { name, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A second panic while the first unwinds would abort the test and hide its message.
        if thread.join().is_err() && !thread::panicking() {
            panic!("the thread {} panicked; its message is above", self.name);
        }
    }
}
