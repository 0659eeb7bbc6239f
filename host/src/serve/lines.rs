//! Lines over a connection, in both directions.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::io::Interest;
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// How much is read at once, and for how much there is room from the beginning: a vector that grows leaves copies behind.
const CHUNK: usize = 8192;

/// A connection.
pub(crate) struct Lines {
    stream: UnixStream,
    /// What was received and is not a whole line yet. It may be part of a credential.
    received: Zeroizing<Vec<u8>>,
}

/// There is no line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error(transparent)]
    Failed(#[from] io::Error),
    #[error("the line is longer than {0} bytes")]
    TooLong(usize),
}

impl Lines {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, received: Zeroizing::new(Vec::with_capacity(CHUNK)) }
    }

    /// The next line, without its end; `None` where there is none any more. What is left without an end is the last one. Nothing is lost when
    /// this is dropped.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, LineError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.received[searched..].iter().position(|byte| *byte == b'\n') {
                let end = searched + end;
                let line = Zeroizing::new(self.received[..end].to_vec());
                self.received.drain(..=end);
                return if end > limit { Err(LineError::TooLong(limit)) } else { Ok(Some(line)) };
            }
            searched = self.received.len();
            if searched > limit {
                return Err(LineError::TooLong(limit));
            }
            if self.receive().await? == 0 {
                let rest = std::mem::take(&mut self.received);
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
        }
    }

    /// Whether a line has begun.
    pub(crate) fn has_begun(&self) -> bool {
        !self.received.is_empty()
    }

    pub(crate) async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the other side has closed the connection. Whoever says no more, and still listens, has not. It ends where that cannot be
    /// watched.
    pub(crate) async fn hung_up(&self) -> io::Result<()> {
        // On a descriptor of its own, since that it can be written to is no news here, and would be taken note of for nobody else.
        let watched = StdUnixStream::from(self.stream.as_fd().try_clone_to_owned()?);
        let watched = UnixStream::from_std(watched)?;
        while !watched.ready(Interest::WRITABLE).await?.is_write_closed() {
            let no_news = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = watched.try_io(Interest::WRITABLE, no_news);
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<usize> {
        let mut chunk = Zeroizing::new([0; CHUNK]);
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut *chunk) {
                Ok(read) => {
                    self.received.extend_from_slice(&chunk[..read]);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn pair() -> (Lines, Lines) {
        let (one, other) = UnixStream::pair().unwrap();
        (Lines::new(one), Lines::new(other))
    }

    async fn next(lines: &mut Lines, limit: usize) -> Option<String> {
        let line = lines.next(limit).await.unwrap();
        line.map(|line| String::from_utf8(line.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_the_last_needs_no_end() {
        let (one, mut other) = pair();
        one.send(b"a\n\nbcd\ne").await.unwrap();
        drop(one);
        for line in ["a", "", "bcd", "e"] {
            assert_eq!(next(&mut other, 3).await.as_deref(), Some(line));
        }
        assert_eq!(next(&mut other, 3).await, None);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_an_error_with_its_end_and_without() {
        for text in ["abcd\n", "abcd"] {
            let (one, mut other) = pair();
            one.send(text.as_bytes()).await.unwrap();
            assert!(matches!(other.next(3).await, Err(LineError::TooLong(3))), "{text}");
        }
    }

    #[tokio::test]
    async fn who_says_no_more_has_not_hung_up_and_an_answer_is_still_sent() {
        let (one, mut other) = pair();
        assert!(other.hung_up().now_or_never().is_none());
        let one = one.stream.into_std().unwrap();
        one.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(next(&mut other, 3).await, None);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), other.hung_up()).await.is_err());
        other.send(b"still here\n").await.unwrap();
        drop(one);
        other.hung_up().await.unwrap();
    }
}
