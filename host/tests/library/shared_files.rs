//! What the shared files name is granted, without being named a second time.

use keyward::{Config, Error, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tempfile::NamedTempFile;

use crate::common::PRIVATE;

/// A config file with keys and these lines in its profile, and sections after it.
fn config(fake: &FakeAws, lines: &str, sections: &str) -> (NamedTempFile, Config) {
    let file = NamedTempFile::new().unwrap();
    let keys = format!("aws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    std::fs::write(file.path(), format!("[default]\n{keys}{lines}\n{sections}\n")).unwrap();
    let config = Config::new()
        .without_cache()
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap());
    (file, config)
}

#[tokio::test]
async fn an_endpoint_that_the_profile_names_is_reached() {
    let fake = FakeAws::start();
    let url = fake.url();
    for (lines, sections) in [
        (format!("endpoint_url = {url}"), String::new()),
        ("services = local".to_owned(), format!("[services local]\necr =\n  endpoint_url = {url}")),
    ] {
        let (_file, config) = config(&fake, &lines, &sections);
        Resolver::new(&config).unwrap().resolve(PRIVATE).await.unwrap();
    }
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn the_endpoint_of_a_service_that_lookups_do_not_call_is_not_reached_by_way_of_another_setting() {
    let fake = FakeAws::start();
    let section = format!("[services local]\ns3 =\n  endpoint_url = {}", fake.url());
    let (_file, config) = config(&fake, "services = local", &section);
    let config = config.with_variable("AWS_EC2_METADATA_DISABLED", "true");
    let resolver = Resolver::new(&config.with_connect_to("api.ecr.us-east-1.amazonaws.com", fake.address())).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
    assert_eq!(fake.requests()[0].host, "api.ecr.us-east-1.amazonaws.com");
}

/// What a lookup asks for is decided by its files as they are then.
#[tokio::test]
async fn an_endpoint_that_is_named_later_is_reached_by_the_next_lookup() {
    let fake = FakeAws::start();
    let (file, config) = config(&fake, "endpoint_url = https://127.0.0.1:1", "");
    let resolver = Resolver::new(&config).unwrap();
    assert!(matches!(resolver.resolve(PRIVATE).await, Err(Error::Unavailable(_))));
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), text.replace("https://127.0.0.1:1", &fake.url())).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
}
