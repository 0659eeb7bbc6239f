//! What the tests of the library share: a resolver that finds the fake AWS under AWS's own names.

use keyward::Config;
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};

/// A private registry.
pub(crate) const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
/// The endpoint of its API.
pub(crate) const PRIVATE_API: &str = "api.ecr.us-east-1.amazonaws.com";
/// A registry in another region, so behind another endpoint.
pub(crate) const OTHER: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
/// The endpoint of its API.
pub(crate) const OTHER_API: &str = "api.ecr.eu-west-1.amazonaws.com";
/// The public registry.
pub(crate) const PUBLIC: &str = "public.ecr.aws";
/// The endpoint of its API.
pub(crate) const PUBLIC_API: &str = "api.ecr-public.us-east-1.amazonaws.com";

/// No keys, and no instance metadata: this machine may have some. Certificates and names lead to the fake. Each lookup is one of its
/// own, which is what most tests are about.
pub(crate) fn config_without_keys(fake: &FakeAws) -> Config {
    cached_config_without_keys(fake).without_cache()
}

/// The keys that every fake knows.
pub(crate) fn config(fake: &FakeAws) -> Config {
    cached_config(fake).without_cache()
}

/// The same, where a lookup may be answered by another one.
pub(crate) fn cached_config(fake: &FakeAws) -> Config {
    cached_config_without_keys(fake)
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
}

/// The keys that every fake knows, and nothing is tried twice.
pub(crate) fn config_without_retries(fake: &FakeAws) -> Config {
    config(fake).with_variable("AWS_MAX_ATTEMPTS", "1")
}

fn cached_config_without_keys(fake: &FakeAws) -> Config {
    let ca_file = fake.authority().ca_file().to_str().expect("temporary folders have names in UTF-8");
    let config =
        Config::new().with_variable("SSL_CERT_FILE", ca_file).with_variable("AWS_EC2_METADATA_DISABLED", "true");
    [PRIVATE_API, OTHER_API, PUBLIC_API]
        .into_iter()
        .fold(config, |config, name| config.with_connect_to(name, fake.address()))
}
