//! Another component than the one that is built in: tests/toy, of registries that are not Amazon's, by which nothing of the library and the
//! command belongs to ECR.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock};

use keyward::{Config, Error, Keychain, Outcome, Pattern, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};

const TOY: &str = "images.toy.example";
const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// It is built where host/build.rs builds the real one, so that nothing is compiled twice.
fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let target_folder =
            Path::new(env!("CARGO_BIN_EXE_keyward")).ancestors().nth(2).expect("TARGET/PROFILE/keyward");
        keyward_component::build_guest("keyward-toy", &target_folder.join("guest"))
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

fn toy(password: &str) -> Config {
    Config::new()
        .with_component(component())
        .with_variable("TOY_USER", "builder")
        .with_variable("TOY_PASSWORD", password)
}

/// The component of ECR, before a fake AWS.
fn ecr(fake: &FakeAws) -> Config {
    let ca_file = fake.authority().ca_file().to_str().expect("temporary folders have names in UTF-8");
    Config::new()
        .with_variable("AWS_EC2_METADATA_DISABLED", "true")
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", ca_file)
        .with_connect_to("api.ecr.us-east-1.amazonaws.com", fake.address())
}

fn everywhere() -> Vec<Pattern> {
    ["*.*.*", "*.*.*.*.*.*"].iter().map(|pattern| pattern.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_component_of_other_registries_finds_their_credentials() {
    let resolver = Resolver::new(&toy("sesame")).unwrap();
    let credential = resolver.resolve(format!("{TOY}/team/image:1").as_str()).await.unwrap();
    assert_eq!((credential.username.as_str(), credential.secret.expose()), ("builder", "sesame"));
    assert_eq!(credential.expires_at, None);
    assert_eq!(resolver.resolve(ECR).await, Err(Error::NotOurRegistry));
}

#[tokio::test]
async fn in_a_keychain_each_component_is_asked_until_one_knows_the_registry() {
    let fake = FakeAws::start();
    let (ecr, toy) = (ecr(&fake).build().unwrap(), toy("sesame").build().unwrap());
    for keychain in [
        Keychain::new().with(everywhere(), ecr.clone()).with(everywhere(), toy.clone()),
        Keychain::new().with(everywhere(), toy).with(everywhere(), ecr),
    ] {
        assert_eq!(keychain.resolve(TOY).await.unwrap().username, "builder");
        assert_eq!(keychain.resolve(ECR).await.unwrap().username, "AWS");
        assert_eq!(keychain.resolve("images.somebody.example").await, Err(Error::NotOurRegistry));
    }
}

#[tokio::test]
async fn in_a_keychain_a_refusal_of_any_component_ends_it() {
    let keychain = |first: Config| {
        Keychain::new().with(everywhere(), first.build().unwrap()).with(everywhere(), toy("sesame").build().unwrap())
    };
    let error = keychain(toy("refused")).resolve(TOY).await.unwrap_err();
    assert!(matches!(&error, Error::Denied(text) if text.contains(TOY)), "{error:?}");
    let without = Config::new().with_component(component());
    assert_eq!(keychain(without).resolve(TOY).await.unwrap().secret.expose(), "sesame");
}

/// Of a registry that only another component knows, its address as it was typed may be anything.
#[tokio::test]
async fn an_observer_is_told_the_host_alone_of_a_registry_of_another_component() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sender = heard.clone();
    let observe = move |event: &keyward::LookupEvent| {
        sender.lock().unwrap().push((event.registry.clone(), event.outcome));
    };
    let resolver = toy("sesame").with_observer(observe).build().unwrap();
    resolver.resolve(format!("{TOY}/team/image:1").as_str()).await.unwrap();
    resolver.resolve("https://user:hunter2@images.toy.example").await.unwrap_err();
    // Clients that ask for anything would make a series of each.
    resolver.resolve("images.somebody.example").await.unwrap_err();
    let nobodys = (None, Outcome::NotOurRegistry);
    let told = [(Some(TOY.to_owned()), Outcome::Found), nobodys.clone(), nobodys];
    assert_eq!(*heard.lock().unwrap(), told);
}

/// The command, without anything of this process's environment, in a home without configuration.
fn get(registry: &str, component: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(["get", registry, "--format", "user:pass", "--component"])
        .arg(component)
        .env_clear()
        .envs([("KEYWARD_CONFIG", "off"), ("AWS_EC2_METADATA_DISABLED", "true")])
        .output()
        .unwrap()
}

#[test]
fn the_command_compiles_another_component_and_runs_it() {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // It sees no variables but those of AWS, so it has no credentials to give; and it has said so itself.
    let answered = get(TOY, component());
    let errors = text(&answered.stderr);
    assert!(answered.status.code() == Some(4) && errors.contains("TOY_USER is not set"), "{errors}");

    let missing = get(TOY, Path::new("/no/such.wasm"));
    let errors = text(&missing.stderr);
    assert!(missing.status.code() == Some(1) && errors.contains("/no/such.wasm"), "{errors}");
    let unusable = get(TOY, Path::new(file!()));
    let errors = text(&unusable.stderr);
    assert!(unusable.status.code() == Some(1) && errors.contains("cannot be used"), "{errors}");
}
