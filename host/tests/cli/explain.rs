//! `keyward explain`: everything about one lookup, and never a secret.

use keyward_testbed::{AccessKeys, Answer, FakeAws, Fault, FaultServer, Identities, PASSWORD_MARK, SECRET_MARK};
use serde_json::Value;

use crate::harness::{Call, Outcome, PRIVATE};

/// Explains something, and looks for secrets in that beyond those that the harness looks for.
fn explained(call: Call, secrets: &[&str]) -> Outcome {
    let outcome = call.run();
    for secret in secrets.iter().chain(&[PASSWORD_MARK, SECRET_MARK]) {
        assert!(!outcome.output.contains(secret), "{secret} is in {}", outcome.output);
        assert!(!outcome.errors.contains(secret), "{secret} is in {}", outcome.errors);
    }
    assert!(outcome.output.lines().all(|line| line.chars().count() <= 100) || outcome.output.starts_with('{'));
    outcome
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.output).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

#[test]
fn a_lookup_that_works_is_explained_without_its_password() {
    let fake = FakeAws::start();
    let outcome = explained(Call::keyward(&["explain", PRIVATE]).against(&fake), &[]);
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    for said in [
        &format!("address   {PRIVATE}\n"),
        "a private registry of account 123456789012, region us-east-1, partition aws\n",
        "no rule matches",
        "cache     there is none\n",
        &format!("ecr: {}, for us-east-1 (AWS_ENDPOINT_URL)\n", fake.url()),
        "environment: found (",
        "access key ****0001\n",
        &format!("GetAuthorizationToken of {}", fake.url()),
        "status 200",
        "of 5 s, ",
        "1 of 64",
        "a password for AWS, good until ",
        "docker    gets this password",
    ] {
        assert!(outcome.output.contains(said), "{said} is not in {}", outcome.output);
    }
    assert!(outcome.output.lines().count() <= 40);
}

#[test]
fn for_programs_it_is_an_object() {
    let fake = FakeAws::start();
    let call = Call::keyward(&["explain", PRIVATE, "--json", "--deadline", "60"]).against(&fake);
    let outcome = explained(call.variable("AWS_REGION", "eu-west-1"), &[]);
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    let explanation = json(&outcome);
    assert_eq!(explanation["registry"]["account"], "123456789012");
    assert_eq!(explanation["identity"]["region"], "eu-west-1 (AWS_REGION)");
    assert_eq!(explanation["sources"][0]["outcome"], "found");
    assert_eq!(explanation["requests"][0]["status"], 200);
    assert_eq!(explanation["requests"][0]["address"], fake.address().to_string());
    assert_eq!(explanation["budget"]["milliseconds"]["allowed"], 60_000);
    assert!(explanation["budget"]["fuel"]["used"].as_u64().unwrap() > 0);
    assert_eq!(explanation["outcome"]["username"], "AWS");
    assert!(explanation["outcome"]["secondsLeft"].as_u64().unwrap() > 0);
}

#[test]
fn without_credentials_every_source_says_what_it_misses_and_docker_would_pull_anonymously() {
    let outcome = explained(Call::keyward(&["explain", PRIVATE]), &[]);
    assert_eq!((outcome.status, outcome.errors.as_str()), (4, ""), "{outcome:?}");
    for said in [
        "environment: not configured",
        "profile: not configured",
        "web identity: not configured",
        "container: not configured",
        "instance metadata: not configured",
        "AWS_EC2_METADATA_DISABLED is true",
        "no AWS credentials are configured (exit status 4)",
        "'no basic auth credentials'",
        "0 of 64",
    ] {
        assert!(outcome.output.contains(said), "{said} is not in {}", outcome.output);
    }
}

