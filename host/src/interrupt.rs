//! What ends the command while it waits, besides the deadline: a signal, and that nobody is there any more to read the
//! answer. A helper whose caller was killed would otherwise wait on for its deadline.

use std::fmt;
use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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
    Ok(tokio::select! {
        signal = signalled() => signal?,
        () = system::output_closed() => Interruption::OutputClosed,
        () = system::parent_gone() => Interruption::ParentGone,
    })
}

/// Waits for one of the signals alone.
pub(crate) async fn signalled() -> io::Result<Interruption> {
    Ok(Signals::new()?.next().await)
}

/// The signals, from now on: none is missed between two of them. `None` for one that was ignored when the command began, as `nohup` and shells
/// have it for what they put into the background.
pub(crate) struct Signals {
    interrupt: Option<Signal>,
    termination: Option<Signal>,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let listen = |kind| if system::is_ignored(kind) { Ok(None) } else { signal(kind).map(Some) };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, termination: listen(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) -> Interruption {
        tokio::select! {
            () = received(&mut self.interrupt) => Interruption::Interrupt,
            () = received(&mut self.termination) => Interruption::Termination,
        }
    }
}

async fn received(signals: &mut Option<Signal>) {
    match signals {
        // It has no end as long as the runtime has none.
        Some(signals) => drop(signals.recv().await),
        None => pending().await,
    }
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
    use tokio::signal::unix::SignalKind;

    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that are closed while they are watched; these are owned"
    )]
    fn watch<T: AsRawFd>(owned: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::with_interest(owned, interest)
    }

    /// Whether the process was told to ignore a signal, by whoever began it: /proc says so, and a handler would undo it. Of a
    /// signal that has its handler already, it says no.
    pub(super) fn is_ignored(kind: SignalKind) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored =
            status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        let bit = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|shift| 1_u64.checked_shl(shift));
        ignored.unwrap_or_default() & bit.unwrap_or_default() != 0
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
    use tokio::signal::unix::SignalKind;

    pub(super) fn is_ignored(_kind: SignalKind) -> bool {
        false
    }

    pub(super) async fn output_closed() {
        pending().await
    }

    pub(super) async fn parent_gone() {
        pending().await
    }
}
