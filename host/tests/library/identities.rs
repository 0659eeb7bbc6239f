//! Sources that fail for a while, or change between two lookups: through the real component, against the fakes.

use std::fs;

use keyward::{Budget, CancelToken, Config, Error, Lookup, Request, Resolver};
use keyward_testbed::{Answer, Identities, Identity, Role, SECRET_MARK};

use crate::common::PRIVATE;

fn named(identities: &Identities, name: &str) -> Identity {
    identities.all().into_iter().find(|identity| identity.name == name).unwrap()
}

fn config(identities: &Identities, identity: &Identity) -> Config {
    let variables = identities.variables().into_iter().chain(identity.variables.clone());
    variables.fold(Config::new().without_cache(), |config, (name, value)| config.with_variable(name, &value))
}

async fn look_up(config: &Config, request: impl Into<Request>) -> Lookup {
    Resolver::new(config).unwrap().look_up(request, &Budget::default(), &CancelToken::new()).await
}

fn refusal(status: u16) -> Answer {
    Answer::Raw { status, headers: Vec::new(), body: Vec::new() }
}

const TOKEN: &str = "PUT /latest/api/token";
const ROLES: &str = "GET /latest/meta-data/iam/security-credentials/";
const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/node";

#[tokio::test]
async fn every_source_makes_the_requests_that_it_takes_and_no_other() {
    for index in 0.. {
        let identities = Identities::start();
        let Some(identity) = identities.all().into_iter().nth(index) else { break };
        let lookup = look_up(&config(&identities, &identity).with_credential_process(true), PRIVATE).await;
        lookup.result.unwrap_or_else(|error| panic!("{}: {error}", identity.name));
        assert_eq!(identities.asked(), [identity.requests, &["ECR"]].concat(), "{}", identity.name);
    }
}

#[tokio::test]
async fn a_token_of_instance_metadata_that_ends_between_two_requests_is_replaced_by_a_new_one() {
    let identities = Identities::start();
    identities.metadata.answer_next(Answer::Token);
    identities.metadata.answer_next(refusal(401));
    let lookup = look_up(&config(&identities, &named(&identities, "instance")), PRIVATE).await;
    lookup.result.unwrap();
    assert_eq!(identities.asked(), [TOKEN, ROLES, TOKEN, ROLES, ROLE, "ECR"]);
}

#[tokio::test]
async fn instance_metadata_that_fails_for_a_moment_is_asked_again() {
    let identities = Identities::start();
    identities.metadata.answer_next(refusal(503));
    identities.metadata.answer_next(Answer::Token);
    identities.metadata.answer_next(refusal(500));
    let lookup = look_up(&config(&identities, &named(&identities, "instance")), PRIVATE).await;
    lookup.result.unwrap();
    assert_eq!(identities.asked(), [TOKEN, TOKEN, ROLES, ROLES, ROLE, "ECR"]);
}

#[tokio::test]
async fn instance_metadata_that_refuses_the_token_is_no_missing_source() {
    let identities = Identities::start();
    identities.metadata.answer_always(refusal(403));
    let lookup = look_up(&config(&identities, &named(&identities, "instance")), PRIVATE).await;
    assert!(matches!(&lookup.result, Err(Error::Denied(text)) if text.contains("403")), "{lookup:?}");
    assert_eq!(identities.asked(), [TOKEN]);
}

#[tokio::test]
async fn an_instance_whose_token_never_comes_through_the_hop_limit_has_no_credentials_and_says_what_to_change() {
    let identities = Identities::start();
    identities.metadata.set_hop_limit_reached(true);
    let lookup = look_up(&config(&identities, &named(&identities, "instance")), PRIVATE).await;
    let Err(Error::NoCredentials(text)) = &lookup.result else { panic!("{lookup:?}") };
    assert!(text.contains("--http-put-response-hop-limit 2"), "{text}");
    assert_eq!(identities.asked(), [TOKEN]);
}

