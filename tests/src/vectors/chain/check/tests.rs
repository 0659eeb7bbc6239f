use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;

use super::super::case::{Expected, cases};
use super::super::player::Player;
use super::*;
use crate::keys::AccessKeys;

/// A request as whoever goes by the settings of its case would make it, from the recorded one.
fn right(case: &ChainCase, index: usize) -> Request {
    let mut request = case.exchanges[index].request.clone();
    if CONTAINER.contains(&request.host().as_str()) {
        request.headers.extend(container_token(case).unwrap().map(|token| ("authorization".to_owned(), token)));
    }
    if request.header("content-type") == Some(FORM) {
        let mut fields = form::fields(std::str::from_utf8(&request.body).unwrap()).unwrap();
        for (name, value) in &mut fields {
            *value = stale::settled(&case.name, name).map_or_else(|| value.clone(), str::to_owned);
        }
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.body = fields.join("&").replace('+', "%2B").into_bytes();
    }
    request
}

fn case(name: &str) -> ChainCase {
    let all = [cases("chain/default"), cases("chain/profile")].concat();
    all.into_iter().find(|case| case.name == name).unwrap()
}

#[test]
fn there_are_as_many_cases_exchanges_and_errors_as_are_known() {
    for (path, count, exchanges, errors) in [("chain/default", 20, 28, 8), ("chain/profile", 13, 9, 3)] {
        let cases = cases(path);
        let is_error = |case: &&ChainCase| matches!(case.expected, Expected::ErrorContains(_));
        let exchanged = cases.iter().map(|case| case.exchanges.len()).sum::<usize>();
        assert_eq!(
            (cases.len(), exchanged, cases.iter().filter(is_error).count()),
            (count, exchanges, errors),
            "{path}"
        );
    }
}

#[test]
fn every_recording_is_right_by_its_own_settings_apart_from_what_is_known_to_be_stale() {
    for case in [cases("chain/default"), cases("chain/profile")].concat() {
        for index in 0..case.exchanges.len() {
            compare(&case, index, &right(&case, index)).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        }
    }
}

#[test]
fn a_web_identity_token_is_that_of_its_file() {
    for case in cases("chain/default").iter().filter(|case| case.files.contains_key("/token.jwt")) {
        let token = std::str::from_utf8(&case.files["/token.jwt"]).unwrap().trim_end();
        for index in 0..case.exchanges.len() {
            let body = right(case, index).body;
            let fields = form::fields(std::str::from_utf8(&body).unwrap()).unwrap();
            assert!(fields.get("WebIdentityToken").is_none_or(|sent| sent.trim_end() == token), "{}", case.name);
        }
    }
}

#[test]
fn whatever_makes_a_difference_is_compared() {
    let assume_role = |from: &str, to: &str| {
        let case = case("ecs_assume_role");
        let mut request = right(&case, 1);
        let body = String::from_utf8(request.body).unwrap();
        assert!(body.contains(from), "{body}");
        request.body = body.replace(from, to).into_bytes();
        compare(&case, 1, &request)
    };
    assume_role("RoleSessionName=", "RoleSessionName=another-").unwrap();
    for (from, to) in [
        ("Action=AssumeRole", "Action=GetSessionToken"),
        ("Version=2011-06-15", "Version=2012-06-15"),
        ("imds-chained-role-test", "another"),
        ("RoleSessionName=", "RoleSessionName=%20"),
        ("RoleSessionName=", "DurationSeconds=900&RoleSessionName="),
    ] {
        assume_role(from, to).expect_err(to);
    }
    let case = case("imds_assume_role");
    let changed = |index: usize, change: fn(&mut Request)| {
        let mut request = right(&case, index);
        change(&mut request);
        compare(&case, index, &request).unwrap_err()
    };
    assert!(changed(0, |request| request.method = "GET".to_owned()).starts_with("method"));
    assert!(changed(0, |request| request.headers.clear()).starts_with("x-aws-ec2-metadata-token-ttl-seconds"));
    assert!(
        changed(1, |request| request.headers.iter_mut().for_each(|(_, value)| value.push('x')))
            .starts_with("x-aws-ec2-metadata-token:")
    );
    assert!(changed(1, |request| request.uri.push('x')).starts_with("URI"));
    assert!(changed(3, |request| request.headers.clear()).starts_with("content-type"));
}

