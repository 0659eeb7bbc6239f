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

/// What a lookup says of its sources, each with its outcome and its detail.
fn said(world: TestWorld, context: Context) -> Vec<[String; 3]> {
    let _ = resolved(&world, &Context { explain: true, ..context });
    let notes = world.notes.into_inner();
    let fields = notes.iter().map(|line| line.trim_end().split('\t').collect::<Vec<_>>());
    let sources = fields.filter(|fields| fields[0] == "source");
    sources.map(|fields| [1, 2, 3].map(|index| fields[index].to_owned())).collect()
}

#[test]
fn every_source_that_was_asked_is_said_with_what_it_came_to() {
    let world = TestWorld::with_environment(&[("HOME", "/h"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    assert_eq!(
        said(world, Context::default()),
        [
            ["environment", "not configured", "AWS_ACCESS_KEY_ID is not set"],
            [
                "profile",
                "not configured",
                "profile default is not in ~/.aws/config (no such file) or ~/.aws/credentials (no such file)"
            ],
            ["web identity", "not configured", "AWS_WEB_IDENTITY_TOKEN_FILE is not set"],
            [
                "container",
                "not configured",
                "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set"
            ],
            ["instance metadata", "not configured", "AWS_EC2_METADATA_DISABLED is true"],
        ]
    );
}

#[test]
fn the_first_source_with_credentials_and_one_that_fails_are_the_last_that_are_said() {
    let keys = "[default]\naws_access_key_id = AKIDEXAMPLEWXYZ\naws_secret_access_key = hunter2\n";
    let world = || TestWorld::with_environment(&[("HOME", "/h")]).file("/h/.aws/credentials", keys);
    let request = |profile: &str| Context { profile: Some(profile.to_owned()), ..Context::default() };
    assert_eq!(
        said(world(), request("default")),
        [["environment", "passed over", "the request names a profile"], ["profile", "found", "access key ****WXYZ"],]
    );
    let failed = said(world(), request("missing"));
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!(failed[1][..2], ["profile", "failed"]);
    assert!(failed[1][2].contains("profile missing is not in"), "{failed:?}");
}

#[test]
fn a_role_that_the_request_asks_for_is_said_after_the_source_of_its_keys() {
    let world =
        TestWorld::with_environment(&[("AWS_ACCESS_KEY_ID", "AKIDEXAMPLEWXYZ"), ("AWS_SECRET_ACCESS_KEY", "s")]);
    let said = said(world, Context { role_arn: Some("role".to_owned()), ..Context::default() });
    assert_eq!(said[0], ["environment", "found", "access key ****WXYZ"]);
    assert_eq!(said[1][..2], ["role", "failed"]);
    assert_eq!(said.len(), 2);
}

#[test]
fn an_endpoint_of_sts_that_cannot_be_used_is_an_error_before_any_source_is_asked() {
    let world = || TestWorld::with_environment(&[("AWS_ENDPOINT_URL_STS", "not a url")]);
    let request = || Context { role_arn: Some("role".to_owned()), ..Context::default() };
    let Err(Error::Invalid(text)) = resolved(&world(), &request()) else { panic!() };
    assert!(text.starts_with("AWS_ENDPOINT_URL_STS is not a usable URL"), "{text}");
    let said = said(world(), request());
    assert_eq!(said, [["role".to_owned(), "failed".to_owned(), text]]);
}

#[test]
fn a_source_is_said_to_be_asked_before_it_is() {
    let world = TestWorld::with_environment(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    let _ = resolved(&world, &Context { explain: true, ..Context::default() });
    let notes = world.notes.into_inner();
    let asked: Vec<_> = notes.iter().filter_map(|line| line.strip_prefix("asking\t")).collect();
    assert_eq!(
        asked,
        ["environment\t0\n", "profile\t0\n", "web identity\t0\n", "container\t0\n", "instance metadata\t0\n"]
    );
    for pair in notes.chunks(2) {
        let [begin, end] = pair else { panic!("{pair:?}") };
        let name = begin.split('\t').nth(1).unwrap();
        assert!(end.starts_with(&format!("source\t{name}\t")), "{pair:?}");
    }
}

#[test]
fn nothing_is_said_to_who_does_not_ask() {
    let world = TestWorld::default();
    let _ = resolved(&world, &Context::default());
    assert_eq!(world.notes.into_inner(), [""; 0]);
}
