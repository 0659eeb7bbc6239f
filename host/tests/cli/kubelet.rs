//! The kubelet's credential provider, through the whole program. src/frontend/kubelet/tests.rs has the protocol's details.

use std::fs;
use std::time::Duration;

use keyward_testbed::{ACCESS_KEY_ID, Answer, DEFAULT_ACCOUNT, FakeAws, Role, SeenRequest, private_password};
use serde_json::{Value, json};

use crate::harness::{Call, Outcome, PRIVATE};

const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/other";
const TOKEN: &str = "header.payload-hunter2.signature";
/// A role for the node, with what belongs to it.
const NODE_ROLE: [&str; 6] = ["--role-arn", OTHER_ROLE, "--external-id", "ticket/42", "--session-name", "node-7"];
const ANNOTATION: &str = "eks.amazonaws.com/ecr-role-arn";

/// A request of `v1` for an image of the registry.
fn request(registry: &str) -> Value {
    json!({
        "kind": "CredentialProviderRequest",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": format!("{registry}/team/image"),
    })
}

/// The same for a pod with a service account.
fn request_of_pod(role: Option<&str>) -> Value {
    let mut request = request(PRIVATE);
    request["serviceAccountToken"] = TOKEN.into();
    if let Some(role) = role {
        request["serviceAccountAnnotations"] = json!({ ANNOTATION: role });
    }
    request
}

/// A fake that gives out the roles for the token.
fn fake() -> FakeAws {
    let fake = FakeAws::start();
    for role in [ROLE, OTHER_ROLE] {
        fake.add_role(Role::new(role).with_web_identity_token(TOKEN).with_expired_web_identity_token("over.hunter2.x"));
    }
    fake
}

/// The token is in nothing that the command says.
fn run(call: Call, request: &Value) -> Outcome {
    let outcome = call.input(request.to_string()).run();
    for said in [&outcome.output, &outcome.errors] {
        assert!(!said.contains("hunter2"), "the token is in {said}");
    }
    outcome
}

fn kubelet(fake: &FakeAws) -> Call {
    Call::keyward(&["kubelet"]).against(fake)
}

#[track_caller]
fn response(outcome: &Outcome) -> Value {
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    serde_json::from_str(&outcome.output).unwrap()
}

/// What was asked: STS's action, or `ECR`.
fn asked(fake: &FakeAws) -> Vec<String> {
    let name = |request: SeenRequest| match request.header("x-amz-target") {
        Some(_) => "ECR".to_owned(),
        None => request.parameter("Action").unwrap(),
    };
    fake.requests().into_iter().map(name).collect()
}

#[test]
fn every_version_and_both_names_get_the_credential_of_the_images_registry() {
    let fake = FakeAws::start();
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    for version in ["v1", "v1beta1", "v1alpha1"] {
        for registry in [PRIVATE.to_owned(), format!("{PRIVATE}:443")] {
            let mut request = request(&registry);
            request["apiVersion"] = format!("credentialprovider.kubelet.k8s.io/{version}").into();
            for call in [Call::keyward(&["kubelet"]), Call::named("ecr-credential-provider", &[])] {
                let outcome = run(call.against(&fake), &request);
                let kept = response(&outcome)["cacheDuration"].as_str().unwrap().to_owned();
                // A token of ECR lives for twelve hours, and some moments of them may have passed.
                let has_hours = ["6h0m0s", "5h", "4h59m"].iter().any(|hours| kept.starts_with(hours));
                assert!(has_hours, "{kept}");
                let expected = format!(
                    "{{\"kind\":\"CredentialProviderResponse\",\
                     \"apiVersion\":\"credentialprovider.kubelet.k8s.io/{version}\",\"cacheKeyType\":\"Registry\",\
                     \"cacheDuration\":\"{kept}\",\
                     \"auth\":{{\"{registry}\":{{\"username\":\"AWS\",\"password\":\"{password}\"}}}}}}\n"
                );
                assert_eq!(outcome.output, expected);
            }
        }
    }
}

