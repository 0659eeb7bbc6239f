//! A client of registries, one connection for each request.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::request::Builder;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// An answer with all of its body.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the answer is text")
    }

    /// The code of the distribution API's error.
    pub(crate) fn code(&self) -> String {
        let errors: Value = serde_json::from_slice(&self.body).expect("the answer is JSON");
        assert!(errors["errors"][0]["message"].is_string(), "{errors}");
        errors["errors"][0]["code"].as_str().expect("an error has a code").to_owned()
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answered {
    send(address, Request::get(path)).await
}

/// Sends a request without a body.
pub(crate) async fn send(address: SocketAddr, request: Builder) -> Answered {
    try_send(address, request).await.expect("the proxy answers")
}

/// As `send`, for an answer that may break off.
pub(crate) async fn try_send(address: SocketAddr, request: Builder) -> Result<Answered, hyper::Error> {
    let stream = TcpStream::connect(address).await.expect("the proxy listens");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = request.header(HOST, address.to_string()).header(CONNECTION, "close");
    let asking = async {
        let (head, body) = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await?.into_parts();
        Ok(Answered { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    };
    let (answered, _) = tokio::join!(asking, connection);
    answered
}

/// The bytes of a request, for those who hang up on its answer.
pub(crate) fn request(method: &Method, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: proxy\r\n\r\n").into_bytes()
}
