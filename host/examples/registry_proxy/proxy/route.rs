//! A request → what it asks for.

use http::uri::PathAndQuery;
use http::{Method, Uri};

use super::refusal::Refusal;
use super::upstream::is_component;

/// The most bytes that the name of a repository may have, and a tag.
const MAX_NAME_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;

/// What there is to ask for.
#[derive(Debug)]
pub(super) enum Route {
    /// Whether the proxy runs.
    Health,
    /// What it counts.
    Metrics,
    /// Something of an upstream's.
    Pull(Target),
    /// Whether this is a registry.
    Version,
}

/// What is asked of an upstream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The host that names the upstream.
    pub(super) upstream: String,
    /// The repository there.
    pub(super) repository: String,
    /// The path there, which is made of parts that were looked at, and the query.
    pub(super) path: PathAndQuery,
}

impl Route {
    /// What a request with this method asks for at this address.
    pub(super) fn of(method: &Method, uri: &Uri) -> Result<Self, Refusal> {
        if ![Method::GET, Method::HEAD].contains(method) {
            return Err(Refusal::Method);
        }
        match uri.path() {
            "/healthz" => Ok(Self::Health),
            "/metrics" => Ok(Self::Metrics),
            "/v2" | "/v2/" => Ok(Self::Version),
            path => Target::of(path, uri.query()).map(Self::Pull).ok_or(Refusal::Path),
        }
    }
}

impl Target {
    fn of(path: &str, query: Option<&str>) -> Option<Self> {
        let (upstream, rest) = path.strip_prefix("/v2/")?.split_once('/')?;
        let (rest, last) = rest.rsplit_once('/')?;
        let (repository, kind) = rest.rsplit_once('/')?;
        // Lists come in pieces, and the query says which one; what is named by a tag or a digest has none.
        let (is_right, query) = match kind {
            "manifests" => (is_tag(last) || is_digest(last), None),
            "blobs" => (is_digest(last), None),
            "tags" => (last == "list", query),
            "referrers" => (is_digest(last), query),
            _ => (false, None),
        };
        let is_right = is_right && is_component(upstream) && is_repository(repository);
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let path = is_right.then(|| format!("/v2/{repository}/{kind}/{last}{query}"))?;
        Some(Self { upstream: upstream.to_owned(), repository: repository.to_owned(), path: path.parse().ok()? })
    }
}

fn is_repository(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES && name.split('/').all(is_component)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG_BYTES
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// An algorithm and a hash, as in `sha256:…`.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, hash)) = text.split_once(':') else { return false };
    let is_algorithm = algorithm
        .split(['+', '.', '_', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    let is_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte);
    is_algorithm && (32..=128).contains(&hash.len()) && hash.bytes().all(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn target(path: &str) -> Option<Target> {
        match Route::of(&Method::GET, &path.parse().unwrap()) {
            Ok(Route::Pull(target)) => Some(target),
            _ => None,
        }
    }

    #[test]
    fn the_first_part_of_the_name_is_the_upstream() {
        let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
        let found = target(&format!("/v2/{host}/team/image/manifests/1.0")).unwrap();
        assert_eq!((found.upstream.as_str(), found.repository.as_str()), (host, "team/image"));
        assert_eq!(found.path, "/v2/team/image/manifests/1.0");
        for (path, there) in [
            (format!("/v2/{host}/a/blobs/{HASH}"), format!("/v2/a/blobs/{HASH}")),
            (
                format!("/v2/{host}/a/b/c/referrers/{HASH}?artifactType=x"),
                format!("/v2/a/b/c/referrers/{HASH}?artifactType=x"),
            ),
            (format!("/v2/{host}/a/tags/list?n=10&last=b"), "/v2/a/tags/list?n=10&last=b".to_owned()),
            // A repository may be called like a part of the interface.
            (format!("/v2/{host}/blobs/manifests/tags/list"), "/v2/blobs/manifests/tags/list".to_owned()),
            (format!("/v2/{host}/a/manifests/1?ns={host}"), "/v2/a/manifests/1".to_owned()),
        ] {
            assert_eq!(target(&path).unwrap().path.as_str(), there);
        }
    }

    #[test]
    fn what_is_no_pull_has_no_target() {
        for path in [
            "/v2/host.example/manifests/1",
            "/v2/host.example/a/manifests/",
            "/v2/host.example/a/manifests/.hidden",
            "/v2/host.example/a/manifests/%2e%2e",
            "/v2/host.example/../a/manifests/1",
            "/v2/host.example/a//b/manifests/1",
            "/v2/host.example/A/manifests/1",
            "/v2/HOST.example/a/manifests/1",
            "/v2/host.example:443/a/manifests/1",
            "/v2/user@host.example/a/manifests/1",
            "/v2/host.example/a/blobs/latest",
            "/v2/host.example/a/blobs/sha256:short",
            "/v2/host.example/a/blobs/uploads/",
            "/v2/host.example/a/blobs/uploads/0123-4567",
            "/v2/host.example/a/tags/other",
            "/v2/_catalog",
            "/v1/host.example/a/manifests/1",
            "/",
        ] {
            assert_eq!(target(path), None, "{path}");
        }
        let long = "a".repeat(256);
        assert_eq!(target(&format!("/v2/host.example/{long}/manifests/1")), None);
        assert!(matches!(Route::of(&Method::PUT, &Uri::from_static("/v2/h/a/manifests/1")), Err(Refusal::Method)));
    }
}
