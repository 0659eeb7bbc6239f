//! What ends the command while it waits, besides the deadline: a signal, and that nobody is there any more to read the
//! answer. A helper whose caller was killed would otherwise wait on for its deadline.

use std::fmt;
use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// What ended the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Nobody reads the standard output.
    OutputClosed,
    /// The process that has called the command is gone.
    ParentGone,
    /// SIGINT: somebody has typed Control-C.
    Interrupt,
    /// SIGTERM.
    Termination,
}

impl fmt::Display for Interruption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Interrupt => "interrupted (SIGINT)",
            Self::OutputClosed => "nobody reads the standard output any more",
            Self::ParentGone => "the process that called this command is gone",
            Self::Termination => "terminated (SIGTERM)",
        })
    }
}

/// Waits for the first of them.
pub(crate) async fn interrupted() -> io::Result<Interruption> {
    let (mut interrupt, mut termination) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(tokio::select! {
        Some(()) = interrupt.recv() => Interruption::Interrupt,
        Some(()) = termination.recv() => Interruption::Termination,
        () = system::output_closed() => Interruption::OutputClosed,
        () = system::parent_gone() => Interruption::ParentGone,
        else => pending().await,
    })
}

/// The two that only Linux tells without a thread that polls. What cannot be watched (a file as the output, a parent in another
/// process namespace) is waited for without end.
#[cfg(target_os = "linux")]
mod system {
    use super::pending;
    use std::io;
    use std::os::fd::AsRawFd;

    use rustix::process::{PidfdFlags, getppid, pidfd_open};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that are closed while they are watched; these are owned"
    )]
    fn watch<T: AsRawFd>(owned: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::with_interest(owned, interest)
    }

    pub(super) async fn output_closed() {
        // When its other end is closed, a pipe reports an error, and a socket that it cannot be written to. A file cannot be
        // watched, and has no other end.
        const WANTED: Interest = Interest::ERROR.add(Interest::WRITABLE);
        if let Ok(output) = watch(io::stdout(), WANTED) {
            while let Ok(mut guard) = output.ready(WANTED).await {
                if guard.ready().is_error() || guard.ready().is_write_closed() {
                    return;
                }
                // That it can be written to is no news: wait for the next change.
                guard.clear_ready();
            }
        }
        pending().await
    }

    /// A descriptor of the parent, and not the signal for its death (PR_SET_PDEATHSIG): that one comes also when the thread ends
    /// that has called the command, which in callers with a pool of threads means nothing.
    pub(super) async fn parent_gone() {
        if let Some(parent) = getppid() {
            let descriptor = pidfd_open(parent, PidfdFlags::empty());
            // Between the two calls the parent may have ended, and its number may be another process's.
            if getppid() != Some(parent) {
                return;
            }
            if let Some(parent) = descriptor.ok().and_then(|parent| watch(parent, Interest::READABLE).ok())
                && parent.readable().await.is_ok()
            {
                return;
            }
        }
        pending().await
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::pending;

    pub(super) async fn output_closed() {
        pending().await
    }

    pub(super) async fn parent_gone() {
        pending().await
    }
}
