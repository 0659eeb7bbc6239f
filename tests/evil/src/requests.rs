//! Attacks over the network, and against the host by way of it.

use std::iter;

use crate::world::bindings::wasi::http::outgoing_handler;
use crate::world::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
    http_error_code,
};
use crate::world::bindings::wasi::io::streams::{OutputStream, StreamError};
use crate::world::{Error, Outcome, credential};

/// What one write may have, by the rules of `wasi:io`.
const WRITE_BYTES: usize = 4096;

/// What is read of an answer at a time.
const READ_BYTES: u64 = 64 * 1024;

/// Against the rules for destinations: one request to wherever it was told.
pub(crate) fn call(url: &str) -> Outcome {
    answer(&get(url)?)
}

/// Two requests, one after the other. The second one's answer counts.
pub(crate) fn call_twice(url: &str) -> Outcome {
    call(url)?;
    call(url)
}

/// Against the number of requests: it does not mind when they fail. The user name is how many were answered.
pub(crate) fn calls(count: usize, url: &str) -> Outcome {
    let answered = iter::repeat_with(|| call(url)).take(count).filter(Result::is_ok).count();
    Ok(credential(&answered.to_string(), ""))
}

/// As [`calls`], without end.
pub(crate) fn calls_for_ever(url: &str) -> ! {
    loop {
        let _ = call(url);
    }
}

/// As [`calls`], all of them under way before it waits for the first.
pub(crate) fn calls_at_once(count: usize, url: &str) -> Outcome {
    let started: Vec<_> = iter::repeat_with(|| get(url)).take(count).collect();
    let answered = started.into_iter().filter_map(|started| answer(&started.ok()?).ok()).count();
    Ok(credential(&answered.to_string(), ""))
}

/// Against the size of a request: a body of so many bytes, which says so before it comes.
pub(crate) fn post(bytes: usize, url: &str) -> Outcome {
    let (response, body) = post_with(url, Some(bytes))?;
    let stream = body.write().map_err(|()| refused("body"))?;
    let block = [b'x'; WRITE_BYTES];
    let mut left = bytes;
    while left > 0 {
        let next = left.min(WRITE_BYTES);
        if stream.blocking_write_and_flush(&block[..next]).is_err() {
            // Then the answer has the reason.
            break;
        }
        left -= next;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    answer(&response)
}

/// As [`post`], without an end, and without saying how much will come.
pub(crate) fn endless_body(url: &str) -> Outcome {
    let (response, body) = post_with(url, None)?;
    let stream = body.write().map_err(|()| refused("body"))?;
    while write(&stream).is_ok() {}
    drop(stream);
    answer(&response)
}

/// Against the deadline: it promises a body, begins it, and waits for the answer to what it never finishes.
pub(crate) fn unfinished_body(url: &str) -> Outcome {
    let (response, body) = post_with(url, Some(2 * WRITE_BYTES))?;
    let stream = body.write().map_err(|()| refused("body"))?;
    let _ = write(&stream);
    let answered = answer(&response);
    // Until here they are open, and that is the attack.
    drop((stream, body));
    answered
}

fn write(stream: &OutputStream) -> Result<(), StreamError> {
    stream.blocking_write_and_flush(&[b'x'; WRITE_BYTES])
}

/// A request without a body, on its way.
fn get(url: &str) -> Result<FutureIncomingResponse, Error> {
    let (response, body) = send(&Method::Get, url, Fields::new())?;
    let _ = OutgoingBody::finish(body, None);
    Ok(response)
}

/// A request on its way, and its body, which has yet to be written.
fn post_with(url: &str, content_length: Option<usize>) -> Result<(FutureIncomingResponse, OutgoingBody), Error> {
    let headers = Fields::new();
    if let Some(bytes) = content_length {
        headers.append("content-length", bytes.to_string().as_bytes()).map_err(|_| refused("length"))?;
    }
    send(&Method::Post, url, headers)
}

fn send(method: &Method, url: &str, headers: Fields) -> Result<(FutureIncomingResponse, OutgoingBody), Error> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| Error::Other(format!("not an URL: {url:?}")))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let request = OutgoingRequest::new(headers);
    request.set_method(method).map_err(|()| refused("method"))?;
    request.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    request.set_authority(Some(authority)).map_err(|()| refused("authority"))?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).map_err(|()| refused("path"))?;
    let body = request.body().map_err(|()| refused("body"))?;
    let response = outgoing_handler::handle(request, None).map_err(unavailable)?;
    Ok((response, body))
}

/// The status as the user name, and the body as the secret.
fn answer(response: &FutureIncomingResponse) -> Outcome {
    response.subscribe().block();
    let response = match response.get() {
        Some(Ok(response)) => response.map_err(unavailable)?,
        Some(Err(())) | None => return Err(Error::Other("the host gave no answer".to_owned())),
    };
    Ok(credential(&response.status().to_string(), &body(&response)?))
}

fn body(response: &IncomingResponse) -> Result<String, Error> {
    let body = response.consume().map_err(|()| refused("answer"))?;
    let stream = body.stream().map_err(|()| refused("answer"))?;
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(chunk) => content.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(String::from_utf8_lossy(&content).into_owned()),
            Err(StreamError::LastOperationFailed(error)) => {
                let broken = || Error::Unavailable("the body could not be read".to_owned());
                return Err(http_error_code(&error).map_or_else(broken, unavailable));
            }
        }
    }
}

fn refused(what: &str) -> Error {
    Error::Other(format!("the host refused the {what}"))
}

fn unavailable(code: ErrorCode) -> Error {
    Error::Unavailable(format!("{code:?}"))
}
