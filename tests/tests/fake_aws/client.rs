//! A small HTTPS client that signs with AWS's signer, and lets a test spoil what it sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use keyward_testbed::{AccessKeys, FakeAws};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const PRIVATE: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
pub(crate) const PUBLIC: &str = "SpencerFrontendService.GetAuthorizationToken";
pub(crate) const JSON: &str = "application/x-amz-json-1.1";

/// What is to be signed, and how.
pub(crate) struct Call {
    pub(crate) keys: AccessKeys,
    pub(crate) target: &'static str,
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) host: &'static str,
    pub(crate) body: &'static str,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            keys: AccessKeys::default(),
            target: PRIVATE,
            service: "ecr",
            region: "eu-central-1",
            host: "api.ecr.eu-central-1.amazonaws.com",
            body: "{}",
        }
    }
}

impl Call {
    /// A call of ECR Public.
    pub(crate) fn public() -> Self {
        Self {
            target: PUBLIC,
            service: "ecr-public",
            region: "us-east-1",
            host: "api.ecr-public.us-east-1.amazonaws.com",
            ..Self::default()
        }
    }

    /// The request, rightly signed.
    pub(crate) fn sign(&self) -> Request<Full<Bytes>> {
        let request = Request::post("/")
            .header("host", self.host)
            .header("content-type", JSON)
            .header("x-amz-target", self.target)
            .body(Full::from(self.body))
            .unwrap();
        sign_with(request, self.body, &self.keys, (self.region, self.service))
    }
}

/// A request of the query protocol of AWS.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) keys: AccessKeys,
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) host: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Form {
    /// `action` of STS, for a session `session` of this role.
    pub(crate) fn sts(action: &str, role_arn: &str) -> Self {
        let form = Self {
            keys: AccessKeys::default(),
            service: "sts",
            region: "eu-central-1",
            host: "sts.eu-central-1.amazonaws.com",
            content_type: "application/x-www-form-urlencoded",
            parameters: Vec::new(),
        };
        form.with("Action", action)
            .with("Version", "2011-06-15")
            .with("RoleArn", role_arn)
            .with("RoleSessionName", "session")
    }

    /// The same request with another value of this parameter.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut form = self.without(name);
        form.parameters.push((name.to_owned(), value.to_owned()));
        form
    }

    /// The same request without this parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self
    }

    /// The request, rightly signed.
    pub(crate) fn sign(&self) -> Request<Full<Bytes>> {
        sign_with(self.unsigned(), &self.body(), &self.keys, (self.region, self.service))
    }

    /// The request, not signed.
    pub(crate) fn unsigned(&self) -> Request<Full<Bytes>> {
        Request::post("/")
            .header("host", self.host)
            .header("content-type", self.content_type)
            .body(Full::from(self.body()))
            .unwrap()
    }

    /// Every byte is escaped, which is a way to write it too.
    fn body(&self) -> String {
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs = self.parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Signs a request whose body this is, for a region and a service.
fn sign_with(
    mut request: Request<Full<Bytes>>,
    body: &str,
    keys: &AccessKeys,
    (region, service): (&str, &str),
) -> Request<Full<Bytes>> {
    let session_token = keys.session_token.clone();
    let identity = Credentials::new(&keys.access_key_id, &keys.secret_access_key, session_token, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let host = request.headers()["host"].to_str().unwrap();
    let signable = SignableRequest::new(
        request.method().as_str(),
        format!("https://{host}/"),
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())),
        SignableBody::Bytes(body.as_bytes()),
    )
    .unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

/// One connection to the fake.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    /// Connects, and asks for a certificate of this name or, if it is an address, for none.
    pub(crate) async fn connect(fake: &FakeAws, server_name: &'static str) -> Self {
        let stream = connect_tls(fake.address(), fake.authority().ca_pem(), server_name).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request and returns the head of the answer.
    pub(crate) async fn begin(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.0.send_request(request).await
    }

    /// Sends a request and returns all of the answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Reply {
        let (head, body) = self.begin(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name| Some(head.headers.get(name)?.to_str().unwrap().to_owned());
        Reply {
            status: head.status.as_u16(),
            content_type: header("content-type"),
            request_id: header("x-amzn-requestid"),
            error_type: header("x-amzn-errortype"),
            text: String::from_utf8(body.to_vec()).unwrap(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }
}

/// An answer of the fake.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) error_type: Option<String>,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The text of the one XML element of this name.
    pub(crate) fn element(&self, name: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        rest.split_once(&format!("</{name}>")).unwrap().0
    }

    /// The access keys of an answer of STS.
    pub(crate) fn keys(&self) -> AccessKeys {
        AccessKeys::new(self.element("AccessKeyId"), self.element("SecretAccessKey"))
            .with_session_token(self.element("SessionToken"))
    }

    /// The code of an AWS error.
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or("(no error)")
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(fake: &FakeAws, request: Request<Full<Bytes>>) -> Reply {
    Client::connect(fake, "127.0.0.1").await.send(request).await
}

/// Connects with TLS, trusting one authority.
pub(crate) async fn connect_tls(
    address: SocketAddr,
    ca_pem: &str,
    server_name: &'static str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(server_name).unwrap(), stream).await
}
