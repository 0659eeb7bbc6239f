//! A plain client of Amazon ECR: hyper, rustls and a signature by the same code as the component's, run natively. It is the least that
//! any program has to do for a token.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::http::HeaderMap;
use hyper::http::{HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use keyward_ecr::credentials::Credentials;
use keyward_ecr::sigv4::{self, PathStyle, Scope, SignableRequest};
use keyward_ecr::time::Timestamp;
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const API: &str = "api.ecr.us-east-1.amazonaws.com";
const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

/// The headers of a request that is signed, of which no byte needs another signature for some minutes.
#[derive(Clone)]
pub(crate) struct Signed(HeaderMap);

impl Signed {
    pub(crate) fn now() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs();
        let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let headers = [("host", API), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", TARGET)];
        let signable = SignableRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: b"{}",
            path_style: PathStyle::Normalized,
        };
        let scope = Scope { time: Timestamp { seconds: now }, region: "us-east-1", service: "ecr" };
        let signed = sigv4::sign(&signable, &credentials, &scope);
        let all = headers.iter().copied().chain(signed.iter().map(|(name, value)| (&**name, &**value)));
        let header = |(name, value): (&str, &str)| {
            (HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"))
        };
        Self(all.map(header).collect())
    }
}

/// A connection that is open.
pub(crate) struct PlainClient(SendRequest<Full<Bytes>>);

impl PlainClient {
    /// Connects as every client of its kind does: with connections of one set-up, which resume each other's sessions.
    pub(crate) async fn connect(tls: &TlsConnector, address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.expect("the fake listens");
        tcp.set_nodelay(true).expect("a socket");
        let name = ServerName::try_from(API).expect("a name");
        let tls = tls.connect(name, tcp).await.expect("the fake's certificate");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request and reads all of the answer.
    pub(crate) async fn ask(&mut self, signed: Signed) {
        let mut request = Request::new(Full::from("{}"));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = signed.0;
        let response = self.0.send_request(request).await.expect("the fake answers");
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.expect("the fake answers");
    }
}

/// The set-up of connections to servers of this authority.
pub(crate) fn connector(ca_file: &Path) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(ca_file).expect("the fake wrote it");
    roots.add(certificate).expect("a certificate of an authority");
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
