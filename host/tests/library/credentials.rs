//! Which credentials are found, and what is signed with them.

use std::fs;

use keyward::{Budget, CancelToken, Error, Resolver};
use keyward_testbed::{
    ACCESS_KEY_ID, AccessKeys, DEFAULT_ACCOUNT, FakeAws, SECRET_ACCESS_KEY, private_password, public_password,
};

use crate::common::{PRIVATE, PRIVATE_API, PUBLIC, PUBLIC_API, config, config_without_keys};

#[tokio::test]
async fn a_private_registry_gets_the_token_of_its_region() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    let credential = lookup.result.unwrap();
    assert_eq!(credential.username, "AWS");
    assert_eq!(credential.secret.expose(), private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert!(credential.expires_at.is_some());

    let requests = fake.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].signature_is_right, "{:?}", requests[0].refusal);
    assert_eq!(requests[0].host, PRIVATE_API);
    assert_eq!(requests[0].server_name.as_deref(), Some(PRIVATE_API));

    let usage = lookup.usage;
    assert_eq!(usage.requests, 1);
    assert!(usage.fuel > 0 && usage.fuel < Budget::default().fuel, "{usage:?}");
    assert!(usage.peak_memory > 0 && usage.peak_memory < Budget::default().memory, "{usage:?}");
    assert!(usage.bytes_received > 100, "{usage:?}");
    assert!(!usage.wall.is_zero());
}

#[tokio::test]
async fn the_public_registry_gets_the_token_of_its_own_service() {
    let fake = FakeAws::start();
    let credential = Resolver::new(&config(&fake)).unwrap().resolve(PUBLIC).await.unwrap();
    assert_eq!(credential.secret.expose(), public_password());
    let scope = fake.requests()[0].scope.clone().unwrap();
    assert_eq!((scope.service.as_str(), scope.region.as_str()), ("ecr-public", "us-east-1"));
    assert_eq!(fake.requests()[0].host, PUBLIC_API);
}

#[tokio::test]
async fn a_second_lookup_uses_the_connection_of_the_first() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    for _ in 0..3 {
        resolver.resolve(PRIVATE).await.unwrap();
    }
    assert_eq!((fake.requests().len(), fake.connections_accepted()), (3, 1));
}

