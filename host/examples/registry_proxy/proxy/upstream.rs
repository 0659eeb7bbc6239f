//! The registries that are served.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tokio::sync::Semaphore;

use super::bearer::Tokens;

/// How often a token that the registry refuses is looked up anew: who may not pull must not make the proxy ask AWS again and again.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

/// A registry: the host that images are named by, whose credential is looked up, and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    host: String,
    scheme: Scheme,
    authority: Authority,
}

/// What is no upstream.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("its credential would be readable on the network: use https")]
    Cleartext,
    #[error("'{0}' is not a host, as images are named by: lower case, without a port")]
    Host(String),
    #[error("where it is reached is not a URL as https://HOST[:PORT], without a path")]
    Url,
}

impl Upstream {
    /// The host that names it.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The scheme that it is reached by.
    pub(super) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The address of something that it has.
    pub(super) fn at(&self, path: PathAndQuery) -> Uri {
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path);
        uri.build().expect("all parts of it are there")
    }

    /// Whether an address is one of its own.
    pub(super) fn has(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }
}

/// `HOST`, or `HOST=URL`.
impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let (host, url) = match text.split_once('=') {
            Some((host, url)) => (host, url.to_owned()),
            None => (text, format!("https://{text}")),
        };
        if !is_component(host) {
            return Err(UpstreamError::Host(host.to_owned()));
        }
        let parts = url.parse::<Uri>().map_err(|_| UpstreamError::Url)?.into_parts();
        let has_no_path = parts.path_and_query.is_none_or(|path| path == "/");
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(UpstreamError::Url) };
        let is_http = [Scheme::HTTP, Scheme::HTTPS].contains(&scheme);
        if !is_http || !has_no_path || authority.as_str().contains('@') {
            return Err(UpstreamError::Url);
        }
        if scheme == Scheme::HTTP && !is_this_machine(authority.host()) {
            return Err(UpstreamError::Cleartext);
        }
        Ok(Self { host: host.to_owned(), scheme, authority })
    }
}

/// An upstream, and what its requests share. Nothing of it is shared with those of others.
pub(super) struct Door {
    pub(super) upstream: Upstream,
    /// Requests take one each, or are refused: nobody waits for one.
    pub(super) places: Arc<Semaphore>,
    pub(super) tokens: Tokens,
    renewed: Mutex<Option<Instant>>,
}

impl Door {
    pub(super) fn new(upstream: Upstream, places: usize) -> Self {
        Self {
            upstream,
            places: Arc::new(Semaphore::new(places)),
            tokens: Tokens::default(),
            renewed: Mutex::default(),
        }
    }

    /// Whether to ask once more after a credential that was got at this moment was refused. Of many that are refused together, one has what is
    /// remembered forgotten, and the others ask for what is found then.
    pub(super) fn asks_again(&self, got: Instant, forget: impl FnOnce()) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.is_some_and(|at| got <= at) {
            return true;
        }
        if renewed.is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS) {
            return false;
        }
        forget();
        // Only now, since whoever asks from now on gets the new one.
        *renewed = Some(Instant::now());
        true
    }
}

/// Whether a text may be a part of a repository's name: what the names of hosts in lower case are too.
pub(super) fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_separator = |text: &str| [".", "_", "__"].contains(&text) || text.bytes().all(|byte| byte == b'-');
    let ends = [text.bytes().next(), text.bytes().last()];
    ends.into_iter().all(|byte| byte.is_some_and(is_word))
        && text.split(|sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit()).all(is_separator)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_where_it_is_reached() {
        let upstream: Upstream = "public.ecr.aws".parse().unwrap();
        assert_eq!(upstream.at(PathAndQuery::from_static("/v2/")), "https://public.ecr.aws/v2/");
        let upstream: Upstream = "public.ecr.aws=http://127.0.0.1:5001/".parse().unwrap();
        assert_eq!(upstream.at(PathAndQuery::from_static("/v2/")), "http://127.0.0.1:5001/v2/");
        assert!(upstream.has(&Uri::from_static("http://127.0.0.1:5001/token")));
        assert!(!upstream.has(&Uri::from_static("http://127.0.0.1:5002/token")));
        assert!("registry=http://[::1]:5001".parse::<Upstream>().is_ok());
        for (text, error) in [
            ("", UpstreamError::Host(String::new())),
            ("UPPER.example", UpstreamError::Host("UPPER.example".to_owned())),
            ("host.example:443", UpstreamError::Host("host.example:443".to_owned())),
            ("host.example=ftp://host.example", UpstreamError::Url),
            ("host.example=host.example", UpstreamError::Url),
            ("host.example=https://host.example/path", UpstreamError::Url),
            ("host.example=https://user:password@host.example", UpstreamError::Url),
            ("host.example=http://host.example", UpstreamError::Cleartext),
            ("host.example=http://127.0.0.1.example", UpstreamError::Cleartext),
        ] {
            assert_eq!(text.parse::<Upstream>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_component_is_words_with_separators_between_them() {
        for text in ["a", "a.b", "a-b", "a--b", "a_b", "a__b", "0.9-x"] {
            assert!(is_component(text), "{text}");
        }
        for text in ["", ".", "..", "a.", ".a", "a..b", "a___b", "a._b", "a/b", "a b", "A", "a%2fb", "ä"] {
            assert!(!is_component(text), "{text}");
        }
    }

    #[test]
    fn of_many_refusals_one_leads_to_a_renewal_and_the_next_one_of_the_new_credential_is_believed() {
        let door = Door::new("host.example".parse().unwrap(), 1);
        let (got, mut renewals) = (Instant::now(), 0);
        for _ in 0..3 {
            assert!(door.asks_again(got, || renewals += 1));
        }
        std::thread::sleep(Duration::from_millis(1));
        assert!(!door.asks_again(Instant::now(), || renewals += 1));
        assert_eq!(renewals, 1);
    }

    #[test]
    fn who_is_refused_while_another_one_has_the_old_credential_forgotten_waits_for_that() {
        let (door, got, is_forgotten) =
            (Door::new("host.example".parse().unwrap(), 1), Instant::now(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let (begin, begun) = mpsc::channel();
            let (door, is_forgotten) = (&door, &is_forgotten);
            scope.spawn(move || {
                door.asks_again(got, || {
                    begin.send(()).unwrap();
                    // Time for the other one to go ahead.
                    std::thread::sleep(Duration::from_millis(50));
                    is_forgotten.store(true, Ordering::SeqCst);
                });
            });
            begun.recv().unwrap();
            assert!(door.asks_again(got, || panic!("it is forgotten once")));
            assert!(is_forgotten.load(Ordering::SeqCst), "the old credential would be asked with again");
        });
    }
}
