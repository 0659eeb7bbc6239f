//! Reading requests byte for byte, for servers that answer what no HTTP library would.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a head may be. A longer one is a client's mistake, and must not fill the memory.
const HEAD_LIMIT: usize = 64 * 1024;

/// How much is read at once.
const PIECE: usize = 1024;

/// Reads the requests of one connection. A body's length is what `content-length` says; the
/// chunked coding is not understood.
#[derive(Default)]
pub(crate) struct RequestReader {
    /// What was read and not yet used.
    read: Vec<u8>,
}

impl RequestReader {
    /// Reads a head to its end.
    pub(crate) async fn head(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<RequestHead> {
        loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let rest = self.read.split_off(end + 4);
                let bytes = std::mem::replace(&mut self.read, rest);
                return Ok(RequestHead { text: String::from_utf8_lossy(&bytes).into_owned(), bytes });
            }
            if self.read.len() > HEAD_LIMIT {
                return Err(io::Error::other("the head of the request is too long"));
            }
            self.read_piece(stream).await?;
        }
    }

    /// Reads a body of this length, and passes it on.
    pub(crate) async fn pass_body(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        mut length: usize,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        while length > 0 {
            if self.read.is_empty() {
                self.read_piece(stream).await?;
            }
            let rest = self.read.split_off(length.min(self.read.len()));
            let piece = std::mem::replace(&mut self.read, rest);
            to.write_all(&piece).await?;
            length -= piece.len();
        }
        to.flush().await
    }

    /// Reads ahead until the client closes the connection, or has sent more than it would without
    /// an answer.
    pub(crate) async fn read_until_closed(&mut self, stream: &mut (impl AsyncRead + Unpin)) {
        while self.read.len() < HEAD_LIMIT {
            if self.read_piece(stream).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// What was read ahead.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.read
    }

    async fn read_piece(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.read.reserve(PIECE);
        match stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The head of a request.
pub(crate) struct RequestHead {
    bytes: Vec<u8>,
    text: String,
}

impl RequestHead {
    /// Exactly what was received, with the empty line that ends it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn method(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// What stands between the method and the version.
    pub(crate) fn target(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header, of several with this name the first. `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn content_length(&self) -> usize {
        self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}