#[test]
fn a_token_whose_life_is_over_is_not_kept() {
    let fake = FakeAws::start();
    fake.set_token_lifetime(Duration::ZERO);
    let outcome = run(kubelet(&fake), &request(PRIVATE));
    assert_eq!(response(&outcome)["cacheDuration"], "0s");
}

#[test]
fn registries_of_others_get_nothing_and_nobody_is_asked_about_them_even_with_a_token() {
    let fake = fake();
    for host in ["docker.io/library", "registry.k8s.io", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com"] {
        let mut request = request_of_pod(Some(ROLE));
        request["image"] = format!("{host}/image").into();
        let response = response(&run(kubelet(&fake), &request));
        assert_eq!((&response["auth"], &response["cacheDuration"]), (&Value::Null, &"0s".into()));
    }
    assert_eq!(fake.connections_accepted(), 0);
}

#[test]
fn without_credentials_the_public_registry_is_anonymous_and_a_private_one_is_a_failure() {
    let call = || Call::keyward(&["kubelet"]);
    assert_eq!(response(&run(call(), &request("public.ecr.aws")))["auth"], Value::Null);
    let outcome = run(call(), &request(PRIVATE));
    assert_eq!((outcome.status, outcome.output.as_str()), (1, ""));
    assert!(outcome.errors.contains("AWS_ACCESS_KEY_ID is not set"), "{outcome:?}");
}

