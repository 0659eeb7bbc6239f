//! The clients that users have, each with Keyward as the helper that its settings name.

use serde_json::json;

use super::bed::{Bed, OTHER_NAME};
use super::docker::Docker;
use super::image::{digest_of, files_of, write_image};
use super::moto::{Keys, REGISTRY, TOKEN};
use super::podman::Podman;
use super::process::Outcome;
use crate::{IMAGE, NOT_FOUND, secrets, with_wrong_secret};

/// The code by which AWS refuses a wrong secret.
const CODE: &str = "SignatureDoesNotMatch";

#[test]
fn docker_pulls_and_pushes_with_the_credential_of_keyward() {
    let bed = Bed::start();
    let keys = &bed.moto.permitted;
    let digest = push_with_skopeo(&bed);
    let docker = Docker::start(&bed);

    let pulled = docker.run(keys, &["pull", &reference("1")]);
    pulled.assert_success();
    pulled.assert_without(&secrets(bed.moto, keys));
    assert!(pulled.stdout.contains(&digest), "not what was pushed: {pulled}");

    docker.run(keys, &["tag", &reference("1"), &reference("2")]).assert_success();
    docker.run(keys, &["push", &reference("2")]).assert_success();
    assert!(bed.registry_has("2"));
}

#[test]
fn docker_reads_a_manifest_with_the_credential_of_keyward_without_a_daemon() {
    let bed = Bed::start();
    let image = bed.path("image");
    push_with_skopeo(&bed);

    let inspected = Docker::without_daemon(&bed).run(&bed.moto.permitted, &["manifest", "inspect", &reference("1")]);
    inspected.assert_success();
    let layers = |manifest: &[u8]| serde_json::from_slice::<serde_json::Value>(manifest).unwrap()["layers"].clone();
    assert_eq!(layers(inspected.stdout.as_bytes()), layers(&files_of(&image)["manifest.json"]));
}

/// docker's client goes on without a credential after any failure of a helper, so that the registry's refusal is its own
/// last word. The cause stands before it, since docker lets a helper write to the terminal.
#[test]
fn docker_shows_the_cause_when_the_secret_is_wrong() {
    let bed = Bed::start();
    push_with_skopeo(&bed);
    let keys = keys_with_wrong_secret(&bed);
    let docker = Docker::start(&bed);

    for arguments in [["pull", &reference("1")].as_slice(), &["manifest", "inspect", &reference("1")]] {
        let outcome = docker.run(&keys, arguments);
        assert!(!outcome.status.success(), "{outcome}");
        assert!(outcome.stderr.contains(CODE), "docker does not show the cause: {outcome}");
        assert!(!outcome.stderr.contains(NOT_FOUND), "{outcome}");
        outcome.assert_without(&secrets(bed.moto, &keys));
    }
}

#[test]
fn docker_login_and_logout_succeed_and_change_nothing() {
    let bed = Bed::start();
    let keys = &bed.moto.permitted;
    push_with_skopeo(&bed);
    let before = bed.docker_settings();
    let docker = Docker::start(&bed);

    let login = docker.run_with_input(keys, &["login", "--username", "AWS", "--password-stdin", REGISTRY], TOKEN);
    login.assert_success();
    docker.run(keys, &["pull", &reference("1")]).assert_success();
    docker.run(keys, &["logout", REGISTRY]).assert_success();
    docker.run(keys, &["pull", &reference("1")]).assert_success();

    let after = bed.docker_settings();
    assert_eq!(after["credHelpers"], before["credHelpers"]);
    assert!(!after.to_string().contains(TOKEN), "the token was written to docker's settings");
}

#[test]
fn podman_pulls_and_pushes_with_the_credential_of_keyward() {
    let bed = Bed::start();
    let keys = &bed.moto.permitted;
    let digest = push_with_skopeo(&bed);
    let podman = Podman::install(&bed);

    podman.run(keys, &["pull", &reference("1")]).assert_success();
    let inspected = podman.run(keys, &["image", "inspect", "--format", "{{.Digest}}", &reference("1")]);
    assert_eq!(inspected.stdout.trim(), digest, "{inspected}");

    podman.run(keys, &["tag", &reference("1"), &reference("2")]).assert_success();
    podman.run(keys, &["push", &reference("2")]).assert_success();
    assert!(bed.registry_has("2"));
}

