//! moto: a simulated AWS that checks signatures and policies, with botocore's own signer.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use keyward_testbed::Authority;
use serde_json::Value;

use super::process::{ADVICE, Server, available, command, run};

/// The registry of moto's one account.
pub(crate) const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// The password that moto gives for it.
pub(crate) const TOKEN: &str = "123456789012-auth-token";

/// The address of ECR's interface in the region of the registry.
pub(crate) const ECR: &str = "api.ecr.us-east-1.amazonaws.com";

/// A moto over TLS with its authorization on.
pub(crate) struct Moto {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The authority that its certificate is from.
    pub(crate) ca_pem: String,
    /// A user that may ask for tokens.
    pub(crate) permitted: Keys,
    /// A user without a policy.
    pub(crate) unpermitted: Keys,
    /// A session of a role that may ask for tokens.
    pub(crate) assumed: Keys,
    _server: Server,
}

/// The credentials of a user or of a session.
#[derive(Clone)]
pub(crate) struct Keys {
    /// `AWS_ACCESS_KEY_ID`.
    pub(crate) access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub(crate) secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, which only sessions have.
    pub(crate) session_token: Option<String>,
}

impl Moto {
    /// The moto of all tests that name its address: at a free port, since it takes seconds to start.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(|| Self::start((Ipv4Addr::LOCALHOST, 0).into()))
    }

    /// The moto of all tests that use the real name of ECR, and so its port.
    pub(crate) fn at_the_port_of_ecr() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(|| Self::start((Ipv4Addr::new(127, 0, 0, 3), 443).into()))
    }

    /// What `AWS_ENDPOINT_URL` has to be.
    pub(crate) fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    // A static is never dropped, so that nothing here may own a directory: moto has read its files
    // once it listens.
    fn start(address: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("cannot make a temporary directory");
        let certificate_file = directory.path().join("certificate.pem");
        let key_file = directory.path().join("key.pem");
        let authority = Authority::new();
        let certificate = authority.issue(&[ECR, &address.ip().to_string()]);
        fs::write(&certificate_file, certificate.certificate_pem).expect("cannot write");
        fs::write(&key_file, certificate.key_pem).expect("cannot write");

        let program = virtual_environment().join("moto_server");
        let address = available(address);
        let server = Server::start(
            &program,
            [
                "-H".as_ref(),
                address.ip().to_string().as_ref(),
                "-p".as_ref(),
                address.port().to_string().as_ref(),
                "-c".as_ref(),
                certificate_file.as_os_str(),
                "-k".as_ref(),
                key_file.as_os_str(),
            ],
            address,
        );
        let keys = set_up(address, authority.ca_file());
        Self {
            address,
            ca_pem: authority.ca_pem().to_owned(),
            permitted: Keys::from_json(&keys["permitted"]),
            unpermitted: Keys::from_json(&keys["unpermitted"]),
            assumed: Keys::from_json(&keys["assumed"]),
            _server: server,
        }
    }
}

impl Keys {
    /// The settings by which every AWS program finds these keys.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("AWS_ACCESS_KEY_ID", Some(self.access_key_id.as_str())),
            ("AWS_SECRET_ACCESS_KEY", Some(&self.secret_access_key)),
            ("AWS_SESSION_TOKEN", self.session_token.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    fn from_json(keys: &Value) -> Self {
        let text = |name: &str| keys[name].as_str().map(str::to_owned);
        Self {
            access_key_id: text("access_key_id").expect("no access key"),
            secret_access_key: text("secret_access_key").expect("no secret"),
            session_token: text("session_token"),
        }
    }
}

/// Creates the users and the role, then turns the authorization on.
fn set_up(address: SocketAddr, ca_file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/moto_setup.py");
    let outcome = run(
        command(virtual_environment().join("python")).arg(script).arg(format!("https://{address}")).arg(ca_file),
        "",
    );
    outcome.assert_success();
    serde_json::from_str(&outcome.stdout).expect("the set-up printed no JSON")
}

/// Where `scripts/setup-debian` has put moto's programs.
fn virtual_environment() -> PathBuf {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers/venv/bin");
    assert!(programs.join("moto_server").exists(), "no moto in target/peers/venv: {ADVICE}");
    programs
}
