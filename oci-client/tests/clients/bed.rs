//! An AWS and a registry that takes its tokens, under the names that they have in the world.

use std::sync::Once;

use keyward::{Config, Resolver};
use keyward_oci_client::Clients;
use keyward_oci_client::oci_client::client::{Client, ClientConfig, ClientProtocol, ImageLayer};
use keyward_oci_client::oci_client::errors::OciDistributionError;
use keyward_oci_client::oci_client::manifest::OciImageManifest;
use keyward_oci_client::oci_client::secrets::RegistryAuth;
use keyward_oci_client::oci_client::{Reference, client};
use keyward_testbed::{
    ACCESS_KEY_ID, DEFAULT_ACCOUNT, DockerRegistry, FakeAws, SECRET_ACCESS_KEY, TestProxy, private_password,
};

/// The registry that is really there.
pub(crate) const REGION: &str = "us-east-1";
/// The region of another one, of which there is only the AWS.
pub(crate) const OTHER_REGION: &str = "eu-west-1";
/// The content of the one layer.
pub(crate) const LAYER: &[u8] = b"pushed and pulled";

/// A registry with one image, which wants the token of the fake AWS.
pub(crate) struct Bed {
    pub(crate) aws: FakeAws,
    pub(crate) registry: DockerRegistry,
    /// By which the registry's name leads to it.
    pub(crate) proxy: TestProxy,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        install_provider();
        let registry = DockerRegistry::start("AWS", &private_password(DEFAULT_ACCOUNT, REGION));
        let proxy = TestProxy::start(registry.address());
        let bed = Self { aws: FakeAws::start(), registry, proxy };
        push(&bed.bare_client()).await;
        bed
    }

    /// Settings with which a resolver finds the fake, and no keys.
    pub(crate) fn config_without_keys(&self) -> Config {
        let ca_file = self.aws.authority().ca_file().to_str().expect("temporary folders have names in UTF-8");
        let config =
            Config::new().with_variable("SSL_CERT_FILE", ca_file).with_variable("AWS_EC2_METADATA_DISABLED", "true");
        [REGION, OTHER_REGION]
            .into_iter()
            .fold(config, |config, region| config.with_connect_to(&api(region), self.aws.address()))
    }

    /// A resolver that has keys.
    pub(crate) fn resolver(&self) -> Resolver {
        self.config_without_keys()
            .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .build()
            .unwrap()
    }

    /// Clients with the credentials of such a resolver.
    pub(crate) fn clients(&self) -> Clients {
        Clients::new(self.resolver(), self.client_config())
    }

    /// The configuration of clients that find the registry.
    pub(crate) fn client_config(&self) -> impl Fn(&str) -> ClientConfig + Send + Sync + use<> {
        let proxy = self.proxy.url();
        move |_| ClientConfig {
            protocol: ClientProtocol::Http,
            http_proxy: Some(proxy.clone()),
            ..ClientConfig::default()
        }
    }

    /// A client of oci-client's own.
    pub(crate) fn bare_client(&self) -> Client {
        Client::try_from(self.client_config()("")).unwrap()
    }

    /// From now on, AWS gives out another token, and the registry takes no other one.
    pub(crate) fn change_password(&self, suffix: &str) {
        self.aws.set_password_suffix(suffix);
        self.registry.set_password("AWS", &format!("{}{suffix}", private_password(DEFAULT_ACCOUNT, REGION)));
    }

    /// How often the registry was asked how it wants to be logged in to. A client asks that once for each repository.
    pub(crate) fn challenges(&self) -> usize {
        self.proxy.absolute_requests().iter().filter(|url| url.ends_with("/v2/")).count()
    }
}

/// The image at the registry of a region.
pub(crate) fn image(region: &str) -> Reference {
    format!("{DEFAULT_ACCOUNT}.dkr.ecr.{region}.amazonaws.com/team/image:1").parse().unwrap()
}

/// The endpoint of ECR's API.
pub(crate) fn api(region: &str) -> String {
    format!("api.ecr.{region}.amazonaws.com")
}

/// The token that AWS gives out, with the suffix that it has at the time.
pub(crate) fn auth(suffix: &str) -> RegistryAuth {
    RegistryAuth::Basic("AWS".to_owned(), format!("{}{suffix}", private_password(DEFAULT_ACCOUNT, REGION)))
}

/// Pushes the image with a client.
pub(crate) async fn push(client: &Client) {
    let layer = ImageLayer::oci_v1_gzip(LAYER, None);
    let config = client::Config::oci_v1(&b"{}"[..], None);
    client.push(&image(REGION), &[layer], config, &auth(""), None).await.expect("the image can be pushed");
}

/// Pulls the image's manifest with a client.
pub(crate) async fn pull(client: &Client, auth: &RegistryAuth) -> Result<OciImageManifest, OciDistributionError> {
    client.pull_image_manifest(&image(REGION), auth).await.map(|(manifest, _)| manifest)
}

/// What the program has to do that chooses oci-client's feature without a provider.
pub(crate) fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one"));
}