#[test]
fn a_refusal_of_aws_is_told_without_what_it_repeats() {
    let fake = FakeAws::start();
    fake.add_keys(AccessKeys::new("ASIASECRETS", "the-secret-key").with_session_token("the-session-token"));
    let message = "no the-secret-key and the-session-token";
    fake.answer_next(Answer::aws_error(403, "AccessDeniedException", message));
    let call = Call::keyward(&["explain", PRIVATE]).against(&fake).variable("AWS_ACCESS_KEY_ID", "ASIASECRETS");
    let call =
        call.variable("AWS_SECRET_ACCESS_KEY", "the-secret-key").variable("AWS_SESSION_TOKEN", "the-session-token");
    let outcome = explained(call, &["the-secret-key", "the-session-token", "ASIASECRETS"]);
    assert_eq!((outcome.status, outcome.errors.as_str()), (5, ""), "{outcome:?}");
    for said in ["access key ****RETS with a session token", "status 403", "failed (exit status 5): ", "AccessDenied"] {
        assert!(outcome.output.contains(said), "{said} is not in {}", outcome.output);
    }
    assert!(
        outcome.output.contains("docker    shows what went wrong and pulls anonymously all the same"),
        "{outcome:?}"
    );
}

#[test]
fn a_server_that_never_answers_is_told_with_what_was_waited_for() {
    let server = FaultServer::start(Fault::Silence);
    let call = |arguments: &[&str]| {
        let arguments = [&["explain", PRIVATE, "--deadline", "2"], arguments].concat();
        Call::keyward(&arguments).trusting(server.authority()).variable("AWS_ENDPOINT_URL", server.url())
    };
    let outcome = explained(call(&[]), &[]);
    assert_eq!(outcome.status, 9, "{outcome:?}");
    let words = outcome.output.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("given up before its answer was there"), "{outcome:?}");
    assert!(words.contains("no credential within 2s, while it waited for the answer of"), "{outcome:?}");
    let explanation = json(&explained(call(&["--json"]), &[]));
    assert_eq!(explanation["outcome"]["error"], "timeout");
    let requests = explanation["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1, "{explanation}");
    assert_eq!(requests[0]["failure"], "given up before its answer was there");
}

#[test]
fn a_source_that_takes_all_of_the_time_is_told_to_be_not_finished() {
    let server = FaultServer::start(Fault::Silence);
    let role = "arn:aws:iam::123456789012:role/Reader";
    let call = Call::keyward(&["explain", PRIVATE, "--json", "--deadline", "2", "--role-arn", role]);
    let outcome = explained(call.trusting(server.authority()).variable("AWS_ENDPOINT_URL", server.url()), &[]);
    assert_eq!(outcome.status, 9, "{outcome:?}");
    let explanation = json(&outcome);
    let sources = explanation["sources"].as_array().unwrap();
    let told: Vec<_> = sources.iter().map(|source| [&source["name"], &source["outcome"]]).collect();
    assert_eq!(told, [["environment", "found"], ["role", "not finished"]]);
}

#[test]
fn a_secret_in_an_address_is_not_told() {
    for address in [
        "https://u:hunter2@registry.example/x?X-Amz-Signature=hunter2",
        &format!("https://u:hunter2@{PRIVATE}/x?X-Amz-Signature=hunter2#hunter2"),
    ] {
        for format in [&[][..], &["--json"]] {
            let outcome = explained(Call::keyward(&[&["explain", address], format].concat()), &["hunter2", "X-Amz"]);
            assert!(outcome.output.contains("https://***@"), "{outcome:?}");
        }
        let outcome = explained(Call::keyward(&["config", "check", "--registry", address]), &["hunter2", "X-Amz"]);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        assert!(outcome.output.contains("https://***@"), "{outcome:?}");
    }
}

#[test]
fn compat_is_told_in_what_docker_makes_of_a_failure() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::aws_error(403, "AccessDeniedException", "no"));
    let call = Call::keyward(&["explain", PRIVATE, "--json"]).against(&fake).variable("KEYWARD_COMPAT", "true");
    let outcome = explained(call, &[]);
    assert_eq!(outcome.status, 5, "{outcome:?}");
    assert!(json(&outcome)["docker"].as_str().unwrap().contains("since --compat (KEYWARD_COMPAT) is set"));
}

