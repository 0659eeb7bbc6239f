//! A small HTTP client without TLS.

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use keyward_testbed::{AccessKeys, FakeMetadata};
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) const TOKEN: &str = "/latest/api/token";
pub(crate) const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
pub(crate) const LIFETIME_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
pub(crate) const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// Connects, and sends requests as hyper has them.
pub(crate) async fn connect(fake: &FakeMetadata) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(fake.address()).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Sends one request on a connection of its own. There is an error if no answer came.
pub(crate) async fn try_send(
    fake: &FakeMetadata,
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
) -> hyper::Result<Reply> {
    let (head, body) = connect(fake).await.send_request(request(method, path, headers)).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

/// [`try_send`] of a request that is answered.
pub(crate) async fn send(fake: &FakeMetadata, method: &str, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    try_send(fake, method, path, headers).await.unwrap()
}

/// A session token, as long-lived as may be.
pub(crate) async fn token(fake: &FakeMetadata) -> String {
    let reply = send(fake, "PUT", TOKEN, &[(LIFETIME_HEADER, "21600")]).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&'static str, &str)]) -> Request<Empty<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "169.254.169.254");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Empty::new()).unwrap()
}

/// Temporary keys that no fake knows by itself.
pub(crate) fn keys() -> AccessKeys {
    AccessKeys::new("ASIAMETADATA", "metadata-secret").with_session_token("metadata-session")
}

/// An answer of the fake.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }
}
