//! aws-config's recorded lookups through the whole chain of sources, in the real component: environment, files, clock and
//! HTTP are played to it. Each ends with a request for ECR, signed with what the chain has found.
//!
//! guest/tests/ runs the same cases natively.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use keyward::replay::{Failure, Replay};
use keyward::{Config, Credential, Error, Resolver};
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::chain::{self, ChainCase, Expected, ExpectedCredentials, Player, Request};
use keyward_testbed::vectors::{Family, same};

use crate::common::PRIVATE;
use crate::world::plain;

/// What ECR answers: "AWS:p" in base64.
const TOKEN: &str = r#"{"authorizationData":[{"authorizationToken":"QVdTOnA="}]}"#;

#[tokio::test(start_paused = true)]
async fn every_recorded_lookup_through_the_default_chain_ends_as_it_did() {
    let mut family = Family::new("default chain through the component", 20);
    for case in chain::cases("chain/default") {
        family.outcome(&case.name.clone(), run(case).await);
    }
    family.finish("");
}

#[tokio::test(start_paused = true)]
async fn every_recorded_lookup_through_a_profile_ends_as_it_did() {
    let mut family = Family::new("profiles through the component", 10);
    for case in chain::cases("chain/profile").into_iter().filter(|case| !is_of_process(case)) {
        family.outcome(&case.name.clone(), run(case).await);
    }
    family.finish(", and those with programs by themselves");
}

/// On a clock that goes: a paused one would move on while the program runs.
#[tokio::test]
async fn every_recorded_lookup_with_a_program_ends_as_it_did_where_programs_are_allowed() {
    let mut family = Family::new("profiles with programs that are allowed, through the component", 3);
    for case in chain::cases("chain/profile").into_iter().filter(is_of_process) {
        family.outcome(&case.name.clone(), run(case).await);
    }
    family.finish("");
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_wants_a_program_is_invalid_and_says_how_to_allow_it() {
    let mut family = Family::new("profiles with programs that are not allowed, through the component", 3);
    for case in chain::cases("chain/profile").into_iter().filter(is_of_process) {
        let (name, world) = (case.name.clone(), Arc::new(World::new(case)));
        let outcome = match world.look_up(false).await {
            Err(Error::Invalid(text)) if text.contains("credential_process") && text.contains("--allow-process") => {
                world.check_no_token_was_asked_for()
            }
            other => Err(format!("expected that credential_process is not allowed, got {other:?}")),
        };
        family.outcome(&name, outcome.and_then(|()| world.player.check()));
    }
    family.finish("");
}

fn is_of_process(case: &ChainCase) -> bool {
    case.name.starts_with("credential_process")
}

async fn run(case: ChainCase) -> Result<(), String> {
    let world = Arc::new(World::new(case));
    let case = world.player.case();
    match (&case.expected, world.look_up(is_of_process(case)).await) {
        (Expected::Credentials(expected), Ok(found)) => {
            same("password", &found.secret.expose(), &"p")?;
            world.check_token_was_asked_for_with(expected)?;
        }
        (Expected::Credentials(_), Err(error)) => return Err(format!("expected credentials, got {error:?}")),
        (Expected::ErrorContains(text), Ok(_)) => return Err(format!("expected an error like {text:?}, got a token")),
        (Expected::ErrorContains(text), Err(error)) => {
            if !is_right(&case.name, &error) {
                return Err(format!("expected an error like {text:?}, got {error:?}"));
            }
            world.check_no_token_was_asked_for()?;
        }
    }
    world.player.check()
}

/// A case that is played, and the requests for a registry's token that follow it.
struct World {
    player: Player,
    for_token: Mutex<Vec<Request>>,
}

impl World {
    fn new(case: ChainCase) -> Self {
        Self { player: Player::new(case), for_token: Mutex::default() }
    }

    async fn look_up(self: &Arc<Self>, allows_programs: bool) -> Result<Credential, Error> {
        let case = self.player.case();
        let mut config = Config::new().without_cache().with_replay(self.clone());
        for (name, value) in &case.environment {
            config = config.with_variable(name, value);
        }
        if case.retries_are_off {
            config = config.with_variable("AWS_MAX_ATTEMPTS", "1");
        }
        let resolver = Resolver::new(&config.with_credential_process(allows_programs)).unwrap();
        // The case is of the profile alone. In the chain, the keys in its environment would go first; not so for a request that
        // names its profile.
        match case.name.as_str() {
            "e2e_assume_role" => resolver.resolve(keyward::Request::new(PRIVATE).with_profile("default")).await,
            _ => resolver.resolve(PRIVATE).await,
        }
    }

    fn check_token_was_asked_for_with(&self, credentials: &ExpectedCredentials) -> Result<(), String> {
        let requests = self.for_token.lock().unwrap();
        let [request] = &requests[..] else { return Err(format!("expected one request for a token: {requests:?}")) };
        let mut keys = AccessKeys::new(&credentials.access_key_id, &credentials.secret_access_key);
        if let Some(session_token) = &credentials.session_token {
            keys = keys.with_session_token(session_token);
        }
        let scope = chain::verify(request, &keys)?;
        same("scope", &(scope.service.as_str(), scope.region.as_str()), &("ecr", "us-east-1"))?;
        same("URI of ECR", &request.uri.as_str(), &ecr(&self.player.case().name))
    }

    fn check_no_token_was_asked_for(&self) -> Result<(), String> {
        same("requests for a token", &self.for_token.lock().unwrap().len(), &0)
    }
}

impl Replay for World {
    fn file(&self, path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
        self.player.file(path).map(Ok)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.player.case().now)
    }

    fn send(&self, request: http::Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let request = plain(&request);
        if request.header("x-amz-target").is_some() {
            self.for_token.lock().unwrap().push(request);
            return Ok(Response::new(Bytes::from_static(TOKEN.as_bytes())));
        }
        let answer = self.player.send(request).map_err(|_| Failure::ConnectionRefused)?;
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.into()).unwrap())
    }
}

/// Where the settings of a case lead the request for ECR.
fn ecr(case: &str) -> &'static str {
    match case {
        "assume_role_override_global_profile_url" => "http://aws.global-profile-override/",
        "e2e_fips_and_dual_stack_sts" => "https://ecr-fips.us-east-1.api.aws/",
        "sso_override_global_env_url" => "http://aws.global-env-override/",
        _ => "https://api.ecr.us-east-1.amazonaws.com/",
    }
}

/// Whether an error tells the caller what the one in aws-config's words would: to look elsewhere for credentials is right
/// only where none are configured.
fn is_right(case: &str, error: &Error) -> bool {
    match (case, error) {
        ("empty_config" | "imds_default_chain_error", Error::NoCredentials(_)) => true,
        ("eks_pod_identity_no_token_file", Error::Invalid(text)) => text.contains("/token.jwt"),
        ("credential_process_failure", Error::Invalid(text)) => text.contains("credential_process"),
        ("imds_token_fail", Error::Denied(_)) => true,
        ("profile_overrides_web_identity" | "sso_no_token_file", Error::Invalid(_)) => true,
        ("sso_server_error", Error::Unavailable(_)) => true,
        // The profile is for tokens alone: the chain goes on, to sources that are not configured either.
        ("sso_token", Error::NoCredentials(_)) => true,
        ("web_identity_source_profile_no_env", Error::Invalid(text)) => text.contains("role_arn"),
        ("web_identity_token_invalid_jwt", Error::Denied(text) | Error::Invalid(text)) => {
            text.contains("InvalidIdentityToken")
        }
        _ => false,
    }
}
