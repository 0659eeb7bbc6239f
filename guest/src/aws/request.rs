//! Requests to AWS's services: what each of them has, signed or not.

use std::time::Duration;

use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::sigv4::{self, PathStyle, Scope, SignableRequest};
use crate::time::Timestamp;
use crate::world::{Method, Patience, Request};

/// What the AWS SDKs give a connection: after that, another attempt may come to a server that is there.
const CONNECTION: Duration = Duration::from_millis(3100);

/// What one operation has of its own.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// The method.
    pub method: Method,
    /// The path below the endpoint's own, and the query.
    pub path: &'a str,
    /// The headers, names in lower case; all of them are signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, empty for none.
    pub body: &'a str,
}

impl Operation<'_> {
    /// The request without a signature.
    pub fn unsigned(&self, endpoint: &Endpoint) -> Request {
        self.request(endpoint, Vec::new())
    }

    /// The request, signed for its service and region.
    pub fn signed(&self, endpoint: &Endpoint, credentials: &Credentials, time: Timestamp) -> Request {
        let path = format!("{}{}", endpoint.base_path, self.path);
        let mut headers = vec![("host", endpoint.authority.as_str())];
        headers.extend(self.headers);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let signable = SignableRequest {
            method: self.method.as_str(),
            path,
            query,
            headers: &headers,
            body: self.body.as_bytes(),
            path_style: PathStyle::Normalized,
        };
        let scope = Scope { time, region: &endpoint.signing_region, service: endpoint.service.signing_name() };
        self.request(endpoint, sigv4::sign(&signable, credentials, &scope))
    }

    fn request(&self, endpoint: &Endpoint, mut headers: Vec<(String, String)>) -> Request {
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if !self.body.is_empty() {
            add("content-length", &self.body.len().to_string());
        }
        add("user-agent", concat!("keyward/", env!("CARGO_PKG_VERSION")));
        for (name, value) in self.headers {
            add(name, value);
        }
        Request {
            method: self.method,
            scheme: endpoint.scheme,
            authority: endpoint.authority.clone(),
            path: format!("{}{}", endpoint.base_path, self.path),
            headers,
            body: self.body.as_bytes().to_vec(),
            patience: Patience { connection: Some(CONNECTION), answer: None },
        }
    }
}
