//! The component's side of the world: the only file that names WASI.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::context::Context;
use crate::error::Error;
use crate::time::Timestamp;
use crate::wiped::Wiped;
use crate::world::{
    FileError, HttpError, Local, MAX_RESPONSE_BYTES, Method, Patience, Request, Response, Scheme, World,
};

/// The most that `wasi:io/streams` takes at once: more ends the component.
const MAX_WRITE_BYTES: usize = 4096;

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated from wit/: the component's ABI")]
    wit_bindgen::generate!({
        path: "../wit",
        world: "credential-provider",
        generate_all,
    });
    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::keyward::registry_credentials::provider;
use bindings::wasi::http::outgoing_handler;
use bindings::wasi::http::types as http;
use bindings::wasi::io::streams::StreamError;
use bindings::wasi::random::random;

struct Component;

impl provider::Guest for Component {
    fn get(request: provider::Request) -> Result<provider::Credential, provider::Error> {
        let world = Wasi { begin: Instant::now() };
        let credential = crate::get(&world, &request.server, &Context::new(request.context))?;
        Ok(provider::Credential {
            username: credential.username,
            secret: credential.password.expose().to_owned(),
            expires_at: credential.expires_at,
        })
    }
}

impl From<Error> for provider::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::NoCredentials(text) => Self::NoCredentials(text),
            Error::NotOurRegistry(_) => Self::NotOurRegistry,
            Error::Throttled(text) => Self::Throttled(text),
            Error::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

/// The capabilities, as the host grants them. Environment, files and clocks come through the standard library, which has WASI
/// under it.
struct Wasi {
    begin: Instant,
}

impl Local for Wasi {
    fn environment(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        fs::read(path).map(Wiped::new).map_err(|error| file_error(&error))
    }
}

impl World for Wasi {
    fn now(&self) -> Timestamp {
        // A clock before 1970 makes a signature that AWS refuses for its time, as any other wrong clock does.
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp { seconds: elapsed.as_secs() }
    }

    fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }

    fn note(&self, line: &str) {
        // Nobody has to listen.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// The host takes the new content when it is told to, and puts it in the old one's place as a whole.
    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        let replace = || {
            let mut file = File::create(path)?;
            file.write_all(content)?;
            file.sync_all()
        };
        replace().map_err(|error| file_error(&error))
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        let response = receive(send(request)?)?;
        let status = response.status();
        let headers = response.headers().entries();
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), String::from_utf8(value).ok()?)))
            .collect();
        Ok(Response { status, headers, body: body(&response)? })
    }
}

