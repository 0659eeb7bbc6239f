//! The command against peers that nobody here wrote: an AWS that checks signatures (moto), a
//! registry (Debian's docker-registry) and its clients (skopeo, docker and podman).
//!
//! `scripts/setup-debian` installs them. A test fails when one is missing: a skipped test would say
//! nothing. The tests with clients need root, for port 443 and for a hosts file of their own.

/// What the tests run against.
mod peers {
    pub(crate) mod bed;
    mod clients;
    pub(crate) mod docker;
    pub(crate) mod image;
    pub(crate) mod keyward;
    pub(crate) mod moto;
    pub(crate) mod podman;
    pub(crate) mod process;
    mod registry_proxy;
    mod scripts;
}

use peers::bed::Bed;
use peers::image::{files_of, write_image};
use peers::keyward::Keyward;
use peers::moto::{Keys, Moto, REGISTRY, TOKEN};
use peers::process::Outcome;
use serde_json::{Value, json};

/// A secret that belongs to no key.
const WRONG_SECRET: &str = "wrongWRONGwrongWRONGwrongWRONGwrongWRONG";

/// The one line by which a client takes a failure for "no credential, go on without".
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The image that skopeo pushes.
const IMAGE: &str = "docker://123456789012.dkr.ecr.us-east-1.amazonaws.com/keyward/demo:1";

#[test]
fn the_right_key_gets_the_token_as_a_credential_helper() {
    let moto = Moto::shared();
    let outcome = Keyward::install(&moto.ca_pem).docker_get(moto, &moto.permitted);
    outcome.assert_success();
    let credential: Value = serde_json::from_str(&outcome.stdout).expect("credential is no JSON");
    assert_eq!(credential, json!({"ServerURL": REGISTRY, "Username": "AWS", "Secret": TOKEN}));
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
}

#[test]
fn the_right_key_gets_the_token_as_a_password() {
    let moto = Moto::shared();
    let outcome = Keyward::install(&moto.ca_pem).get(moto, &moto.permitted, &["--format", "password"]);
    outcome.assert_success();
    assert_eq!(outcome.stdout.trim_end(), TOKEN, "{outcome}");
}

#[test]
fn the_keys_of_an_assumed_role_get_the_token() {
    let moto = Moto::shared();
    let outcome = Keyward::install(&moto.ca_pem).get(moto, &moto.assumed, &["--format", "password"]);
    outcome.assert_success();
    assert_eq!(outcome.stdout.trim_end(), TOKEN, "{outcome}");
}

#[test]
fn the_keys_of_an_assumed_role_are_denied_without_their_session_token() {
    let keys = Keys { session_token: None, ..Moto::shared().assumed.clone() };
    is_denied_with("InvalidClientTokenId", &keys);
}

#[test]
fn a_wrong_secret_is_denied_with_the_code_of_aws() {
    let keys = with_wrong_secret(&Moto::shared().permitted);
    is_denied_with("SignatureDoesNotMatch", &keys);
}

#[test]
fn an_unknown_key_is_denied_with_the_code_of_aws() {
    let keys = Keys { access_key_id: "AKIAUNKNOWNUNKNOWN00".to_owned(), ..Moto::shared().permitted.clone() };
    is_denied_with("InvalidClientTokenId", &keys);
}

#[test]
fn a_user_without_a_policy_is_denied_with_the_code_of_aws() {
    is_denied_with("AccessDenied", &Moto::shared().unpermitted);
}

#[test]
fn skopeo_pushes_and_pulls_an_image_with_the_credential_of_keyward() {
    let bed = Bed::start();
    let pushed = write_image(&bed.path("image"));
    let pulled = bed.path("pulled");
    let source = format!("dir:{}", pushed.display());
    let target = format!("dir:{}", pulled.display());
    let keys = &bed.moto.permitted;

    let anonymous = bed.skopeo(keys, &["copy", "--dest-no-creds", &source, IMAGE]);
    assert!(!anonymous.status.success(), "the registry needs no credential");
    assert!(!bed.registry_has("1"), "{anonymous}");

    bed.skopeo(keys, &["copy", &source, IMAGE]).assert_success();
    assert!(bed.registry_has("1"));
    bed.skopeo(keys, &["copy", IMAGE, &target]).assert_success();
    assert_eq!(files_of(&pulled), files_of(&pushed));
}

#[test]
fn skopeo_is_refused_when_the_secret_is_wrong() {
    let bed = Bed::start();
    let source = format!("dir:{}", write_image(&bed.path("image")).display());
    let keys = with_wrong_secret(&bed.moto.permitted);

    let outcome = bed.skopeo(&keys, &["copy", &source, IMAGE]);
    assert!(!outcome.status.success(), "{outcome}");
    assert!(outcome.stderr.contains("SignatureDoesNotMatch"), "skopeo does not show the cause: {outcome}");
    outcome.assert_without(&secrets(bed.moto, &keys));
    assert!(!bed.registry_has("1"), "{outcome}");
}

/// Both ways of calling the command deny, and neither prints a secret.
fn is_denied_with(code: &str, keys: &Keys) {
    let moto = Moto::shared();
    let keyward = Keyward::install(&moto.ca_pem);
    let secrets = secrets(moto, keys);

    let helper = keyward.docker_get(moto, keys);
    assert_denied(&helper, code);
    helper.assert_without(&secrets);
    // A client shows its user the standard output, and goes on without a credential on one line of it.
    assert_eq!(helper.status.code(), Some(1), "{helper}");
    assert!(helper.stdout.contains(code), "not shown by a client: {helper}");
    assert_eq!(helper.stdout.lines().count(), 1, "{helper}");
    assert_ne!(helper.stdout.trim(), NOT_FOUND, "{helper}");

    let command = keyward.get(moto, keys, &[]);
    assert_denied(&command, code);
    command.assert_without(&secrets);
}

/// Panics unless the command failed and said "denied" and the code of AWS.
fn assert_denied(outcome: &Outcome, code: &str) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(!outcome.status.success(), "not denied: {outcome}");
    assert!(said.contains("denied"), "not called denied: {outcome}");
    assert!(said.contains(code), "without {code}: {outcome}");
}

fn with_wrong_secret(keys: &Keys) -> Keys {
    Keys { secret_access_key: WRONG_SECRET.to_owned(), ..keys.clone() }
}

/// What may stand in no output: everything secret that moto or the command knows.
fn secrets<'a>(moto: &'a Moto, used: &'a Keys) -> Vec<&'a str> {
    [used, &moto.permitted, &moto.unpermitted, &moto.assumed]
        .into_iter()
        .flat_map(|keys| [Some(&keys.secret_access_key), keys.session_token.as_ref()])
        .flatten()
        .map(String::as_str)
        .chain([TOKEN])
        .collect()
}
