//! Registries that give out a token of their own for a login, or to anybody: the distribution's token authentication.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::client::is_url;

/// For how many repositories of an upstream tokens are kept.
const CAPACITY: usize = 1_000;

/// The most bytes that an answer with a token may have.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How long a token is good whose registry does not say, and what is not used of its time: requests take some.
const LIFETIME: Duration = Duration::from_secs(60);
const MARGIN: Duration = Duration::from_secs(5);

/// How a registry says where its tokens are given out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Where to ask, with all that it wants to be asked.
    pub(super) uri: Uri,
}

/// What to log in with, and until when.
pub(super) struct Token {
    pub(super) login: HeaderValue,
    until: Instant,
}

/// The tokens of one upstream, by repository.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Token>>);

impl Challenge {
    /// The challenge of an answer, if it has one of this kind.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(WWW_AUTHENTICATE).iter().find_map(|value| Self::parse(value.to_str().ok()?))
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, parameters) = text.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters_of(parameters);
        let realm = parameters.get("realm")?;
        let questions = ["service", "scope"].into_iter().filter_map(|name| Some((name, parameters.get(name)?)));
        let questions: Vec<String> = questions.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let separator = if questions.is_empty() {
            ""
        } else if realm.contains('?') {
            "&"
        } else {
            "?"
        };
        let uri: Uri = format!("{realm}{separator}{}", questions.join("&")).parse().ok()?;
        is_url(&uri).then_some(Self { uri })
    }
}

impl Token {
    /// The token that an answer has.
    pub(super) async fn of(answer: Response<Incoming>) -> Option<Self> {
        if answer.status() != StatusCode::OK {
            return None;
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await.ok()?.to_bytes();
        Self::parse(&body)
    }

    fn parse(body: &Bytes) -> Option<Self> {
        let answer: Value = serde_json::from_slice(body).ok()?;
        let token = ["token", "access_token"].into_iter().find_map(|name| answer[name].as_str())?;
        let lifetime = answer["expires_in"].as_u64().map_or(LIFETIME, Duration::from_secs);
        let mut login = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        login.set_sensitive(true);
        let now = Instant::now();
        let until = now.checked_add(lifetime.saturating_sub(MARGIN)).unwrap_or(now);
        Some(Self { login, until })
    }
}

impl Tokens {
    /// What to log in with to a repository, as long as it is good.
    pub(super) fn of(&self, repository: &str) -> Option<HeaderValue> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(repository).filter(|token| Instant::now() < token.until).map(|token| token.login.clone())
    }

    pub(super) fn keep(&self, repository: &str, token: Token) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= CAPACITY {
            let now = Instant::now();
            tokens.retain(|_, token| now < token.until);
        }
        // Whoever asks for more repositories than that within a token's time has them looked up again.
        if tokens.len() >= CAPACITY {
            tokens.clear();
        }
        tokens.insert(repository.to_owned(), token);
    }

    /// Forgets those of a login that was refused.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// `name=value` or `name="value"`, with commas between them. Names become lower case.
fn parameters_of(mut text: &str) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        parameters.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value);
        text = rest;
    }
    parameters
}

/// The text up to the next quote, and what comes after it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut signs) = (String::new(), text.char_indices());
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(signs.next().map(|(_, sign)| sign)),
            sign => value.push(sign),
        }
    }
    (value, "")
}

/// A value as a query has it.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_where_to_ask_and_what_for() {
        let uri = |text| Challenge::parse(text).map(|challenge| challenge.uri.to_string());
        assert_eq!(
            uri(r#"Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws""#).unwrap(),
            "https://public.ecr.aws/token/?service=public.ecr.aws&scope=aws"
        );
        assert_eq!(
            uri(r#"bearer scope="repository:a/b:pull,push", realm="https://x.example/t?y=z", error="e""#).unwrap(),
            "https://x.example/t?y=z&scope=repository:a/b:pull,push"
        );
        assert_eq!(
            uri(r#"Bearer realm="https://x.example/t",service="a \"b\" & c""#).unwrap(),
            "https://x.example/t?service=a%20%22b%22%20%26%20c"
        );
        assert_eq!(uri("Bearer realm=https://x.example/t").unwrap(), "https://x.example/t");
        for other in [
            "Basic realm=\"x\"",
            "Bearer",
            "Bearer service=\"x\"",
            "Bearer realm=\"/t\"",
            "Bearer realm=\"https://u@x.example\"",
            "Bearer =\"",
            "",
        ] {
            assert_eq!(uri(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_kept_for_its_repository_until_it_is_over_or_forgotten() {
        let tokens = Tokens::default();
        let token = |text: &'static str| Token::parse(&Bytes::from_static(text.as_bytes()));
        tokens.keep("a", token(r#"{"token": "x", "expires_in": 300}"#).unwrap());
        tokens.keep("b", token(r#"{"access_token": "y"}"#).unwrap());
        tokens.keep("over", token(r#"{"token": "z", "expires_in": 1}"#).unwrap());
        assert_eq!(tokens.of("a").unwrap(), "Bearer x");
        assert_eq!(tokens.of("b").unwrap(), "Bearer y");
        assert_eq!((tokens.of("over"), tokens.of("c")), (None, None));
        assert!(tokens.of("a").unwrap().is_sensitive());
        tokens.forget();
        assert_eq!(tokens.of("a"), None);
        for wrong in ["", "{}", r#"{"token": 1}"#, r#"{"token": "a\nb"}"#] {
            assert!(token(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn there_are_no_more_tokens_than_may_be() {
        let tokens = Tokens::default();
        for index in 0..3 * CAPACITY {
            let token = Token::parse(&Bytes::from_static(br#"{"token": "x", "expires_in": 300}"#)).unwrap();
            tokens.keep(&index.to_string(), token);
        }
        assert!(tokens.0.lock().unwrap().len() <= CAPACITY);
    }
}
