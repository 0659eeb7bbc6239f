//! Requests to upstreams.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use tracing::warn;

use super::bearer::Token;
use super::names::Names;
use super::refusal::Refusal;
use super::upstream::Upstream;
use super::{Limits, ProxyError};

/// How often a request is sent to where its answer redirects to.
const MAX_REDIRECTS: usize = 5;

/// Sends requests, over connections that it keeps for the next one.
pub(super) struct Client {
    client: legacy::Client<HttpsConnector<HttpConnector<Names>>, Empty<Bytes>>,
    limit: Duration,
}

impl Client {
    pub(super) fn new(limits: &Limits) -> Result<Self, ProxyError> {
        let mut connector = HttpConnector::new_with_resolver(Names::new()?);
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(Arc::new(ring::default_provider()))
            .map_err(ProxyError::Certificates)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits.idle)
            .pool_max_idle_per_host(limits.requests_of_one_upstream)
            .build(connector);
        Ok(Self { client, limit: limits.upstream_head })
    }

    /// Asks an upstream for what it has at a path, and whoever it redirects to, for the client may not reach them. A redirect is followed
    /// without the login, unless it stays with the upstream: an address with a signature of its own, as those of Amazon S3, is refused
    /// with one, and it is nobody else's to see. From https nothing leads back to http.
    pub(super) async fn ask(
        &self,
        upstream: &Upstream,
        method: &Method,
        path: PathAndQuery,
        headers: &HeaderMap,
        login: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, Refusal> {
        self.within_limit(upstream, async {
            let (mut uri, mut login) = (upstream.at(path), login);
            for _ in 0..=MAX_REDIRECTS {
                let answer = self.send(upstream, method, &uri, headers, login).await?;
                if !is_redirect(answer.status()) {
                    return Ok(answer);
                }
                uri = location(&uri, answer.headers()).ok_or_else(|| wrong_redirect(upstream))?;
                login = login.filter(|_| upstream.has(&uri));
            }
            Err(wrong_redirect(upstream))
        })
        .await
    }

    /// Asks for a token of an upstream's, wherever that is given out. It is not looked for where this redirects to. All of the answer has to
    /// be there within the limit: a request waits for it.
    pub(super) async fn ask_for_token(
        &self,
        upstream: &Upstream,
        uri: &Uri,
        login: Option<&HeaderValue>,
    ) -> Result<Option<Token>, Refusal> {
        self.within_limit(upstream, async {
            let answer = self.send(upstream, &Method::GET, uri, &HeaderMap::new(), login).await?;
            Ok(Token::of(answer).await)
        })
        .await
    }

    async fn within_limit<T>(
        &self,
        upstream: &Upstream,
        asking: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        tokio::time::timeout(self.limit, asking)
            .await
            .unwrap_or_else(|_| Err(Refusal::UpstreamTimeout { host: upstream.host().to_owned(), limit: self.limit }))
    }

    async fn send(
        &self,
        upstream: &Upstream,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        login: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        if let Some(login) = login {
            request.headers_mut().insert(AUTHORIZATION, login.clone());
        }
        self.client.request(request).await.map_err(|error| {
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            // The query of an address may be its signature.
            warn!(upstream = upstream.host(), "no answer of {}: {reason}", uri.host().unwrap_or_default());
            Refusal::Unreachable(upstream.host().to_owned())
        })
    }
}

/// Whether an address is no less safe than what leads to it, which is reached by this scheme.
pub(super) fn is_as_safe(from: &Scheme, to: &Uri) -> bool {
    to.scheme() == Some(&Scheme::HTTPS) || to.scheme() == Some(from)
}

/// Whether an address says all that there is to say, and has no login in it.
pub(super) fn is_url(uri: &Uri) -> bool {
    uri.scheme().is_some() && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}

fn wrong_redirect(upstream: &Upstream) -> Refusal {
    Refusal::WrongRedirect(upstream.host().to_owned())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

/// Where an answer redirects to: an address that is as safe, or a path of the same server. Registries use no other form.
fn location(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let text = headers.get(LOCATION)?.to_str().ok()?;
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let to: Uri = text.parse().ok()?;
    if !is_path {
        return (is_url(&to) && is_as_safe(from.scheme()?, &to)).then_some(to);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = to.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_an_address_that_is_as_safe_or_to_a_path_of_the_same_server() {
        let between = |from, location| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            super::location(&Uri::from_static(from), &headers).map(|uri| uri.to_string())
        };
        let to = |location| between("https://a.example/v2/x", location);
        assert_eq!(to("https://b.example/y?signature=z").unwrap(), "https://b.example/y?signature=z");
        assert_eq!(to("/y?z").unwrap(), "https://a.example/y?z");
        for wrong in
            ["//b.example/y", "y", "https://user:password@b.example/", "", "http://a.example/", "ftp://b.example/"]
        {
            assert_eq!(to(wrong), None, "{wrong}");
        }
        // What an upstream on this machine leads to may be there too, but not by way of another one.
        for to in ["http://127.0.0.1:5002/y", "https://b.example/y"] {
            assert_eq!(between("http://127.0.0.1:5001/v2/x", to).unwrap(), to);
        }
        assert_eq!(between("https://b.example/y", "http://127.0.0.1:5001/v2/x"), None);
    }
}
