//! Which headers go on, in each direction.

use http::HeaderMap;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALT_SVC, CONNECTION, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LINK, PROXY_AUTHENTICATE, RANGE, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT, WWW_AUTHENTICATE,
};

use super::upstream::Upstream;

/// What an upstream hears of a client's request. Not what the client would log in with: that is not the upstream's.
const OF_REQUESTS: [HeaderName; 9] = [
    ACCEPT,
    ACCEPT_ENCODING,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    USER_AGENT,
];

/// What is between the proxy and the upstream alone: this connection, this host, and how to log in there. Who got the challenge of another
/// registry would send what it has for this one.
const NOT_OF_ANSWERS: [HeaderName; 12] = [
    ALT_SVC,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-connection"),
    SET_COOKIE,
    STRICT_TRANSPORT_SECURITY,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    WWW_AUTHENTICATE,
];

/// The headers of a request to an upstream.
pub(super) fn of_request(client: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in &OF_REQUESTS {
        for value in client.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// Makes the headers of an upstream's answer those of the client's.
pub(super) fn of_answer(headers: &mut HeaderMap, upstream: &Upstream) {
    let of_connection: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in of_connection.iter().chain(&NOT_OF_ANSWERS) {
        headers.remove(name);
    }
    if let Some(link) = headers.remove(LINK).as_ref().and_then(|link| next_piece(link, upstream)) {
        headers.insert(LINK, link);
    }
}

/// Where the next piece of a list is, as clients of the proxy ask for it: below the upstream's name.
fn next_piece(link: &HeaderValue, upstream: &Upstream) -> Option<HeaderValue> {
    let (target, parameters) = link.to_str().ok()?.strip_prefix('<')?.split_once('>')?;
    let path = match target.parse::<http::Uri>().ok()?.into_parts() {
        parts if parts.authority.is_none() => parts.path_and_query?,
        parts => {
            let host = parts.authority.as_ref()?.host();
            let path = parts.path_and_query?;
            // Registries call themselves by the name that images have, or by that which they were reached by.
            (host == upstream.host() || host == upstream.at(path.clone()).host()?).then_some(path)?
        }
    };
    let rest = path.as_str().strip_prefix("/v2/")?;
    format!("</v2/{}/{rest}>{parameters}", upstream.host()).parse().ok()
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};

    use super::*;

    #[test]
    fn an_upstream_hears_nothing_that_a_client_logs_in_with() {
        let mut client = HeaderMap::new();
        for (name, value) in [(AUTHORIZATION, "Basic x"), (COOKIE, "y"), (HOST, "z"), (CONNECTION, "close")] {
            client.insert(name, HeaderValue::from_static(value));
        }
        client.append(ACCEPT, HeaderValue::from_static("a/b"));
        client.append(ACCEPT, HeaderValue::from_static("c/d"));
        client.insert(RANGE, HeaderValue::from_static("bytes=1-2"));
        let headers = of_request(&client);
        assert_eq!(headers.get_all(ACCEPT).iter().count(), 2);
        assert_eq!(headers[RANGE], "bytes=1-2");
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn what_belongs_to_the_upstreams_connection_stays_there() {
        let upstream = "host.example".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("www-authenticate", "Basic realm=\"r\""),
            ("set-cookie", "a=b"),
            ("content-type", "text/plain"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        of_answer(&mut headers, &upstream);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn the_next_piece_of_a_list_is_below_the_name_of_the_upstream() {
        let upstream = "host.example=https://127.0.0.1:5001".parse().unwrap();
        let link = |text| next_piece(&HeaderValue::from_static(text), &upstream);
        let next = "</v2/host.example/a/tags/list?n=1&last=b>; rel=\"next\"";
        assert_eq!(link("</v2/a/tags/list?n=1&last=b>; rel=\"next\"").unwrap(), next);
        assert_eq!(link("<https://host.example/v2/a/tags/list?n=1&last=b>; rel=\"next\"").unwrap(), next);
        assert_eq!(link("<https://127.0.0.1:5001/v2/a/tags/list?n=1&last=b>; rel=\"next\"").unwrap(), next);
        assert_eq!(link("<https://other.example/v2/a/tags/list?n=1&last=b>; rel=\"next\""), None);
        assert_eq!(link("</elsewhere>; rel=\"next\""), None);
        assert_eq!(link("nothing"), None);
    }
}