#[test]
fn a_failure_says_nothing_on_the_standard_output_so_that_nothing_is_kept() {
    let fake = FakeAws::start();
    for answer in [
        Answer::aws_error(400, "AccessDeniedException", "no"),
        Answer::aws_error(400, "ThrottlingException", "slower"),
        Answer::DropConnection,
        Answer::Silence,
    ] {
        fake.answer_next(answer);
        let call = kubelet(&fake).argument("--deadline=0.5").variable("AWS_MAX_ATTEMPTS", "1");
        let outcome = run(call, &request(PRIVATE));
        assert_eq!((outcome.status, outcome.output.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.errors.starts_with("error: ") && outcome.errors.lines().count() == 1, "{outcome:?}");
    }
}

#[test]
fn the_token_of_a_service_account_is_exchanged_for_the_role_of_its_annotation() {
    let fake = fake();
    let call = kubelet(&fake).variable("AWS_ECR_ROLE_ARN", OTHER_ROLE);
    let response = response(&run(call, &request_of_pod(Some(ROLE))));
    assert_eq!(response["auth"][PRIVATE]["username"], "AWS");
    assert_eq!(asked(&fake), ["AssumeRoleWithWebIdentity", "ECR"]);
    let [exchange, token] = &fake.requests()[..] else { unreachable!() };
    for (name, value) in
        [("RoleArn", ROLE), ("WebIdentityToken", TOKEN), ("RoleSessionName", "ecr-credential-provider")]
    {
        assert_eq!(exchange.parameter(name).as_deref(), Some(value));
    }
    // The node's keys are there, and sign nothing.
    assert_eq!(exchange.access_key_id, None);
    assert_eq!(token.access_key_id.as_deref(), Some(Role::new(ROLE).keys().access_key_id.as_str()));
}

#[test]
fn a_service_account_that_names_no_role_has_that_of_the_environment() {
    for (flags, session) in [(&[][..], "ecr-credential-provider"), (&NODE_ROLE, "node-7")] {
        let fake = fake();
        let call = flags.iter().fold(kubelet(&fake), |call, flag| call.argument(flag));
        response(&run(call.variable("AWS_ECR_ROLE_ARN", ROLE), &request_of_pod(None)));
        assert_eq!(asked(&fake), ["AssumeRoleWithWebIdentity", "ECR"]);
        let exchange = &fake.requests()[0];
        assert_eq!(exchange.parameter("RoleArn").as_deref(), Some(ROLE));
        assert_eq!(exchange.parameter("RoleSessionName").as_deref(), Some(session));
    }
}

/// The role of a flag or of a rule trusts the node, and no service account.
#[test]
fn a_role_of_the_settings_is_assumed_with_the_nodes_keys_whether_a_token_comes_or_not() {
    for request in [request_of_pod(None), request(PRIVATE)] {
        let fake = FakeAws::start();
        fake.add_role(Role::new(OTHER_ROLE));
        let call = NODE_ROLE.iter().fold(kubelet(&fake), |call, flag| call.argument(flag));
        response(&run(call, &request));
        assert_eq!(asked(&fake), ["AssumeRole", "ECR"]);
        let assumed = &fake.requests()[0];
        assert_eq!(assumed.access_key_id.as_deref(), Some(ACCESS_KEY_ID));
        for (name, value) in [("RoleArn", OTHER_ROLE), ("ExternalId", "ticket/42"), ("RoleSessionName", "node-7")] {
            assert_eq!(assumed.parameter(name).as_deref(), Some(value));
        }
    }
}

#[test]
fn a_rule_with_a_path_is_for_its_images_which_the_kubelet_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyward.toml");
    let rules = format!(
        "[[registry]]\nmatch = '{PRIVATE}/team/'\nrole-arn = '{OTHER_ROLE}'\n\
         [[registry]]\nmatch = '*.dkr.ecr.us-*.amazonaws.com'\nrole-arn = '{ROLE}'\n"
    );
    fs::write(&file, rules).unwrap();
    let other = "210987654321.dkr.ecr.us-east-1.amazonaws.com";
    for (image, registry, role, key) in [
        (format!("{PRIVATE}/team/image:1"), PRIVATE.to_owned(), OTHER_ROLE, "Image"),
        (format!("{PRIVATE}:443/team/image:1"), format!("{PRIVATE}:443"), OTHER_ROLE, "Image"),
        // Kept for the registry, it would be taken for the images of the other rule too.
        (format!("{PRIVATE}/image"), PRIVATE.to_owned(), ROLE, "Image"),
        (format!("{other}/team/image"), other.to_owned(), ROLE, "Registry"),
    ] {
        let fake = FakeAws::start();
        fake.add_role(Role::new(OTHER_ROLE));
        fake.add_role(Role::new(ROLE));
        let mut request = request(PRIVATE);
        request["image"] = image.as_str().into();
        let response = response(&run(kubelet(&fake).variable("KEYWARD_CONFIG", &file), &request));
        assert_eq!(fake.requests()[0].parameter("RoleArn").as_deref(), Some(role), "{image}");
        assert_eq!(response["cacheKeyType"], key, "{image}");
        assert_eq!(response["auth"][&registry]["username"], "AWS", "{image}");
    }
}

#[test]
fn a_default_role_that_cannot_be_read_fails_the_pull() {
    use std::os::unix::ffi::OsStrExt;
    let fake = fake();
    let call = kubelet(&fake).variable("AWS_ECR_ROLE_ARN", std::ffi::OsStr::from_bytes(b"arn:\xff"));
    let outcome = run(call, &request_of_pod(None));
    assert_eq!((outcome.status, outcome.output.as_str()), (1, ""));
    assert!(outcome.errors.contains("AWS_ECR_ROLE_ARN is not UTF-8"), "{outcome:?}");
    assert_eq!(fake.connections_accepted(), 0);
}

#[test]
fn a_token_that_no_role_is_named_for_and_a_role_that_no_token_is_sent_for_mean_the_node() {
    for (request, role) in [(request_of_pod(None), ""), (request_of_pod(Some("")), ""), (request(PRIVATE), ROLE)] {
        let fake = fake();
        response(&run(kubelet(&fake).variable("AWS_ECR_ROLE_ARN", role), &request));
        assert_eq!(asked(&fake), ["ECR"]);
        assert_eq!(fake.requests()[0].access_key_id.as_deref(), Some(ACCESS_KEY_ID));
    }
}

