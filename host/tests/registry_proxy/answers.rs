//! What clients get from upstreams, and what upstreams hear of clients.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LINK, RANGE, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use keyward_testbed::{Answer, FakeMetadata, PASSWORD_MARK, SECRET_ACCESS_KEY};

use crate::bed::{
    Bed, FOREIGN, LAYER, MANIFEST, OTHER, REGISTRY, found, layer, login, manifest, refused, through, until,
};
use crate::client;

#[tokio::test]
async fn a_client_pulls_without_a_credential_by_that_of_each_upstream() {
    let bed = Bed::start().await;
    let version = client::get(bed.address, "/v2/").await;
    assert_eq!((version.status, version.text()), (StatusCode::OK, "{}"));
    for upstream in [REGISTRY, OTHER, REGISTRY] {
        let answered = bed.get(upstream, MANIFEST).await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        assert_eq!(answered.headers[CONTENT_TYPE], "application/vnd.oci.image.manifest.v1+json");
        assert_eq!(answered.body, manifest());
        let answered = bed.get(upstream, LAYER).await;
        assert!(answered.status == StatusCode::OK && answered.body == layer());
    }
    let (us, eu) = (Some(login("us-east-1")), Some(login("eu-west-1")));
    assert_eq!(bed.logins(), [&us, &us, &eu, &eu, &us, &us].map(Clone::clone));
    // One lookup for each registry: the others were answered from memory.
    assert_eq!(bed.aws.requests().len(), 2);
}

#[tokio::test]
async fn the_upstream_hears_what_the_client_wants_and_not_what_it_logs_in_with() {
    let bed = Bed::start().await;
    let request = Request::head(through(REGISTRY, LAYER))
        .header(ACCEPT, "application/vnd.oci.image.manifest.v1+json")
        .header(RANGE, "bytes=100-199")
        .header(AUTHORIZATION, "Basic bXk6b3du")
        .header("cookie", "session=1")
        .header("x-forwarded-for", "10.0.0.1");
    let answered = client::send(bed.address, request).await;
    assert_eq!(answered.status, StatusCode::OK);
    assert_eq!(answered.headers[CONTENT_LENGTH], layer().len().to_string());
    assert!(answered.body.is_empty());

    let requests = bed.registry.requests();
    let [seen] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("HEAD", LAYER));
    assert_eq!(seen.header("range"), Some("bytes=100-199"));
    assert_eq!(seen.header("accept"), Some("application/vnd.oci.image.manifest.v1+json"));
    assert_eq!(seen.header("authorization"), Some(login("us-east-1").as_str()));
    assert_eq!((seen.header("cookie"), seen.header("x-forwarded-for")), (None, None));
    assert_eq!(seen.host, bed.registry.address().to_string());
}

