//! The server of every fake: connections, TLS, HTTP, and who answers what.

use std::error::Error;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::authority::AnyName;
use crate::body::AnswerBody;
use crate::connections;
use crate::observation::SeenRequest;
use crate::refusal::Refusal;
use crate::service::Reply;
use crate::signature::Authorization;
use crate::state::{OpenConnection, State};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// TLS with these certificates.
pub(crate) fn acceptor(certificates: AnyName) -> TlsAcceptor {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions of TLS")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// What is between TCP and HTTP.
#[derive(Clone)]
pub(crate) enum Transport {
    Plain,
    Tls(TlsAcceptor),
}

/// Serves until it is dropped. The connections are tasks of the runtime, and end with it.
pub(crate) async fn serve(listener: TcpListener, transport: Transport, state: Arc<State>) {
    loop {
        let stream = connections::accept(&listener).await;
        let open = OpenConnection::new(state.clone());
        tokio::spawn(serve_connection(stream, transport.clone(), state.clone(), open));
    }
}

async fn serve_connection(stream: TcpStream, transport: Transport, state: Arc<State>, open: OpenConnection) {
    // First of the locals, so that it is dropped last: what is counted as closed is closed.
    let _open = open;
    let Transport::Tls(acceptor) = transport else {
        return serve_http(stream, None, state).await;
    };
    let Ok(stream) = acceptor.accept(stream).await else {
        state.record_failed_handshake();
        return;
    };
    let server_name = stream.get_ref().1.server_name().map(str::to_owned);
    serve_http(stream, server_name, state).await;
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    server_name: Option<String>,
    state: Arc<State>,
) {
    let service = service_fn(|request| respond(request, server_name.clone(), state.clone()));
    // That the client goes away, or is sent away, is what many tests are about: not an error here.
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = served => {}
        () = state.closing.notified() => {}
    }
}

/// Answers one request. An error closes the connection.
async fn respond(
    request: Request<Incoming>,
    server_name: Option<String>,
    state: Arc<State>,
) -> Result<Response<AnswerBody>, Box<dyn Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, body.collect().await?.to_bytes());

    let request_id = state.next_request_id();
    let examined = state.service.examine(&request, &request_id);
    let seen = observe(&request, server_name, &request_id, &state, &examined);
    let mut answer = state.script().answer_to(&seen);
    state.record_request(seen);

    let mut response = loop {
        answer = match answer {
            Answer::Token => match &examined {
                Ok(reply) => {
                    state.service.giving(&reply.gift);
                    state.record_gift(&reply.gift);
                    break raw_response(200, &reply.headers, reply.body.clone());
                }
                Err(refusal) => refusal.answer(&request_id),
            },
            Answer::Raw { status, headers, body } => break raw_response(status, &headers, body),
            Answer::Held(gate, then) => {
                gate.opened().await;
                *then
            }
            Answer::Delayed(delay, then) => {
                tokio::time::sleep(delay).await;
                *then
            }
            Answer::Silence => std::future::pending().await,
            Answer::HeadersThenSilence => {
                let mut response = Response::new(AnswerBody::Never);
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("1024"));
                break response;
            }
            Answer::EndlessBody => break Response::new(AnswerBody::Endless),
            Answer::LongBody(length) => break Response::new(AnswerBody::Long(length)),
            Answer::DropConnection => return Err("the script says to close".into()),
        };
    };

    let headers = response.headers_mut();
    let request_id = HeaderValue::from_str(&request_id).expect("it consists of digits and dashes");
    headers.entry(REQUEST_ID).or_insert(request_id);
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(state.service.content_type()));
    Ok(response)
}

fn observe(
    request: &Request<Bytes>,
    server_name: Option<String>,
    request_id: &str,
    state: &State,
    examined: &Result<Reply, Refusal>,
) -> SeenRequest {
    let (access_key_id, scope) = match Authorization::of(request.headers()) {
        Ok(authorization) => (Some(authorization.access_key_id), Some(authorization.scope)),
        Err(_) => (None, None),
    };
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host");
    SeenRequest {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        host: host.map(|(_, value)| value.clone()).unwrap_or_default(),
        body: request.body().to_vec(),
        server_name,
        access_key_id,
        scope,
        signature_is_right: state.service.is_rightly_signed(request),
        refusal: examined.as_ref().err().map(Refusal::to_string),
        request_id: request_id.to_owned(),
        headers,
    }
}

fn raw_response(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response<AnswerBody> {
    let mut header_map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("checked when scripted");
        let value = HeaderValue::from_str(value).expect("checked when scripted");
        header_map.append(name, value);
    }
    // hyper panics if a length that it knows and one that a header claims differ.
    let body = if header_map.contains_key(CONTENT_LENGTH) {
        AnswerBody::LengthClaimed(Some(body.into()))
    } else {
        AnswerBody::whole(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("checked when scripted");
    *response.headers_mut() = header_map;
    response
}
