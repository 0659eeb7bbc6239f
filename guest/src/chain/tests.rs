use super::*;
use crate::context::Context;
use crate::settings::SharedFiles;
use crate::test_world::{TestWorld, in_lookup};

const PROFILE: &str = "[default]\naws_access_key_id = profile\naws_secret_access_key = secret\n";

/// The chain in a world, for a request.
fn resolved(world: &TestWorld, context: &Context) -> Result<Credentials, Error> {
    in_lookup(world, context, resolve)
}

fn key(world: &TestWorld, context: &Context) -> String {
    resolved(world, context).unwrap().access_key_id
}

#[test]
fn the_environment_goes_before_the_profile() {
    let world = TestWorld::with_environment(&[
        ("HOME", "/h"),
        ("AWS_ACCESS_KEY_ID", "environment"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ])
    .file("/h/.aws/credentials", PROFILE);
    assert_eq!(key(&world, &Context::default()), "environment");
}

#[test]
fn a_profile_that_the_request_names_goes_before_the_environment() {
    let world = TestWorld::with_environment(&[
        ("HOME", "/h"),
        ("AWS_ACCESS_KEY_ID", "environment"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ])
    .file("/h/.aws/credentials", PROFILE);
    let of = |profile: &str| Context { profile: Some(profile.to_owned()), ..Context::default() };
    assert_eq!(key(&world, &of("default")), "profile");
    assert_eq!(
        resolved(&world, &of("missing")),
        Err(Error::Invalid(
            "the credentials are unusable: profile missing is not in ~/.aws/config (no such file) or ~/.aws/credentials, and the \
             request asks for it"
                .to_owned()
        ))
    );
}

#[test]
fn a_source_that_is_not_configured_passes_the_question_on() {
    let world = TestWorld::with_environment(&[("HOME", "/h"), ("AWS_ACCESS_KEY_ID", "half")])
        .file("/h/.aws/credentials", PROFILE);
    assert_eq!(key(&world, &Context::default()), "profile");
}

#[test]
fn a_source_that_is_configured_and_fails_ends_the_chain() {
    let world = TestWorld::with_environment(&[("HOME", "/h")])
        .file("/h/.aws/credentials", "[default]\naws_access_key_id = half\n");
    assert!(matches!(resolved(&world, &Context::default()), Err(Error::Invalid(_))));
}

#[test]
fn a_token_without_a_role_is_an_error_that_says_what_is_missing() {
    let token = Some(crate::secret::Secret::new("hunter2".to_owned()));
    let context = Context { service_account_token: token, ..Context::default() };
    let Err(Error::Invalid(text)) = resolved(&TestWorld::default(), &context) else { panic!() };
    assert!(text.contains("no role-arn") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_program_is_to_be_run_only_where_the_chain_comes_to_it() {
    let command = |variables: &[(&str, &str)], context: &Context| {
        let world = TestWorld::with_environment(&[&[("HOME", "/h")], variables].concat()).file(
            "/h/.aws/config",
            "[default]\ncredential_process = print\n[profile keys]\naws_access_key_id = i\naws_secret_access_key = s\n\
             [profile role]\nrole_arn = r\nsource_profile = default\n",
        );
        let files = SharedFiles::read(&world);
        let program = credential_process(&Settings::new(&world, context, &files))?;
        Some((program.profile, program.command.expose().to_owned()))
    };
    let print = Some(("default".to_owned(), "print".to_owned()));
    let of = |profile: &str| Context { profile: Some(profile.to_owned()), ..Context::default() };
    let keys = [("AWS_ACCESS_KEY_ID", "i"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert_eq!(command(&[], &Context::default()), print);
    assert_eq!(command(&[("AWS_PROFILE", "role")], &Context::default()), print);
    assert_eq!(command(&[("AWS_PROFILE", "keys")], &Context::default()), None);
    assert_eq!(command(&keys, &Context::default()), None);
    assert_eq!(command(&keys, &of("default")), print);
}