#[tokio::test]
async fn no_credential_follows_a_redirect_to_another_host() {
    let bed = Bed::start().await;
    let storage = FakeMetadata::start();
    storage.answer_always(found("application/octet-stream", layer()));
    let redirect =
        |status, to: String| Answer::Raw { status, headers: vec![("location".to_owned(), to)], body: Vec::new() };
    let within = "/v2/moved";
    bed.registry.answer_where(|request| request.path == LAYER, redirect(307, within.to_owned()));
    let signed = format!("{}/layer?X-Amz-Signature=0123", storage.url());
    bed.registry.answer_where(move |request| request.path == within, redirect(302, signed));

    let request = Request::get(through(REGISTRY, LAYER)).header(RANGE, "bytes=0-");
    let answered = client::send(bed.address, request).await;
    assert!(answered.status == StatusCode::OK && answered.body == layer());
    // It stays with the upstream first.
    assert_eq!(bed.logins(), [Some(login("us-east-1")), Some(login("us-east-1"))]);
    let seen = storage.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].path.as_str(), seen[0].header("range")), ("/layer?X-Amz-Signature=0123", Some("bytes=0-")));
    assert_eq!(seen[0].header("authorization"), None);

    // Back at the upstream, it is the storage that has sent it there.
    storage.answer_always(redirect(307, format!("{}{MANIFEST}", bed.registry.url())));
    assert_eq!(bed.get(REGISTRY, LAYER).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bed.logins().last(), Some(&None));

    bed.registry.answer_where(|request| request.path == LAYER, redirect(307, LAYER.to_owned()));
    assert_eq!(bed.get(REGISTRY, LAYER).await.status, StatusCode::BAD_GATEWAY);
    bed.registry.answer_where(|request| request.path == LAYER, redirect(307, "ftp://127.0.0.1/".to_owned()));
    assert_eq!(bed.get(REGISTRY, LAYER).await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn where_there_is_no_credential_the_upstream_is_asked_without_one() {
    let bed = Bed::start().await;
    bed.registry
        .answer_where(|request| request.header("authorization").is_none(), found("text/plain", b"public".to_vec()));
    assert_eq!(bed.get(FOREIGN, MANIFEST).await.text(), "public");
    assert_eq!(bed.logins(), [None]);

    bed.registry.answer_where(|request| request.header("authorization").is_none(), refused(401));
    let answered = bed.get(FOREIGN, MANIFEST).await;
    assert_eq!((answered.status, answered.code().as_str()), (StatusCode::UNAUTHORIZED, "DENIED"));
    // The client would send what it has for this registry.
    assert!(!answered.headers.contains_key(WWW_AUTHENTICATE));
    assert_eq!(bed.logins().len(), 2);
}

#[tokio::test]
async fn a_machine_without_credentials_pulls_what_is_there_for_everybody() {
    let bed = Bed::start_with(|settings| {
        settings.config = keyward::Config::new().with_variable("AWS_EC2_METADATA_DISABLED", "true");
    })
    .await;
    bed.registry.answer_always(found("text/plain", b"public".to_vec()));
    assert_eq!(bed.get(REGISTRY, MANIFEST).await.text(), "public");
    assert_eq!(bed.logins(), [None]);
}

#[tokio::test]
async fn a_list_goes_on_at_the_proxy() {
    let bed = Bed::start().await;
    let link = ("link".to_owned(), "</v2/team/image/tags/list?last=a&n=1>; rel=\"next\"".to_owned());
    bed.registry.answer_where(
        |request| request.path == "/v2/team/image/tags/list?n=1",
        Answer::Raw { status: 200, headers: vec![link], body: b"{\"tags\":[\"a\"]}".to_vec() },
    );
    let answered = bed.get(REGISTRY, "/v2/team/image/tags/list?n=1").await;
    assert_eq!(answered.text(), "{\"tags\":[\"a\"]}");
    let next = format!("</v2/{REGISTRY}/team/image/tags/list?last=a&n=1>; rel=\"next\"");
    assert_eq!(answered.headers[LINK], next);
}

#[tokio::test]
async fn metrics_have_how_lookups_end_what_they_cost_and_no_secret() {
    let bed = Bed::start().await;
    for path in [MANIFEST, LAYER, "/v2/team/image/manifests/missing"] {
        bed.get(REGISTRY, path).await;
    }
    bed.get(FOREIGN, MANIFEST).await;
    bed.get("unknown.example", MANIFEST).await;

    let lookups = |registry, outcome, cache| {
        format!(
            "keyward_lookups_total{{registry=\"{registry}\",outcome=\"{outcome}\",cache=\"{cache}\",refresh=\"false\"}}"
        )
    };
    // The last one was refused, and the refusal of a remembered token is looked into: it is looked up anew.
    assert_eq!(bed.metric(&lookups(REGISTRY, "found", "miss")).await, 2);
    assert_eq!(bed.metric(&lookups(REGISTRY, "found", "hit")).await, 2);
    assert_eq!(bed.metric(&lookups("", "not_our_registry", "off")).await, 1);
    let requests =
        |upstream, status| format!("registry_proxy_requests_total{{upstream=\"{upstream}\",status=\"{status}\"}}");
    assert_eq!(bed.metric(&requests(REGISTRY, "2xx")).await, 2);
    assert_eq!(bed.metric(&requests(REGISTRY, "4xx")).await, 1);
    assert_eq!(bed.metric(&requests(FOREIGN, "4xx")).await, 1);
    assert_eq!(bed.metric(&requests("", "4xx")).await, 1);
    let sent = bed.metric(&format!("registry_proxy_sent_bytes_total{{upstream=\"{REGISTRY}\"}}")).await;
    assert!(sent > (layer().len() + manifest().len()) as u64);
    assert_eq!(bed.metric("keyward_lookups_live").await, 0);
    until("nobody but who asks is connected", async || bed.metric("registry_proxy_connections").await == 1).await;
    assert!(bed.metric("keyward_lookup_requests_total").await >= 1);
    assert!(bed.metric("keyward_lookup_fuel_count").await >= 1);
    assert!(bed.metric("keyward_lookup_memory_bytes_count").await >= 1);

    let answered = client::get(bed.address, "/metrics").await;
    assert!(answered.headers[CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(answered.text().ends_with("# EOF\n"));
    let login = login("us-east-1");
    for secret in [PASSWORD_MARK, SECRET_ACCESS_KEY, login.strip_prefix("Basic ").unwrap()] {
        assert!(!answered.text().contains(secret), "a secret is in the metrics");
    }
    assert!(!answered.text().contains("unknown.example"), "what a client writes is a label");
}