/// A response that is on its way, and the body's handle, which has to live as long.
fn send(request: &Request) -> Result<http::FutureIncomingResponse, HttpError> {
    let impossible = |what: &str| HttpError::Connection(format!("the host refused the request's {what}"));

    let headers = http::Fields::new();
    for (name, value) in &request.headers {
        headers.append(name, value.as_bytes()).map_err(|_| impossible("headers"))?;
    }
    let outgoing = http::OutgoingRequest::new(headers);
    let method = match request.method {
        Method::Get => http::Method::Get,
        Method::Post => http::Method::Post,
        Method::Put => http::Method::Put,
    };
    let scheme = match request.scheme {
        Scheme::Http => http::Scheme::Http,
        Scheme::Https => http::Scheme::Https,
    };
    outgoing.set_method(&method).map_err(|()| impossible("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| impossible("scheme"))?;
    outgoing.set_authority(Some(&request.authority)).map_err(|()| impossible("host"))?;
    outgoing.set_path_with_query(Some(&request.path)).map_err(|()| impossible("path"))?;

    let body = outgoing.body().map_err(|()| impossible("body"))?;
    let response = outgoing_handler::handle(outgoing, options(request.patience)).map_err(http_error)?;
    if !request.body.is_empty() {
        let stream = body.write().map_err(|()| impossible("body"))?;
        for chunk in request.body.chunks(MAX_WRITE_BYTES) {
            // The handler may have refused the request already; then the reason is in the response.
            if stream.blocking_write_and_flush(chunk).is_err() {
                break;
            }
        }
    }
    let _ = http::OutgoingBody::finish(body, None);
    Ok(response)
}

fn options(patience: Patience) -> Option<http::RequestOptions> {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).ok();
    let options = http::RequestOptions::new();
    // Where the host has no such option, the lookup's deadline holds.
    let _ = options.set_connect_timeout(patience.connection.and_then(nanoseconds));
    let _ = options.set_first_byte_timeout(patience.answer.and_then(nanoseconds));
    Some(options)
}

fn file_error(error: &io::Error) -> FileError {
    /// `not-permitted` of WASI, as wasi-libc has it: what the host has for a path that it did not grant.
    const NOT_PERMITTED: i32 = 63;
    match error.kind() {
        io::ErrorKind::NotFound => FileError::NotFound,
        io::ErrorKind::ReadOnlyFilesystem => FileError::NotGranted,
        io::ErrorKind::Unsupported => FileError::Unreadable("it is not a regular file".to_owned()),
        _ if error.raw_os_error() == Some(NOT_PERMITTED) => FileError::NotGranted,
        _ => FileError::Unreadable(error.to_string()),
    }
}

fn receive(response: http::FutureIncomingResponse) -> Result<http::IncomingResponse, HttpError> {
    response.subscribe().block();
    match response.get() {
        Some(Ok(result)) => result.map_err(http_error),
        Some(Err(())) | None => Err(HttpError::Response("the host gave no response".to_owned())),
    }
}

fn body(response: &http::IncomingResponse) -> Result<Wiped<Vec<u8>>, HttpError> {
    let broken = || HttpError::Response("its body could not be read".to_owned());
    let body = response.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let mut content = Wiped::<Vec<u8>>::default();
    loop {
        match stream.blocking_read(MAX_RESPONSE_BYTES as u64) {
            Ok(chunk) => {
                let chunk = Wiped::new(chunk);
                if content.len() + chunk.len() > MAX_RESPONSE_BYTES {
                    return Err(HttpError::TooLarge);
                }
                // Most bodies come in one piece, which is then the content.
                if content.is_empty() {
                    content = chunk;
                    continue;
                }
                if content.len() + chunk.len() > content.capacity() {
                    // A vector that grows by itself leaves a copy of what may be a secret behind.
                    let mut larger = Wiped::new(Vec::with_capacity((content.len() + chunk.len()).next_power_of_two()));
                    larger.extend_from_slice(&content);
                    content = larger;
                }
                content.extend_from_slice(&chunk);
            }
            Err(StreamError::Closed) => return Ok(content),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http::http_error_code(&error);
                return Err(code.map_or_else(broken, http_error));
            }
        }
    }
}

/// The host's error codes, as far as they make a difference to the message or to what the caller does.
fn http_error(code: http::ErrorCode) -> HttpError {
    use http::ErrorCode;
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => HttpError::Refused,
        ErrorCode::DnsTimeout => HttpError::Resolution("no name server answered".to_owned()),
        ErrorCode::DnsError(payload) => {
            HttpError::Resolution(payload.rcode.unwrap_or_else(|| "it does not exist".to_owned()))
        }
        ErrorCode::DestinationNotFound => HttpError::Resolution("it does not exist".to_owned()),
        ErrorCode::ConnectionRefused => HttpError::Connection("refused".to_owned()),
        ErrorCode::ConnectionTimeout => HttpError::Connection("no answer in time".to_owned()),
        ErrorCode::ConnectionLimitReached | ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            HttpError::Connection("not reachable".to_owned())
        }
        ErrorCode::TlsCertificateError => HttpError::Tls("the server's certificate is not trusted".to_owned()),
        ErrorCode::TlsProtocolError => HttpError::Tls("the handshake failed".to_owned()),
        ErrorCode::TlsAlertReceived(_) => HttpError::Tls("the server refused the handshake".to_owned()),
        ErrorCode::ConfigurationError => HttpError::Tls("the host's trusted certificates are unusable".to_owned()),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => HttpError::Timeout,
        ErrorCode::HttpResponseBodySize(_) => HttpError::TooLarge,
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            HttpError::HeadersTooLarge
        }
        ErrorCode::HttpProtocolError => HttpError::Response("it is not HTTP".to_owned()),
        ErrorCode::ConnectionTerminated => HttpError::Response("the connection was closed".to_owned()),
        other => HttpError::Response(format!("{other:?}")),
    }
}