#[tokio::test]
async fn a_session_token_is_signed_and_sent() {
    let fake = FakeAws::start();
    fake.add_keys(AccessKeys::new("ASIATEMPORARY", "temporary-secret").with_session_token("a+session/token=="));
    let config = config_without_keys(&fake)
        .with_variable("AWS_ACCESS_KEY_ID", "ASIATEMPORARY")
        .with_variable("AWS_SECRET_ACCESS_KEY", "temporary-secret");
    let denied = Resolver::new(&config).unwrap().resolve(PRIVATE).await;
    assert!(matches!(denied, Err(Error::Denied(_))), "{denied:?}");

    let config = config.with_variable("AWS_SESSION_TOKEN", "a+session/token==");
    Resolver::new(&config).unwrap().resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_is_denied_with_the_code_of_aws() {
    let fake = FakeAws::start();
    let config = config(&fake).with_variable("AWS_SECRET_ACCESS_KEY", "wrong");
    let Err(Error::Denied(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("InvalidSignatureException") && text.contains("HTTP status 403, request id "), "{text}");
}

#[tokio::test]
async fn keys_come_from_the_shared_credentials_file_too() {
    let fake = FakeAws::start();
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::write(home.path().join(".aws/credentials"), &keys).unwrap();
    let in_home = config_without_keys(&fake).with_variable("HOME", home.path().to_str().unwrap());
    Resolver::new(&in_home).unwrap().resolve(PRIVATE).await.unwrap();

    let named = home.path().join("elsewhere");
    fs::write(&named, keys.replace("[default]", "[work]")).unwrap();
    let in_named = config_without_keys(&fake)
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", named.to_str().unwrap())
        .with_variable("AWS_PROFILE", "work");
    Resolver::new(&in_named).unwrap().resolve(PRIVATE).await.unwrap();
}

/// Named otherwise than it was granted, a file once did not exist for the guest.
#[tokio::test]
async fn a_path_in_another_spelling_is_the_same_file() {
    let fake = FakeAws::start();
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::write(home.path().join(".aws/credentials"), &keys).unwrap();
    let home = home.path().to_str().unwrap();
    let (variable, file) = ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    for config in [
        config_without_keys(&fake).with_variable("HOME", &format!("{home}//")),
        config_without_keys(&fake).with_variable("HOME", &format!("/.{home}")),
        config_without_keys(&fake).with_variable(variable, &format!("{home}//./{file}")),
        config_without_keys(&fake).with_variable("HOME", home).with_variable(variable, "~/.aws//credentials"),
    ] {
        Resolver::new(&config).unwrap().resolve(PRIVATE).await.unwrap();
    }
}

/// A file is read again by every lookup: keys rotate.
#[tokio::test]
async fn a_changed_credentials_file_is_seen_by_the_next_lookup() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let config = config_without_keys(&fake)
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .with_variable("AWS_EC2_METADATA_DISABLED", "true");
    let resolver = Resolver::new(&config).unwrap();
    assert!(matches!(resolver.resolve(PRIVATE).await, Err(Error::NoCredentials(_))));
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::write(&file, keys).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn without_credentials_nothing_is_asked_and_every_source_is_listed() {
    let fake = FakeAws::start();
    let config = config_without_keys(&fake)
        .with_variable("HOME", "/home/nobody-at-all")
        .with_variable("AWS_EC2_METADATA_DISABLED", "true");
    let Err(Error::NoCredentials(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    for source in ["environment: ", "profile: ", "web identity: ", "container: ", "instance metadata: "] {
        assert!(text.contains(source), "{text}");
    }
    assert_eq!(fake.connections_accepted(), 0);
}

#[tokio::test]
async fn what_is_not_a_readable_file_is_named_and_takes_no_time() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let large = folder.path().join("large");
    fs::write(&large, vec![b'#'; 2 * 1024 * 1024]).unwrap();
    for (file, reason) in [
        (pipe.as_path(), "not readable: it is not a regular file"),
        (folder.path(), "not readable: Is a directory"),
        (large.as_path(), "not readable: File too large"),
        (std::path::Path::new("/dev/zero"), "not readable: it is not a regular file"),
    ] {
        let config = config_without_keys(&fake).with_variable("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
        let Err(Error::Invalid(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
        assert!(text.contains(&format!("{} ({reason}", file.display())), "{text}");
    }
}

/// The old parser took more fuel for a file of this size than the whole budget has.
#[tokio::test]
async fn a_file_as_large_as_may_be_is_read_within_the_budget() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let profile = "[profile team-0000]\nregion = eu-west-1\noutput = json\nrole_name = reader\naccount = 123456789012\ncolor = blue\n";
    let keys = format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    let profiles = profile.repeat((1024 * 1024 - keys.len()) / profile.len());
    fs::write(&file, profiles + &keys).unwrap();
    let config = config_without_keys(&fake).with_variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    Resolver::new(&config).unwrap().resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn an_address_of_somebody_else_is_answered_without_a_request() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    for address in ["registry-1.docker.io", "", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com"] {
        assert_eq!(resolver.resolve(address).await, Err(Error::NotOurRegistry), "{address}");
    }
    assert_eq!(fake.connections_accepted(), 0);
}

#[tokio::test]
async fn the_environment_names_another_endpoint() {
    let fake = FakeAws::start();
    let all = config(&fake).with_variable("AWS_ENDPOINT_URL", &fake.url());
    Resolver::new(&all).unwrap().resolve(PRIVATE).await.unwrap();
    let nowhere = config(&fake)
        .with_variable("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
        .with_variable("AWS_ENDPOINT_URL_ECR", &fake.url());
    Resolver::new(&nowhere).unwrap().resolve(PRIVATE).await.unwrap();
    let hosts: Vec<String> = fake.requests().into_iter().map(|request| request.host).collect();
    let address = fake.address().to_string();
    assert_eq!(hosts, [address.clone(), address]);
}