/// The node may pull more than the pod: its identity in the place of the role would be a gift.
#[test]
fn a_role_that_was_asked_for_never_falls_back_to_the_nodes_identity() {
    let unknown = "arn:aws:iam::123456789012:role/unknown";
    let mut over = request_of_pod(Some(ROLE));
    over["serviceAccountToken"] = "over.hunter2.x".into();
    let mut wrong = request_of_pod(Some(ROLE));
    wrong["serviceAccountToken"] = "wrong.hunter2.x".into();
    let mut without_token = request(PRIVATE);
    without_token["serviceAccountAnnotations"] = json!({ ANNOTATION: ROLE });
    let refused = |request: &Value, default_role: &str, answer: Option<Answer>| {
        let fake = fake();
        if let Some(answer) = answer {
            fake.answer_always(answer);
        }
        let call = kubelet(&fake).argument("--deadline=0.5").variable("AWS_MAX_ATTEMPTS", "1");
        let outcome = run(call.variable("AWS_ECR_ROLE_ARN", default_role), request);
        assert_eq!((outcome.status, outcome.output.as_str()), (1, ""), "{outcome:?}");
        assert_eq!(outcome.errors.lines().count(), 1, "{outcome:?}");
        assert!(!asked(&fake).contains(&"ECR".to_owned()), "{request} led to a token of ECR");
        outcome.errors
    };
    for request in [request_of_pod(Some(unknown)), over, wrong] {
        // Another role that would be given out is no way out either.
        assert!(refused(&request, OTHER_ROLE, None).contains("AssumeRoleWithWebIdentity"));
    }
    assert!(refused(&request_of_pod(None), unknown, None).contains("AssumeRoleWithWebIdentity"));
    for answer in [Answer::aws_error(500, "ServerException", "oh"), Answer::DropConnection, Answer::Silence] {
        refused(&request_of_pod(Some(ROLE)), "", Some(answer));
    }
    assert!(refused(&without_token, "", None).contains("tokenAttributes"));
    assert!(refused(&request_of_pod(Some("puller")), OTHER_ROLE, None).contains(ANNOTATION));
    assert!(refused(&request_of_pod(None), "puller", None).contains("AWS_ECR_ROLE_ARN is not the ARN of a role"));
}

#[test]
fn the_arguments_of_the_kubelets_configuration_are_those_of_the_command() {
    let fake = FakeAws::start();
    // kOps and others write "get-credentials".
    for arguments in [&["get-credentials"][..], &["get-credentials", "--deadline=10"], &["--deadline", "10"]] {
        let call = Call::named("ecr-credential-provider", arguments).against(&fake);
        assert_eq!(response(&run(call, &request(PRIVATE)))["auth"][PRIVATE]["username"], "AWS", "{arguments:?}");
    }
    for arguments in [&["--unknown"][..], &["get"], &["get-credentials", "twice"]] {
        for call in
            [Call::named("ecr-credential-provider", arguments), Call::keyward(&[&["kubelet"], arguments].concat())]
        {
            let outcome = run(call.against(&fake), &request(PRIVATE));
            assert_eq!((outcome.status, outcome.output.as_str()), (2, ""), "{arguments:?}");
        }
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_not_repeated() {
    let fake = fake();
    let mut request = request_of_pod(Some(ROLE));
    request["unknown"] = TOKEN.into();
    let outcome = run(kubelet(&fake), &request);
    assert_eq!((outcome.status, outcome.output.as_str()), (1, ""));
    assert!(
        outcome
            .errors
            .starts_with("error: the request is not one of credentialprovider.kubelet.k8s.io/v1 (line 1, column ")
    );
    assert_eq!(fake.connections_accepted(), 0);
}
