//! A small HTTPS client that looks at bytes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_testbed::{Authority, FaultServer};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 2\r\n\r\n{}";

/// The names by which a server is asked for its certificate. By address, it is asked for none.
pub(crate) const SERVER_NAMES: [&str; 2] = ["127.0.0.1", "api.ecr.eu-central-1.amazonaws.com"];

/// How long nothing has to happen for a test to conclude that nothing will.
const QUIET: Duration = Duration::from_millis(100);

/// Connects with TLS, trusting the server's authority.
pub(crate) async fn connect(server: &FaultServer) -> io::Result<TlsStream<TcpStream>> {
    connect_as(server, SERVER_NAMES[0]).await
}

/// [`connect`], asking for a certificate for this name.
pub(crate) async fn connect_as(server: &FaultServer, name: &'static str) -> io::Result<TlsStream<TcpStream>> {
    connect_over(TcpStream::connect(server.address()).await?, server.authority(), name).await
}

/// Does the handshake of TLS, trusting one authority.
pub(crate) async fn connect_over<Stream: AsyncRead + AsyncWrite + Unpin>(
    stream: Stream,
    authority: &Authority,
    name: &'static str,
) -> io::Result<TlsStream<Stream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// Connects and sends a request.
pub(crate) async fn request(server: &FaultServer) -> TlsStream<TcpStream> {
    let mut stream = connect(server).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    stream
}

/// Reads the head of an answer, and nothing after it.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Reads so many bytes, as text.
pub(crate) async fn read_text(stream: &mut (impl AsyncRead + Unpin), length: usize) -> String {
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// The value of a header of a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in {head:?}"))
}

pub(crate) fn content_length(head: &str) -> usize {
    header(head, "content-length").parse().unwrap()
}

/// Asserts that nothing comes, and that the connection stays open.
pub(crate) async fn assert_silent(stream: &mut (impl AsyncRead + Unpin)) {
    let read = stream.read_u8();
    assert!(is_pending(read).await, "something came");
}

/// Whether something goes on for longer than it would if it ever ended.
pub(crate) async fn is_pending(future: impl Future) -> bool {
    tokio::time::timeout(QUIET, future).await.is_err()
}

/// Waits until the server has closed the connections that its clients have closed.
pub(crate) async fn all_closed(server: &FaultServer) {
    server.wait_until_async("every connection is closed", |server| server.connections_open() == 0).await;
}
