//! The endpoint that one request names.

use keyward::{Error, Request, Resolver};
use keyward_testbed::{FakeAws, NameServer};

use crate::common::{PRIVATE, PRIVATE_API, PUBLIC, config};

#[tokio::test]
async fn the_endpoint_of_a_request_is_asked_before_that_of_the_environment_and_by_that_request_alone() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let named = fake.url();
    for registry in [PRIVATE, PUBLIC] {
        resolver.resolve(Request::new(registry).with_endpoint(&named)).await.unwrap();
    }
    resolver.resolve(PRIVATE).await.unwrap();
    let hosts: Vec<String> = fake.requests().into_iter().map(|request| request.host).collect();
    let named = named.trim_start_matches("https://");
    assert_eq!(hosts, [named, named, PRIVATE_API]);

    let elsewhere = config(&fake).with_variable("AWS_ENDPOINT_URL_ECR", "https://localhost:1");
    Resolver::new(&elsewhere).unwrap().resolve(Request::new(PRIVATE).with_endpoint(&fake.url())).await.unwrap();
}

/// As a name that the operator has given: an endpoint of one's own is in one's own network.
#[tokio::test]
async fn the_endpoint_of_a_request_may_have_a_private_address() {
    let fake = FakeAws::start();
    let names = NameServer::start(|_, _| vec!["127.0.0.1".parse().unwrap()]);
    let resolver = Resolver::new(&config(&fake).with_name_servers([names.address()])).unwrap();
    let endpoint = format!("https://ecr.example:{}/", fake.address().port());
    resolver.resolve(Request::new(PRIVATE).with_endpoint(&endpoint)).await.unwrap();
    assert_eq!(fake.requests()[0].server_name.as_deref(), Some("ecr.example"));
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_one_is_an_error_that_names_it() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    for (registry, endpoint, text) in [
        (PRIVATE, "ecr.example", "endpoint of the request is not a usable URL (it has no scheme)"),
        (
            PRIVATE,
            "https://u:hunter2@ecr.example",
            "endpoint of the request is not a usable URL (it has user information)",
        ),
        (
            "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
            "https://ecr.example",
            "and endpoint of the request cannot be combined",
        ),
    ] {
        let error = resolver.resolve(Request::new(registry).with_endpoint(endpoint)).await.unwrap_err();
        let Error::Invalid(said) = &error else { panic!("{error:?}") };
        assert!(said.contains(text) && !said.contains("hunter2"), "{said}");
    }
    assert_eq!(fake.connections_accepted(), 0);
}
