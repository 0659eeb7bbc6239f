//! What has to be the same in every host.

use std::fs;
use std::time::Duration;

use keyward_testbed::{
    ACCESS_KEY_ID, AccessKeys, Answer as Scripted, DEFAULT_ACCOUNT, FakeAws, FakeMetadata, Identities, PASSWORD_MARK,
    Role, SECRET_ACCESS_KEY, private_password,
};

use crate::host::{Answer, Failure, Host, PRIVATE, Question};

pub(crate) fn the_credential_is_what_aws_gave_for_one_request_that_is_signed(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    let credential = host.ask(Question::new(PRIVATE, &aws).with_keys()).expect("the keys are good");
    assert_eq!(credential.username, "AWS");
    assert_eq!(credential.secret, private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert!(credential.expires_at.is_some_and(|moment| moment > 1_700_000_000), "{credential:?}");

    let requests = aws.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].signature_is_right, "{:?}", requests[0].refusal);
    assert_eq!(requests[0].host, aws.address().to_string());
    assert_eq!(requests[0].header("transfer-encoding"), None, "AWS takes no chunks");
}

pub(crate) fn every_source_of_credentials_makes_the_requests_that_it_takes_and_no_other(host: &dyn Host) {
    let identities = Identities::start_plain().all();
    // The program of `credential_process` is one that a host runs.
    let own = identities.iter().enumerate().filter(|(_, identity)| !identity.runs_program);
    let mut asked = 0;
    for (index, identity) in own {
        // Fakes of its own, so that what they were asked was asked for it.
        let identities = Identities::start_plain();
        let mut question = Question { server: PRIVATE.to_owned(), ..Question::default() };
        for (name, value) in identities.variables().into_iter().chain(identities.all()[index].variables.clone()) {
            question = question.with_variable(name, &value);
        }
        let folder = identities.folder();
        let answer = host.ask(question.with_folder(&folder.display().to_string(), folder));
        answer.unwrap_or_else(|failure| panic!("{}: {failure:?}", identity.name));
        assert_eq!(identities.asked(), [identity.requests, &["ECR"]].concat(), "{}", identity.name);
        asked += 1;
    }
    assert!(asked >= 10, "{asked} sources are few");
}

pub(crate) fn instance_metadata_that_is_silent_is_waited_for_a_moment_and_no_longer(host: &dyn Host) {
    let (aws, metadata) = (FakeAws::start_plain(), FakeMetadata::start());
    metadata.answer_always(Scripted::Silence);
    let question = Question::new(PRIVATE, &aws).with_variable("AWS_EC2_METADATA_DISABLED", "false");
    let question = question.with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url());
    // Without its own patience, it would be waited for as long as the host has any.
    let failure = failure(host.ask(question));
    assert_eq!(failure.case, "no-credentials", "{failure:?}");
    assert_eq!(metadata.requests().len(), 1, "{:?}", metadata.requests());
}

pub(crate) fn what_the_request_says_counts(host: &dyn Host) {
    const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
    let aws = FakeAws::start_plain();
    let keys = AccessKeys::new("ASIAROLE", "role-secret").with_session_token("role-token");
    aws.add_role(Role::new(ROLE).with_keys(keys).with_caller(ACCESS_KEY_ID).with_external_id("ticket/42"));
    let question = Question::new(PRIVATE, &aws).with_keys();
    let question = question.with_context("role-arn", ROLE).with_context("external-id", "ticket/42");
    host.ask(question).expect("the role may be assumed");
    let requests = aws.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[1].access_key_id.as_deref(), Some("ASIAROLE"));
}

pub(crate) fn an_address_of_somebody_else_is_not_our_registry_and_nobody_is_asked(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    for server in ["ghcr.io/owner/image:1", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com", ""] {
        let failure = failure(host.ask(Question::new(server, &aws).with_keys()));
        assert_eq!((failure.case.as_str(), failure.text.as_str()), ("not-our-registry", ""), "{server}");
    }
    assert_eq!(aws.connections_accepted(), 0);
}

