//! What a person sees of lookups that take long: one line, for as long as they take, on a terminal and nowhere else.

use std::convert::Infallible;
use std::env;
use std::future::pending;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use keyward::Trace;
use tokio::time::sleep;

/// Before that, nobody asks what the command is doing.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a text stands.
const REFRESH: Duration = Duration::from_millis(500);

/// How long a terminal has to take the end of the line: one that somebody has stopped holds up nothing.
const ERASURE: Duration = Duration::from_millis(100);

/// The width of a terminal that does not say it.
const USUAL_WIDTH: usize = 80;

/// Shows what lookups that have had their time since `begin` are waiting for, until it is dropped; where the standard error stream is no
/// terminal, or one that cannot take a line back, nothing. `queued` says how many of them wait for another process.
pub(crate) async fn show(
    traces: &[Trace],
    queued: impl Fn() -> usize,
    begin: Instant,
    deadline: Duration,
) -> Infallible {
    if !io::stderr().is_terminal() || env::var_os("TERM").is_some_and(|name| name == "dumb") {
        return pending().await;
    }
    sleep(PATIENCE.saturating_sub(begin.elapsed())).await;
    let Ok(line) = Line::new() else { return pending().await };
    loop {
        let waiting = traces.iter().filter_map(Trace::waiting_for);
        let waiting: Vec<Awaited> = waiting.map(|waiting| (waiting.elapsed, waiting.to_string())).collect();
        line.put(text(&waiting, queued(), deadline.saturating_sub(begin.elapsed()), deadline, width()));
        sleep(REFRESH).await;
    }
}

/// For how long something has been waited for, and for what.
type Awaited = (Duration, String);

/// One line: the lookup that has waited longest, how many others wait, and how much of the deadline is left. It is shorter than the
/// terminal is wide, since only one line can be taken back.
fn text(waiting: &[Awaited], queued: usize, left: Duration, deadline: Duration, width: usize) -> String {
    let what = match waiting.iter().max() {
        None if queued > 0 => "waiting for another process that asks for the same".to_owned(),
        None => "looking up".to_owned(),
        Some((_, longest)) => format!("waiting for {longest}"),
    };
    let others = match waiting.len() + queued {
        0 | 1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let left = format!("{others}, {:.1} s of {} s left", left.as_secs_f64(), deadline.as_secs_f64());
    let room = width.saturating_sub(1 + left.chars().count());
    // It may be the name of a file, and those may have anything in them.
    let mut what: String = what.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if what.chars().count() > room {
        what = what.chars().take(room.saturating_sub(1)).chain(['…']).collect();
    }
    format!("{what}{left}")
}

/// Whether this process may write to the terminal without being stopped: the terminal can be told to stop others than those in its
/// foreground (`stty tostop`), and a shell may put a command into the background at any time.
fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stderr()).is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).map(|size| usize::from(size.ws_col));
    size.ok().filter(|width| *width > 0).unwrap_or(USUAL_WIDTH)
}

/// The line on the terminal. A thread writes it: a terminal that takes nothing, since somebody has typed Control-S, would hold up the
/// lookups with their deadlines otherwise. Dropped, the line is erased.
struct Line {
    /// `None` when nothing comes any more.
    texts: Option<SyncSender<String>>,
    /// Ends when the line is erased.
    erased: Receiver<Infallible>,
}

impl Line {
    fn new() -> io::Result<Self> {
        let (texts, to_write) = mpsc::sync_channel(1);
        let (writer, erased) = mpsc::channel();
        thread::Builder::new().name("progress".to_owned()).spawn(move || {
            // What cannot be written is not missed.
            let _ = write(&to_write);
            drop(writer);
        })?;
        Ok(Self { texts: Some(texts), erased })
    }

    /// Puts a text in the place of the one before; where that one is not even written, this one is forgotten.
    fn put(&self, text: String) {
        let _ = self.texts.as_ref().map(|texts| texts.try_send(text));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.texts.take());
        let _ = self.erased.recv_timeout(ERASURE);
    }
}

fn write(texts: &Receiver<String>) -> io::Result<()> {
    let mut is_shown = false;
    while let Ok(text) = texts.recv() {
        if is_in_foreground() {
            // To the begin of the line, and behind the text, clear what is left of the longer one before.
            io::stderr().write_all(format!("\r{text}\x1b[K").as_bytes())?;
            is_shown = true;
        }
    }
    if is_shown && is_in_foreground() {
        io::stderr().write_all(b"\r\x1b[K")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(5);

    fn waiting(destination: &str, seconds: u64) -> Awaited {
        (Duration::from_secs(seconds), format!("the answer of {destination}"))
    }

    #[test]
    fn it_says_what_is_waited_for_and_how_much_of_the_deadline_is_left() {
        let left = Duration::from_millis(3249);
        assert_eq!(
            text(&[waiting("https://e.example", 1)], 0, left, DEADLINE, 80),
            "waiting for the answer of https://e.example, 3.2 s of 5 s left"
        );
        assert_eq!(text(&[], 0, left, Duration::from_millis(2500), 80), "looking up, 3.2 s of 2.5 s left");
    }

    #[test]
    fn of_several_lookups_it_says_the_one_that_has_waited_longest() {
        let several = [waiting("https://a", 1), waiting("https://b", 3), waiting("https://c", 2)];
        assert_eq!(
            text(&several, 0, Duration::ZERO, DEADLINE, 80),
            "waiting for the answer of https://b (and 2 more), 0.0 s of 5 s left"
        );
    }

    #[test]
    fn a_lookup_that_waits_for_another_process_says_that() {
        let shown = |waiting: &[Awaited], queued| text(waiting, queued, Duration::ZERO, DEADLINE, 100);
        assert_eq!(shown(&[], 1), "waiting for another process that asks for the same, 0.0 s of 5 s left");
        assert_eq!(shown(&[], 2), "waiting for another process that asks for the same (and 1 more), 0.0 s of 5 s left");
        assert_eq!(
            shown(&[waiting("https://a", 1)], 1),
            "waiting for the answer of https://a (and 1 more), 0.0 s of 5 s left"
        );
    }

    #[test]
    fn it_fits_on_the_terminal_and_nothing_in_it_is_obeyed() {
        let long = [waiting("https://a-long-name.example\x1b[2J", 1)];
        let shown = text(&long, 0, Duration::ZERO, DEADLINE, 40);
        assert_eq!(shown, "waiting for the ans…, 0.0 s of 5 s left");
        assert!(text(&long, 0, Duration::ZERO, DEADLINE, 1).chars().count() < 30);
        assert!(!text(&long, 0, Duration::ZERO, DEADLINE, 200).contains('\x1b'));
    }
}