#[tokio::test]
async fn services_that_throttle_are_asked_again_and_get_their_answer_in() {
    for name in ["web identity in the environment", "IAM Identity Center, token that is over", "container"] {
        let identities = Identities::start();
        let identity = named(&identities, name);
        for _ in 0..2 {
            let throttled = Answer::aws_error(400, "ThrottlingException", "slower");
            if name == "container" {
                identities.metadata.answer_next(refusal(429));
            } else {
                identities.aws.answer_next(throttled);
            }
        }
        let lookup = look_up(&config(&identities, &identity), PRIVATE).await;
        lookup.result.unwrap_or_else(|error| panic!("{name}: {error}"));
        let first = identity.requests[0];
        assert_eq!(identities.asked(), [&[first, first], identity.requests, &["ECR"]].concat(), "{name}");
    }
}

/// Such tokens live for an hour, and those of containers for less.
#[tokio::test]
async fn a_token_file_is_read_again_by_every_lookup() {
    let changed = format!("{SECRET_MARK}/changed");
    for (name, variable) in [
        ("web identity in the environment", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    ] {
        let identities = Identities::start();
        let identity = named(&identities, name);
        let resolver = Resolver::new(&config(&identities, &identity)).unwrap();
        resolver.resolve(PRIVATE).await.unwrap();
        identities.aws.add_role(Role::new("arn:aws:iam::123456789012:role/puller").with_web_identity_token(&changed));
        identities.metadata.set_container_authorization("/v1/credentials", &changed);
        let before = resolver.resolve(PRIVATE).await;
        assert!(matches!(before, Err(Error::Denied(_) | Error::Invalid(_))), "{name}: {before:?}");
        let file = identity.variables.iter().find(|(key, _)| *key == variable).unwrap();
        fs::write(&file.1, &changed).unwrap();
        resolver.resolve(PRIVATE).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn a_request_names_a_role_and_the_fake_gives_it_to_the_identity_that_was_found() {
    let identities = Identities::start();
    let keys = config(&identities, &named(&identities, "environment"));
    let role = Request::new(PRIVATE).with_role_arn("arn:aws:iam::123456789012:role/puller").with_session_name("ci");
    look_up(&keys, role).await.result.unwrap();
    let asked = identities.aws.requests();
    assert_eq!(asked[0].parameter("RoleSessionName").as_deref(), Some("ci"));
    assert_eq!(asked[0].access_key_id.as_deref(), Some(keyward_testbed::ACCESS_KEY_ID));
    assert_eq!(asked[1].access_key_id.as_deref(), Some("ASIAROLE"));

    // A service account's token takes the place of all sources, and nothing is signed with the keys of the environment.
    let identities = Identities::start();
    let keys = config(&identities, &named(&identities, "environment"));
    let token = keyward::Secret::new(format!("{SECRET_MARK}/token"));
    let role = Request::new(PRIVATE).with_role_arn("arn:aws:iam::123456789012:role/puller");
    look_up(&keys, role.with_service_account_token(token)).await.result.unwrap();
    assert_eq!(identities.asked(), ["AssumeRoleWithWebIdentity", "ECR"]);
}

#[tokio::test]
async fn a_region_of_the_request_is_that_of_sts_and_not_of_the_registry() {
    let identities = Identities::start();
    let web_identity = config(&identities, &named(&identities, "web identity in the environment"));
    let profile = named(&identities, "two roles, one with the keys of the other");
    let request = Request::new(PRIVATE).with_region("eu-central-1");
    look_up(&config(&identities, &profile), request.clone()).await.result.unwrap();
    let scopes: Vec<_> = identities.aws.requests().into_iter().filter_map(|request| request.scope).collect();
    let regions: Vec<_> = scopes.iter().map(|scope| (scope.service.as_str(), scope.region.as_str())).collect();
    assert_eq!(regions, [("sts", "eu-central-1"), ("sts", "eu-central-1"), ("ecr", "us-east-1")]);
    look_up(&web_identity, request).await.result.unwrap();
}