#[test]
fn the_region_of_the_environment_is_told_by_the_variable_that_has_it() {
    let region = |variables: &[(&str, &str)]| {
        let call = Call::keyward(&["explain", "registry.example", "--json"]);
        let call = variables.iter().fold(call, |call, (name, value)| call.variable(name, value));
        json(&explained(call, &[]))["identity"]["region"].as_str().unwrap().to_owned()
    };
    let default = ("AWS_DEFAULT_REGION", "eu-west-2");
    assert_eq!(region(&[default]), "eu-west-2 (AWS_DEFAULT_REGION)");
    assert_eq!(region(&[default, ("AWS_REGION", "eu-west-1")]), "eu-west-1 (AWS_REGION)");
}

#[test]
fn a_metadata_service_that_takes_connections_and_says_nothing_is_a_source_that_was_not_reached() {
    let server = FaultServer::start(Fault::Silence);
    let call = Call::keyward(&["explain", PRIVATE, "--json", "--deadline", "600"])
        .variable("SSL_CERT_FILE", server.authority().ca_file())
        .variable("AWS_EC2_METADATA_DISABLED", "false")
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url());
    let outcome = explained(call, &[]);
    assert_eq!(outcome.status, 4, "{outcome:?}");
    let explanation = json(&outcome);
    let source = &explanation["sources"][4];
    assert_eq!((source["name"].as_str(), source["outcome"].as_str()), (Some("instance metadata"), Some("not reached")));
    assert!(source["detail"].as_str().unwrap().contains("--http-put-response-hop-limit 2"), "{source}");
    // It is given a second.
    assert!(source["milliseconds"].as_u64().unwrap() >= 1000, "{source}");
    assert_eq!(explanation["requests"][0]["failure"], "no answer in time");
}

#[test]
fn what_is_no_registry_of_ecr_is_told_without_looking_anything_up() {
    let outcome = explained(Call::keyward(&["explain", "registry.example/team/image"]), &[]);
    assert_eq!((outcome.status, outcome.errors.as_str()), (3, ""), "{outcome:?}");
    for said in ["no registry of Amazon ECR", "alias", "was not asked", "nothing was looked up", "goes on without"] {
        assert!(outcome.output.contains(said), "{said} is not in {}", outcome.output);
    }
    let outcome = explained(Call::keyward(&["explain", "registry.example", "--json"]), &[]);
    assert_eq!((outcome.status, &json(&outcome)["registry"]), (3, &Value::Null));
}

#[test]
fn settings_that_make_no_sense_are_an_error_as_everywhere() {
    let outcome = explained(Call::keyward(&["explain", PRIVATE]).variable("KEYWARD_DEADLINE", "soon"), &[]);
    assert_eq!((outcome.status, outcome.output.as_str()), (8, ""), "{outcome:?}");
    assert!(outcome.errors.starts_with("error: KEYWARD_DEADLINE is 'soon'"), "{outcome:?}");
}

#[test]
fn every_way_to_have_credentials_is_explained_with_its_requests_and_no_secret() {
    let identities = Identities::start();
    for identity in identities.all() {
        let permission: &[&str] = if identity.runs_program { &["--allow-process"] } else { &[] };
        let arguments = [&["explain", PRIVATE, "--json", "--deadline", "60"], permission].concat();
        let call = Call::keyward(&arguments).variable("AWS_EC2_METADATA_DISABLED", "false");
        let variables = identities.variables().into_iter().chain(identity.variables.clone());
        let outcome = explained(variables.fold(call, |call, (name, value)| call.variable(name, value)), &[]);
        assert_eq!(outcome.status, 0, "{}: {outcome:?}", identity.name);
        let explanation = json(&outcome);
        let requests = explanation["requests"].as_array().unwrap();
        assert_eq!(requests.len(), identity.requests.len() + 1, "{}: {outcome:?}", identity.name);
        let found = explanation["sources"].as_array().unwrap().iter().filter(|source| source["outcome"] == "found");
        assert_eq!(found.count(), 1, "{}: {outcome:?}", identity.name);
    }
}