pub(crate) fn without_credentials_every_source_is_listed(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    let failure = failure(host.ask(Question::new(PRIVATE, &aws)));
    assert_eq!(failure.case, "no-credentials", "{failure:?}");
    for source in [
        "AWS_ACCESS_KEY_ID",
        "profile",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_",
        "AWS_EC2_METADATA_DISABLED",
    ] {
        assert!(failure.text.contains(source), "{source} is not in {}", failure.text);
    }
    assert_eq!(aws.connections_accepted(), 0);
}

pub(crate) fn a_file_that_no_folder_was_granted_for_does_not_exist(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::create_dir(home.path().join(".aws")).expect("it is new");
    fs::write(home.path().join(".aws/credentials"), keys).expect("it can be written");
    let path = home.path().to_str().expect("temporary folders have names in UTF-8");
    let question = Question::new(PRIVATE, &aws).with_variable("HOME", path);
    host.ask(question.clone().with_folder(path, path)).expect("the folder was granted, and has keys");

    // No folder at all, and another one.
    let another = tempfile::tempdir().expect("a temporary folder can be made");
    for question in [question.clone(), question.with_folder("/another", another.path())] {
        let failure = failure(host.ask(question));
        assert_eq!(failure.case, "no-credentials", "{failure:?}");
        assert!(failure.text.contains("~/.aws/credentials (no such file)"), "{}", failure.text);
    }
    assert_eq!(aws.requests().len(), 1);
}

pub(crate) fn a_denied_answer_is_denied_and_has_the_code_of_aws(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_SECRET_ACCESS_KEY", "wrong");
    let failure = failure(host.ask(question));
    assert_eq!(failure.case, "denied", "{failure:?}");
    assert!(failure.text.contains("InvalidSignatureException"), "{}", failure.text);
    assert!(failure.text.contains("HTTP status 403, request id "), "{}", failure.text);
    assert_eq!(aws.requests().len(), 1, "what is denied is not tried again");
}

pub(crate) fn fewer_calls_are_asked_for(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    aws.answer_always(Scripted::aws_error(400, "ThrottlingException", "Rate exceeded"));
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "2");
    let failure = failure(host.ask(question));
    assert_eq!(failure.case, "throttled", "{failure:?}");
    assert_eq!(aws.requests().len(), 2, "once more, after a pause");
}

pub(crate) fn a_server_that_is_not_there_is_unavailable(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "1");
    let address = aws.address().to_string();
    drop(aws);
    let failure = failure(host.ask(question));
    assert_eq!(failure.case, "unavailable", "{failure:?}");
    assert!(failure.text.contains(&address) && failure.text.contains("refused"), "{}", failure.text);
}

pub(crate) fn an_answer_that_takes_longer_than_a_connection_may_is_waited_for(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    // A connection has 3.1 s, as in the AWS SDKs.
    aws.answer_always(Scripted::Delayed(Duration::from_millis(3500), Box::new(Scripted::Token)));
    host.ask(Question::new(PRIVATE, &aws).with_keys()).expect("the keys are good");
    assert_eq!(aws.requests().len(), 1, "it was given up meanwhile");
}

pub(crate) fn an_answer_without_end_is_ended_by_the_component_itself(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    aws.answer_always(Scripted::EndlessBody);
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "1");
    let failure = failure(host.ask(question));
    assert_eq!(failure.case, "invalid", "{failure:?}");
    assert!(failure.text.contains("the answer is larger than 65536 bytes"), "{}", failure.text);
}

pub(crate) fn a_lookup_that_a_server_holds_up_ends_when_its_host_drops_it_and_its_connection_with_it(host: &dyn Host) {
    let aws = FakeAws::start_plain();
    aws.answer_next(Scripted::Silence);
    let question = Question::new(PRIVATE, &aws).with_keys();
    let lookup = host.begin(question.clone());
    aws.wait_until("the server holds up the request", |aws| aws.counters().requests == 1);
    let left_behind = lookup.abandon();
    aws.wait_until("the connection is closed", |aws| aws.connections_open() == 0);
    drop(left_behind);

    let credential = host.ask(question).expect("the next lookup knows nothing of it");
    assert!(credential.secret.contains(PASSWORD_MARK));
}

/// Of a lookup that has no credential to give.
pub(crate) fn failure(answer: Answer) -> Failure {
    match answer {
        Ok(credential) => panic!("there is a credential: {}", credential.username),
        Err(failure) => failure,
    }
}
