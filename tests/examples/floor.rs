//! The least that a credential helper of docker has to do for ECR, as `scripts/bench-cli` compares with: one request by
//! hyper and rustls, signed by AWS's own signer, and nothing else. No cache, no retries, no other source of credentials
//! than the two variables, no limits, no sandbox.

use std::env;
use std::error::Error;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const BODY: &str = "{}";

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() != Some("get") {
        return Err("usage: floor get, with a registry's address on the standard input".into());
    }
    let registry = io::read_to_string(io::stdin())?;
    let region = registry.trim().split('.').nth(3).ok_or("this is no registry of ECR")?.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let token = runtime.block_on(ask(&format!("api.ecr.{region}.amazonaws.com"), &region))?;
    let (user, password) = token.split_once(':').ok_or("the token is no user and password")?;
    println!("{}", json!({ "ServerURL": registry.trim(), "Username": user, "Secret": password }));
    Ok(())
}

async fn ask(host: &str, region: &str) -> Result<String, Box<dyn Error>> {
    let tcp = TcpStream::connect((host, 443))?;
    tcp.set_nodelay(true)?;
    tcp.set_nonblocking(true)?;
    let tcp = tokio::net::TcpStream::from_std(tcp)?;
    let connector = TlsConnector::from(Arc::new(tls()?));
    let tls = connector.connect(ServerName::try_from(host.to_owned())?, tcp).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(signed(host, region)?).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("AWS answers {}", response.status()).into());
    }
    let answer: Value = serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?;
    connection.abort();
    let token =
        answer["authorizationData"][0]["authorizationToken"].as_str().ok_or("there is no token in the answer")?;
    Ok(String::from_utf8(STANDARD.decode(token)?)?)
}

/// Trusts whom the system trusts.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn signed(host: &str, region: &str) -> Result<Request<Full<Bytes>>, Box<dyn Error>> {
    let (id, secret) = (env::var("AWS_ACCESS_KEY_ID")?, env::var("AWS_SECRET_ACCESS_KEY")?);
    let identity = Credentials::new(id, secret, env::var("AWS_SESSION_TOKEN").ok(), None, "environment").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("ecr")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = [("content-type", CONTENT_TYPE), ("host", host), ("x-amz-target", TARGET)];
    let signable = SignableRequest::new(
        "POST",
        format!("https://{host}/"),
        headers.into_iter(),
        SignableBody::Bytes(BODY.as_bytes()),
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = Request::post("/");
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        request = request.header(name, value);
    }
    Ok(request.body(Full::from(BODY))?)
}