#[test]
fn a_session_name_that_was_set_is_compared() {
    let case = case("web_identity_token_env");
    let mut request = right(&case, 0);
    let body = String::from_utf8(request.body).unwrap();
    request.body = body.replace("test-session", "another-session").into_bytes();
    compare(&case, 0, &request).unwrap_err();
}

#[test]
fn the_keys_to_sign_with_are_those_of_the_step_before() {
    for (name, index, access_key_id) in [
        ("ecs_assume_role", 1, "ASIARTEST"),
        ("imds_assume_role", 3, "ASIARSTSBASE"),
        ("retry_on_error", 1, "AKIAFAKE"),
    ] {
        assert_eq!(credentials::before(&case(name), index).unwrap().access_key_id, access_key_id, "{name}");
    }
    let mut roles = case("ecs_assume_role");
    roles.exchanges.push(roles.exchanges[1].clone());
    let keys = AccessKeys::new("ASIARCORRECT", "secretkeycorrect").with_session_token("tokencorrect");
    assert_eq!(credentials::before(&roles, 2).unwrap(), keys);
}

#[test]
fn a_signature_must_be_right_where_there_has_to_be_one_and_must_not_be_elsewhere() {
    // The recorded signatures were made with other keys.
    let assume_role = case("imds_assume_role");
    let error = signature(&assume_role, 3, &right(&assume_role, 3)).unwrap_err();
    assert!(error.contains("InvalidSignatureException"), "{error}");

    let web_identity = case("web_identity_token_env");
    let mut request = right(&web_identity, 0);
    signature(&web_identity, 0, &request).unwrap();
    request.headers.push(("authorization".to_owned(), "AWS4-HMAC-SHA256 Credential=".to_owned()));
    signature(&web_identity, 0, &request).unwrap_err();
}

#[test]
fn a_request_is_signed_right_with_what_the_step_before_gave_and_for_where_it_goes() {
    let case = case("imds_assume_role");
    let right_keys = credentials::before(&case, 3).unwrap();
    let outcome = |keys: &AccessKeys, region, service| {
        let mut request = right(&case, 3);
        request.headers.retain(|(name, _)| name == "content-type");
        sign(&mut request, keys, region, service);
        signature(&case, 3, &request)
    };
    outcome(&right_keys, "us-east-1", "sts").unwrap();
    outcome(&right_keys, "us-west-2", "sts").unwrap_err();
    outcome(&right_keys, "us-east-1", "ecr").unwrap_err();
    outcome(&AccessKeys { session_token: None, ..right_keys.clone() }, "us-east-1", "sts").unwrap_err();
    outcome(&AccessKeys { secret_access_key: "another".to_owned(), ..right_keys }, "us-east-1", "sts").unwrap_err();
}

/// Signs a request as AWS's SDK does.
fn sign(request: &mut Request, keys: &AccessKeys, region: &str, service: &str) {
    let AccessKeys { access_key_id, secret_access_key, session_token } = keys.clone();
    let identity = Credentials::new(access_key_id, secret_access_key, session_token, None, "test").into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region).name(service);
    let parameters =
        parameters.time(SystemTime::UNIX_EPOCH).settings(SigningSettings::default()).build().unwrap().into();
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Bytes(&request.body);
    let signable = SignableRequest::new(&request.method, &request.uri, headers, body).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(signable, &parameters).unwrap().into_parts();
    let added: Vec<_> = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    request.headers.extend(added);
}

#[test]
fn requests_are_answered_in_order_and_the_first_that_was_not_recorded_has_no_connection() {
    let player = Player::new(case("ecs_credentials"));
    let request = right(player.case(), 0);
    assert!(player.check().unwrap_err().contains("was not asked"));
    assert_eq!(player.send(request.clone()).unwrap().status, 200);
    player.check().unwrap();
    player.send(request.clone()).unwrap_err();
    assert!(player.check().unwrap_err().contains("nothing was recorded"));
}

#[test]
fn instance_metadata_of_which_nothing_was_recorded_is_not_there_and_does_not_count() {
    let player = Player::new(case("empty_config"));
    let uri = "http://169.254.169.254/latest/api/token".to_owned();
    let request = Request { method: "PUT".to_owned(), uri, headers: Vec::new(), body: Vec::new() };
    player.send(request).unwrap_err();
    player.check().unwrap();
}
