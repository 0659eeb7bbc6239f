//! What a component writes to its standard streams: the beginning of it is kept, for the message about a crash, and the rest
//! is taken and forgotten. A component that writes without end uses up its own fuel, and nothing of the host.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use keyward_ecr::secret::{Secret, redact};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};
use zeroize::Zeroizing;

use crate::record::{Line, TracedStep};

/// How many bytes are kept, and how many of a component that was asked to say what it does.
const MAX_KEPT_BYTES: usize = 4 * 1024;
const MAX_KEPT_BYTES_OF_STEPS: usize = 16 * 1024;

/// How many characters of them a message repeats.
const MAX_SHOWN: usize = 500;

/// How long a secret is at least. One letter is in every text, and a setting as short as that is no secret.
const MIN_SECRET: usize = 4;

/// The same for steps, in which the component leaves secrets out by itself: keys such as `test`, which simulated services take, are in
/// the names of endpoints and profiles too. AWS has none that are as short.
const MIN_SECRET_IN_STEPS: usize = 8;

/// How many bytes a component may write in one call.
const MAX_WRITE_BYTES: usize = 64 * 1024;

/// The log of one lookup.
#[derive(Clone)]
pub(crate) struct Log {
    kept: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    /// How many bytes are kept.
    room: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { kept: Arc::default(), room: MAX_KEPT_BYTES }
    }
}

impl Log {
    /// A log in which the component says what it does.
    pub(crate) fn of_steps() -> Self {
        Self { room: MAX_KEPT_BYTES_OF_STEPS, ..Self::default() }
    }

    /// The steps that were written in a call that lasted for this long, without any of the secrets.
    pub(crate) fn steps(&self, secrets: &[&Secret], lasted: Duration) -> Vec<TracedStep> {
        let text = self.without(secrets, MIN_SECRET_IN_STEPS);
        // Not as a whole: a tab would not be left, nor the end of a line.
        let printable_fields = |line: &str| line.split('\t').map(printable).collect::<Vec<_>>().join("\t");
        let lines: Vec<String> = text.lines().map(printable_fields).collect();
        TracedStep::all(lines.iter().map(String::as_str), lasted)
    }

    /// The beginning of what was written, on one line and without any of the secrets. Steps are no part of it.
    pub(crate) fn shown<'a>(&self, secrets: impl Iterator<Item = &'a Secret>) -> String {
        let text = self.without(&secrets.collect::<Vec<_>>(), MIN_SECRET);
        let words: Vec<&str> =
            text.lines().filter(|line| Line::parse(line).is_none()).flat_map(str::split_whitespace).collect();
        printable(&words.join(" ")).chars().take(MAX_SHOWN).collect()
    }

    fn without(&self, secrets: &[&Secret], min: usize) -> Zeroizing<String> {
        let text = Zeroizing::new(String::from_utf8_lossy(&self.kept()).into_owned());
        let secrets: Vec<&Secret> = secrets.iter().copied().filter(|secret| secret.expose().len() >= min).collect();
        Zeroizing::new(redact(&text, &secrets))
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.kept();
        let room = self.room.saturating_sub(kept.len());
        if kept.capacity() == 0 {
            // At once, since a vector that grows leaves copies of what it held behind.
            kept.reserve_exact(self.room);
        }
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn kept(&self) -> MutexGuard<'_, Zeroizing<Vec<u8>>> {
        // Nothing panics while it holds the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many characters of a component's own message are passed on.
const MAX_MESSAGE: usize = 4_000;

/// A text of a component without the characters that a terminal would obey, or that turn the order of others around: what the
/// component repeats comes from files and from the network.
pub(crate) fn printable(text: &str) -> String {
    let is_obeyed = |sign: char| {
        sign.is_control() || matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|sign| if is_obeyed(sign) { ' ' } else { sign }).take(MAX_MESSAGE).collect()
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // For WASI 0.3, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_WRITE_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_kept_and_the_rest_forgotten() {
        let mut log = Log::default();
        for _ in 0..100 {
            log.write(Bytes::from(vec![b'x'; 1_000])).unwrap();
        }
        assert_eq!(log.kept().len(), MAX_KEPT_BYTES);
        assert_eq!(log.shown([].iter()).len(), MAX_SHOWN);
    }

    #[test]
    fn a_secret_in_it_is_not_shown() {
        let mut log = Log::default();
        log.write(Bytes::from_static(b"panicked at lib.rs:\n  hunter2 is\xe2\x80\xaewrong\n")).unwrap();
        let secrets = [Secret::new("hunter2".to_owned()), Secret::new("a".to_owned())];
        assert_eq!(log.shown(secrets.iter()), "panicked at lib.rs: [redacted] is wrong");
    }

    #[test]
    fn steps_are_told_without_secrets_and_are_no_part_of_what_a_crash_left() {
        let mut log = Log::of_steps();
        let written =
            b"asking\tprofile\t0\nsource\tprofile\tfailed\thunter22 is\x1b[1mwrong\t7\nsource\tlost\npanicked\n";
        log.write(Bytes::from_static(written)).unwrap();
        let secret = Secret::new("hunter22".to_owned());
        let steps = log.steps(&[&secret], Duration::ZERO);
        let [TracedStep::Source { name, detail, .. }] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((name.as_str(), detail.as_str()), ("profile", "[redacted] is [1mwrong"));
        assert_eq!(log.shown([secret].iter()), "source lost panicked");
    }

    #[test]
    fn keys_that_are_words_are_left_in_the_names_of_steps() {
        let mut log = Log::of_steps();
        log.write(Bytes::from_static(b"endpoint\tecr\thttps://test.example\tus-east-1\t\n")).unwrap();
        let steps = log.steps(&[&Secret::new("test".to_owned())], Duration::ZERO);
        let [TracedStep::Endpoint { url, .. }] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!(url, "https://test.example");
    }
}
