//! AWS's own client for Rust, as Keyward's benches compare with it: with the same TLS as Keyward has.

use std::fs;
use std::path::Path;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::retry::RetryConfig;
use aws_sdk_ecr::config::timeout::TimeoutConfig;
use aws_sdk_ecr::config::{
    BehaviorVersion, Config, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_ecr::error::DisplayErrorContext;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// A client that trusts the authority of the servers, and has nothing that ends a call by itself. Without an endpoint it asks
/// for the address of AWS's own.
pub fn client(endpoint: Option<&str>, ca_file: &Path) -> Client {
    let config = config(endpoint, ca_file).timeout_config(TimeoutConfig::disabled());
    Client::from_conf(config.stalled_stream_protection(StalledStreamProtectionConfig::disabled()).build())
}

/// As [`client`], with the time limits that it has unless it is told otherwise: for connecting, and for streams that stall.
pub fn client_with_default_timeouts(endpoint: Option<&str>, ca_file: &Path) -> Client {
    Client::from_conf(config(endpoint, ca_file).build())
}

/// One call, to its end: a token, or what the client says.
///
/// # Errors
///
/// What the client says, in a few words.
pub async fn call(client: &Client) -> Result<(), String> {
    match client.get_authorization_token().send().await {
        Ok(answer) if answer.authorization_data().is_empty() => Err("an answer without a token".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(DisplayErrorContext(&error).to_string().chars().take(90).collect()),
    }
}

/// HTTP as the SDK has it by default, with ring in the place of aws-lc.
pub fn https(tls: TlsContext) -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https()
}

fn config(endpoint: Option<&str>, ca_file: &Path) -> aws_sdk_ecr::config::Builder {
    let trusted = TrustStore::empty().with_pem_certificate(fs::read(ca_file).expect("the servers wrote it"));
    let tls = TlsContext::builder().with_trust_store(trusted).build().expect("the certificate of an authority");
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "bench"))
        .retry_config(RetryConfig::disabled())
        .http_client(https(tls));
    config.set_endpoint_url(endpoint.map(str::to_owned));
    config
}
