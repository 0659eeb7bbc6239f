//! What was asked over HTTP and answered: `http-traffic.json`, in version V0 of smithy-rs's format "dvr".

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::super::items;

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The answer, or why there is none.
    pub answer: Result<Response, String>,
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The whole URI, with scheme and host.
    pub uri: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, of several with this name the first. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Scheme, host with port, path, and query. The host is in lower case, and no path is the path `/`.
    pub(super) fn parts(&self) -> Option<Parts<'_>> {
        let (scheme, rest) = self.uri.split_once("://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        Some(Parts { scheme, host: host.to_ascii_lowercase(), path, query })
    }

    /// The host, with its port; empty where the URI has none.
    pub(super) fn host(&self) -> String {
        self.parts().map(|parts| parts.host).unwrap_or_default()
    }
}

/// Method and URI alone: the rest may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.uri)
    }
}

/// The parts of a URI.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: String,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case, without the length of the body: those that were recorded are of other bodies.
    pub headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, of several with this name the first. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The exchanges of a recording, in their order.
pub(super) fn exchanges(document: &Value) -> Vec<Exchange> {
    assert_eq!(document["version"], "V0", "this is another version of the format");
    let mut exchanges = Vec::new();
    for event in items(&document["events"]) {
        let connection = event["connection_id"].as_u64().and_then(|id| usize::try_from(id).ok());
        let connection = connection.unwrap_or_else(|| panic!("no connection: {event}"));
        let action = &event["action"];
        if !action["Request"].is_null() {
            assert_eq!(connection, exchanges.len(), "connections begin in the order of their numbers");
            let request = request(&action["Request"]["request"]);
            exchanges.push(Exchange { request, answer: Err("nothing was recorded".to_owned()) });
            continue;
        }
        let exchange: &mut Exchange = &mut exchanges[connection];
        if !action["Response"].is_null() {
            exchange.answer = answer(&action["Response"]["response"]);
        } else if !action["Data"].is_null() {
            let data = data(&action["Data"]["data"]);
            match (text(&action["Data"]["direction"]), &mut exchange.answer) {
                ("Request", _) => exchange.request.body.extend(data),
                ("Response", Ok(response)) => response.body.extend(data),
                other => panic!("data without anything to belong to: {other:?}"),
            }
        } else {
            assert_eq!(action["Eof"]["ok"], true, "no recording that is known breaks off: {event}");
        }
    }
    exchanges
}

fn request(request: &Value) -> Request {
    Request {
        method: text(&request["method"]).to_owned(),
        uri: text(&request["uri"]).to_owned(),
        headers: headers(&request["headers"]),
        body: Vec::new(),
    }
}

fn answer(answer: &Value) -> Result<Response, String> {
    let response = &answer["Ok"];
    if response.is_null() {
        return Err(text(&answer["Err"]).to_owned());
    }
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut headers = headers(&response["headers"]);
    headers.retain(|(name, _)| name != "content-length");
    Ok(Response { status: status.unwrap_or_else(|| panic!("no status: {answer}")), headers, body: Vec::new() })
}

fn headers(headers: &Value) -> Vec<(String, String)> {
    let headers = headers.as_object().unwrap_or_else(|| panic!("not headers: {headers}"));
    let pairs = headers.iter().flat_map(|(name, values)| {
        items(values).iter().map(|value| (name.to_ascii_lowercase(), text(value).to_owned()))
    });
    pairs.collect()
}

fn data(data: &Value) -> Vec<u8> {
    match data["Base64"].as_str() {
        Some(base64) => BASE64_STANDARD.decode(base64).unwrap_or_else(|error| panic!("{error}: {data}")),
        None => text(&data["Utf8"]).as_bytes().to_vec(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}