#[test]
fn podman_shows_the_cause_when_the_secret_is_wrong() {
    let bed = Bed::start();
    push_with_skopeo(&bed);
    let keys = keys_with_wrong_secret(&bed);

    let outcome = Podman::install(&bed).run(&keys, &["pull", &reference("1")]);
    assert!(!outcome.status.success(), "{outcome}");
    assert!(outcome.stderr.contains(CODE), "podman does not show the cause: {outcome}");
    outcome.assert_without(&secrets(bed.moto, &keys));
}

#[test]
fn podman_login_and_logout_succeed_and_change_nothing() {
    let bed = Bed::start();
    let keys = &bed.moto.permitted;
    push_with_skopeo(&bed);
    let podman = Podman::install(&bed);

    let user = podman.run(keys, &["login", "--get-login", REGISTRY]);
    assert_eq!(user.stdout.trim(), "AWS", "{user}");
    let login = ["login", "--username", "AWS", "--password-stdin", REGISTRY];
    podman.run_with_input(keys, &login, TOKEN).assert_success();
    podman.run(keys, &["logout", REGISTRY]).assert_success();
    podman.run(keys, &["pull", &reference("1")]).assert_success();
}

#[test]
fn every_client_finds_its_credential_where_keyward_is_the_helper_of_all_registries() {
    let bed = Bed::start();
    push_with_skopeo(&bed);
    make_keyward_the_helper_of_all_registries(&bed);

    for outcome in every_client_asks_for(&bed, REGISTRY) {
        outcome.assert_success();
    }
}

/// The helper of all registries is asked for those that are not of ECR too. The text by which it has no credential for them
/// must be the one that the clients know.
#[test]
fn every_client_goes_on_without_a_credential_where_the_registry_is_not_of_ecr() {
    let bed = Bed::start();
    push_with_skopeo(&bed);
    make_keyward_the_helper_of_all_registries(&bed);

    for outcome in every_client_asks_for(&bed, OTHER_NAME) {
        assert!(!outcome.status.success(), "the registry needs no credential: {outcome}");
        // The registry's refusal, and no failure of the helper's.
        let refusals = ["authentication required", "no basic auth credentials"];
        assert!(refusals.iter().any(|refusal| outcome.stderr.contains(refusal)), "{outcome}");
        assert!(!outcome.stderr.contains("error getting credentials"), "{outcome}");
    }
}

/// docker has `credsStore` for this. skopeo and podman take no notice of it: their setting is one of theirs.
fn make_keyward_the_helper_of_all_registries(bed: &Bed) {
    bed.write_docker_settings(&json!({"credsStore": "keyward"}));
    bed.write_registries_settings(r#"credential-helpers = ["keyward"]"#);
}

/// What skopeo, docker and podman say when they are to read the image from a registry, in this order.
fn every_client_asks_for(bed: &Bed, registry: &str) -> [Outcome; 3] {
    let keys = &bed.moto.permitted;
    let image = format!("{registry}/keyward/demo:1");
    [
        bed.skopeo(keys, &["inspect", &format!("docker://{image}")]),
        Docker::without_daemon(bed).run(keys, &["manifest", "inspect", &image]),
        Podman::install(bed).run(keys, &["pull", &image]),
    ]
}

/// Pushes an image under the tag 1, and returns the digest of its manifest.
fn push_with_skopeo(bed: &Bed) -> String {
    let image = write_image(&bed.path("image"));
    let source = format!("dir:{}", image.display());
    bed.skopeo(&bed.moto.permitted, &["copy", &source, IMAGE]).assert_success();
    digest_of(&image)
}

/// Not those that the image was pushed with: what those have got may still be in the cache.
fn keys_with_wrong_secret(bed: &Bed) -> Keys {
    with_wrong_secret(&bed.moto.unpermitted)
}

/// The image as docker and podman write it.
fn reference(tag: &str) -> String {
    format!("{REGISTRY}/keyward/demo:{tag}")
}
