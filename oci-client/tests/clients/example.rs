//! The example `pull`, as somebody runs it whose proxy leads to the registry.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use keyward_testbed::{
    ACCESS_KEY_ID, DEFAULT_ACCOUNT, DockerRegistry, FakeAws, PASSWORD_MARK, SECRET_ACCESS_KEY, TestProxy,
    private_password,
};

use keyward_oci_client::oci_client::client::{Certificate, CertificateEncoding, Client, ClientConfig};

use crate::bed::{LAYER, REGION, image, install_provider, push};

#[tokio::test]
async fn the_example_pulls_an_image_by_https_into_a_folder_and_its_first_layer_without_one() {
    let aws = FakeAws::start();
    let certificate = aws.authority().issue(&[image(REGION).registry()]);
    let password = private_password(DEFAULT_ACCOUNT, REGION);
    let registry = DockerRegistry::start_tls_at("127.0.0.1:0".parse().unwrap(), &certificate, "AWS", &password);
    let proxy = TestProxy::start(registry.address());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("image");
    push(&client(&aws, &proxy)).await;

    let output = example(&aws, &proxy).arg(image(REGION).whole()).arg(&target).output().unwrap();
    assert_succeeded(&output);
    let layers: Vec<_> = fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sha256-")))
        .collect();
    assert_eq!(layers.len(), 1, "{layers:?}");
    assert_eq!(fs::read(&layers[0]).unwrap(), LAYER);

    let output = example(&aws, &proxy).arg(image(REGION).whole()).output().unwrap();
    assert_succeeded(&output);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("{} bytes, as its digest says", LAYER.len())), "{said}");
    assert!(!said.contains(PASSWORD_MARK));
}

/// A client that finds the registry by the proxy, and trusts it.
fn client(aws: &FakeAws, proxy: &TestProxy) -> Client {
    install_provider();
    let authority = Certificate { encoding: CertificateEncoding::Pem, data: aws.authority().ca_pem().into() };
    let config =
        ClientConfig { https_proxy: Some(proxy.url()), tls_certs_only: vec![authority], ..ClientConfig::default() };
    Client::try_from(config).unwrap()
}

fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The example, which cargo builds before it runs tests, with nothing of this machine's environment.
fn example(aws: &FakeAws, proxy: &TestProxy) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("AWS_ENDPOINT_URL", aws.url())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // By this the lookup trusts AWS, and oci-client the registry.
        .env("SSL_CERT_FILE", aws.authority().ca_file())
        .env("HTTPS_PROXY", proxy.url());
    command
}

fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(|folder| folder.parent()).expect("tests lie in a folder of the target's");
    let program = folder.join("examples/pull");
    assert!(program.exists(), "the example is not built: cargo build --release -p keyward-oci-client --examples");
    program
}
