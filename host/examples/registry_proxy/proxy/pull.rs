//! One pull: a credential, a request to the upstream, its answer.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::{Body as _, Incoming};
use keyward::{CacheState, CancelToken, Credential, Error, Outcome};
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::bearer::{Challenge, Token};
use super::client::is_as_safe;
use super::refusal::Refusal;
use super::relay::Relay;
use super::route::Target;
use super::upstream::Door;
use super::{Body, Inner, headers};

/// Answers a request for something of an upstream's.
pub(super) async fn pull(proxy: &Inner, request: &Request<Incoming>, target: &Target) -> Response<Body> {
    let Some(door) = proxy.doors.get(&target.upstream) else {
        let refusal = Refusal::Unknown(target.upstream.clone());
        proxy.metrics.refused(refusal.status());
        return refusal.into_response();
    };
    let pull = Pull { proxy, door, target, method: request.method(), headers: headers::of_request(request.headers()) };
    // Dropped before it is answered, it counts as a client that has hung up.
    let count = proxy.metrics.asked(door.upstream.host());
    let response = pull.answer(request.body()).await.unwrap_or_else(Refusal::into_response);
    count.answered(response.status());
    response
}

struct Pull<'a> {
    proxy: &'a Inner,
    door: &'a Door,
    target: &'a Target,
    method: &'a Method,
    headers: HeaderMap,
}

/// What the proxy logs in with.
struct Login {
    /// None to ask without a login, where there is no credential to be had.
    header: Option<HeaderValue>,
    /// Whether it was known before this request, so that AWS may have another one by now.
    is_remembered: bool,
    got: Instant,
}

impl Pull<'_> {
    async fn answer(&self, body: &Incoming) -> Result<Response<Body>, Refusal> {
        let host = self.door.upstream.host();
        // Nobody would read it; and while it waits, nobody would see its client hang up.
        if !body.is_end_stream() {
            return Err(Refusal::HasBody);
        }
        let place = self.door.places.clone().try_acquire_owned().map_err(|_| Refusal::Busy(host.to_owned()))?;
        let mut answer = self.answer_of_upstream().await?;
        headers::of_answer(answer.headers_mut(), &self.door.upstream);
        let (counted, limit) = (self.proxy.metrics.sent_bytes(host), self.proxy.limits.upstream_stall);
        Ok(answer.map(|body| Either::Right(Relay::new(body, counted, place, limit))))
    }

    /// The answer to the login that is known, or to a new one where the upstream refuses that: tokens end before their time with the session
    /// that they were got with. Nothing but the status says so, since registries do not agree on more.
    async fn answer_of_upstream(&self) -> Result<Response<Incoming>, Refusal> {
        let login = self.login().await?;
        let answer = self.ask(&login).await?;
        if !(is_refusal(answer.status()) && login.is_remembered) {
            return Ok(answer);
        }
        let host = self.door.upstream.host();
        let asks_again = self.door.asks_again(login.got, || {
            info!(upstream = host, "the token is refused ({}), and looked up anew", answer.status());
            self.proxy.metrics.renewed(host);
            self.proxy.resolver.invalidate(host);
            self.door.tokens.forget();
        });
        if !asks_again {
            return Ok(answer);
        }
        drop(answer);
        self.ask(&self.login().await?).await
    }

    /// Looks the credential up. Most of the time the resolver knows it.
    async fn login(&self) -> Result<Login, Refusal> {
        let (host, resolver) = (self.door.upstream.host(), &self.proxy.resolver);
        let got = Instant::now();
        let lookup = resolver.look_up(host, resolver.budget(), &CancelToken::new()).await;
        let header = match &lookup.result {
            Ok(credential) => Some(basic(credential)),
            // Another registry than Keyward knows, or a machine without credentials: some images are there for everybody.
            Err(Error::NotOurRegistry | Error::NoCredentials(_)) => None,
            Err(error) => {
                warn!(upstream = host, "no credential: {error}");
                return Err(Refusal::NoCredential { host: host.to_owned(), outcome: Outcome::from(error) });
            }
        };
        let is_remembered = header.is_some() && matches!(lookup.cache, CacheState::Hit | CacheState::Stale);
        Ok(Login { header, is_remembered, got })
    }

    /// The upstream's answer to a login, or to the token that it gives out for one.
    async fn ask(&self, login: &Login) -> Result<Response<Incoming>, Refusal> {
        let token = self.door.tokens.of(&self.target.repository);
        let answer = self.send(token.as_ref().or(login.header.as_ref())).await?;
        let challenge =
            (answer.status() == StatusCode::UNAUTHORIZED).then(|| Challenge::of(answer.headers())).flatten();
        let Some(challenge) = challenge else { return Ok(answer) };
        let Some(token) = self.token(&challenge, login).await? else { return Ok(answer) };
        let answer = self.send(Some(&token.login)).await?;
        self.door.tokens.keep(&self.target.repository, token);
        Ok(answer)
    }

    /// A token of the registry. What the proxy logs in with goes to the upstream itself alone; others are asked as by anybody.
    async fn token(&self, challenge: &Challenge, login: &Login) -> Result<Option<Token>, Refusal> {
        let upstream = &self.door.upstream;
        if !is_as_safe(upstream.scheme(), &challenge.uri) {
            return Ok(None);
        }
        let login = login.header.as_ref().filter(|_| upstream.has(&challenge.uri));
        self.proxy.client.ask_for_token(upstream, &challenge.uri, login).await
    }

    async fn send(&self, login: Option<&HeaderValue>) -> Result<Response<Incoming>, Refusal> {
        let (client, upstream) = (&self.proxy.client, &self.door.upstream);
        client.ask(upstream, self.method, self.target.path.clone(), &self.headers, login).await
    }
}

fn basic(credential: &Credential) -> HeaderValue {
    let pair = Zeroizing::new(format!("{}:{}", credential.username, credential.secret.expose()));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).expect("Base64 is text that headers may have");
    header.set_sensitive(true);
    header
}

fn is_refusal(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
}
