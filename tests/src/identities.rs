//! Every way in which a machine can have AWS credentials, set up against the fakes: for tests and benches that go through all of them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::aws::{FakeAws, Role, SsoRefresh, SsoRole};
use crate::keys::{ACCESS_KEY_ID, AccessKeys, SECRET_ACCESS_KEY};
use crate::metadata::{ContainerCredentials, FakeMetadata, InstanceRole};

/// What every secret of the identities begins with, so that a test can look for it in everything that must not hold one.
pub const SECRET_MARK: &str = "keyward+testbed/secret";

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
const SECOND_ROLE: &str = "arn:aws:iam::123456789012:role/reader";
const CONTAINER_PATH: &str = "/v1/credentials";

const PORTAL: &str = "GET /federation/credentials";
const INSTANCE: &[&str] = &[
    "PUT /latest/api/token",
    "GET /latest/meta-data/iam/security-credentials/",
    "GET /latest/meta-data/iam/security-credentials/node",
];
const INSTANCE_AND_ROLE: &[&str] = &[
    "PUT /latest/api/token",
    "GET /latest/meta-data/iam/security-credentials/",
    "GET /latest/meta-data/iam/security-credentials/node",
    "AssumeRole",
];

/// The fakes, and a folder with a home for each identity.
#[derive(Debug)]
pub struct Identities {
    /// STS, IAM Identity Center and ECR.
    pub aws: FakeAws,
    /// Instance metadata and container credentials.
    pub metadata: FakeMetadata,
    folder: TempDir,
}

/// One way to have credentials.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What it is called.
    pub name: &'static str,
    /// The environment that it takes, without that of the fakes.
    pub variables: Vec<(&'static str, String)>,
    /// The requests of a lookup before the one for ECR, as method and path or STS's action.
    pub requests: &'static [&'static str],
    /// Whether a program has to be run.
    pub runs_program: bool,
}

impl Identities {
    /// Starts the fakes.
    #[must_use]
    pub fn start() -> Self {
        Self::of(FakeAws::start())
    }

    /// [`Identities::start`], where AWS speaks no TLS.
    #[must_use]
    pub fn start_plain() -> Self {
        Self::of(FakeAws::start_plain())
    }

    fn of(aws: FakeAws) -> Self {
        let metadata = FakeMetadata::start();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        aws.add_role(
            Role::new(ROLE)
                .with_web_identity_token(&secret("token"))
                .with_keys(temporary("ASIAROLE"))
                .with_caller(ACCESS_KEY_ID)
                .with_caller("ASIAINSTANCE"),
        );
        aws.add_role(
            Role::new(SECOND_ROLE)
                .with_external_id("ticket/42")
                .with_keys(temporary("ASIASECOND"))
                .with_caller("ASIAROLE"),
        );
        for access_token in ["access", "refreshed"] {
            aws.add_sso_role(SsoRole::new(&secret(access_token), ACCOUNT, "Reader", temporary("ASIASSO")));
        }
        aws.add_sso_refresh(SsoRefresh::new("client", &secret("client"), &secret("refresh"), &secret("refreshed")));
        for id in ["ASIALOGIN", "ASIAINSTANCE", "ASIACONTAINER"] {
            aws.add_keys(temporary(id));
        }
        metadata.set_instance_role(InstanceRole::new("node", temporary("ASIAINSTANCE")));
        let container = ContainerCredentials::new(CONTAINER_PATH, temporary("ASIACONTAINER"));
        metadata.set_container_credentials(container.with_authorization(&secret("authorization")));
        Self { aws, metadata, folder }
    }

    /// The folder that all files of all identities are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What every lookup needs to find the fakes: endpoint, authority, metadata.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.aws.url()),
            ("SSL_CERT_FILE", self.aws.authority().ca_file().display().to_string()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.metadata.url()),
        ]
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Identity> {
        let keys = format!("aws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
        let token_file = self.file("token", &secret("token"));
        let authorization_file = self.file("authorization", &secret("authorization"));
        let sso_session = "[sso-session admin]\nsso_region = eu-west-1\nsso_start_url = https://start\n";
        let sso_role = format!("sso_account_id = {ACCOUNT}\nsso_role_name = Reader\n");
        let start_url = "https://d-92671207e4.awsapps.com/start";
        let plain = |name, variables, requests| Identity { name, variables, requests, runs_program: false };
        let in_config = |name: &'static str, config: &str, requests| {
            plain(name, vec![("HOME", self.home(name, &[("config", config)]))], requests)
        };
        vec![
            plain(
                "environment",
                vec![
                    ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
                    ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
                ],
                &[],
            ),
            in_config("keys in a profile", &format!("[default]\n{keys}"), &[]),
            in_config(
                "two roles, one with the keys of the other",
                &format!(
                    "[default]\nrole_arn = {SECOND_ROLE}\nexternal_id = ticket/42\nsource_profile = first\n\
                     [profile first]\nrole_arn = {ROLE}\nsource_profile = keys\n[profile keys]\n{keys}"
                ),
                &["AssumeRole", "AssumeRole"],
            ),
            in_config(
                "role with the keys of the instance",
                &format!("[default]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n"),
                INSTANCE_AND_ROLE,
            ),
            plain(
                "web identity in the environment",
                vec![("AWS_WEB_IDENTITY_TOKEN_FILE", token_file.clone()), ("AWS_ROLE_ARN", ROLE.to_owned())],
                &["AssumeRoleWithWebIdentity"],
            ),
            in_config(
                "web identity in a profile",
                &format!("[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {token_file}\n"),
                &["AssumeRoleWithWebIdentity"],
            ),
            plain(
                "IAM Identity Center, session",
                vec![(
                    "HOME",
                    self.home(
                        "session",
                        &[
                            ("config", &format!("[default]\nsso_session = admin\n{sso_role}{sso_session}")),
                            (
                                "sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json",
                                &format!(
                                    r#"{{"accessToken": "{}", "expiresAt": "2999-01-01T00:00:00Z"}}"#,
                                    secret("access")
                                ),
                            ),
                        ],
                    ),
                )],
                &[PORTAL],
            ),
            plain(
                "IAM Identity Center, older form",
                vec![(
                    "HOME",
                    self.home(
                        "older",
                        &[
                            (
                                "config",
                                &format!("[default]\nsso_start_url = {start_url}\nsso_region = eu-west-1\n{sso_role}"),
                            ),
                            (
                                "sso/cache/13f9d35043871d073ab260e020f0ffde092cb14b.json",
                                &format!(
                                    r#"{{"accessToken": "{}", "expiresAt": "2999-01-01T00:00:00UTC"}}"#,
                                    secret("access")
                                ),
                            ),
                        ],
                    ),
                )],
                &[PORTAL],
            ),
            plain(
                "IAM Identity Center, token that is over",
                vec![(
                    "HOME",
                    self.home(
                        "over",
                        &[
                            ("config", &format!("[default]\nsso_session = admin\n{sso_role}{sso_session}")),
                            (
                                "sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json",
                                &format!(
                                    r#"{{"accessToken": "{}", "expiresAt": "2020-01-01T00:00:00Z", "clientId": "client",
                                        "clientSecret": "{}", "registrationExpiresAt": "2999-01-01T00:00:00Z",
                                        "refreshToken": "{}"}}"#,
                                    secret("gone"),
                                    secret("client"),
                                    secret("refresh")
                                ),
                            ),
                        ],
                    ),
                )],
                &["POST /token", PORTAL],
            ),
            plain(
                "aws login",
                vec![(
                    "HOME",
                    self.home(
                        "login",
                        &[
                            ("config", "[default]\nlogin_session = abc\n"),
                            (
                                "login/cache/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json",
                                &format!(
                                    r#"{{"accessToken": {{"accessKeyId": "ASIALOGIN", "secretAccessKey": "{}",
                                        "sessionToken": "{}", "accountId": "{ACCOUNT}", "expiresAt": "2999-01-01T00:00:00Z"}},
                                        "clientId": "c", "refreshToken": "{}", "idToken": "i", "dpopKey": "k"}}"#,
                                    secret("key/ASIALOGIN"),
                                    secret("session/ASIALOGIN"),
                                    secret("refresh")
                                ),
                            ),
                        ],
                    ),
                )],
                &[],
            ),
            plain(
                "container",
                vec![
                    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}{CONTAINER_PATH}", self.metadata.url())),
                    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", authorization_file),
                ],
                &["GET /v1/credentials"],
            ),
            plain("instance", Vec::new(), INSTANCE),
            Identity {
                runs_program: true,
                ..in_config(
                    "program",
                    &format!(
                        "[default]\ncredential_process = echo '{{\"Version\": 1, \"AccessKeyId\": \"{ACCESS_KEY_ID}\", \
                         \"SecretAccessKey\": \"{SECRET_ACCESS_KEY}\"}}'\n"
                    ),
                    &[],
                )
            },
        ]
    }

    /// A home folder with these files below `.aws`.
    fn home(&self, name: &str, files: &[(&str, &str)]) -> String {
        let home = self.folder.path().join(name.replace(' ', "-"));
        for (path, content) in files {
            write(&home.join(".aws").join(path), content);
        }
        home.display().to_string()
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        write(&path, content);
        path.display().to_string()
    }

    /// What was asked so far, of both fakes in turn, in the form of [`Identity::requests`]; ECR's own is `ECR`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let requests = self.metadata.requests().into_iter().chain(self.aws.requests());
        requests
            .map(|request| {
                if request.header("x-amz-target").is_some() {
                    return "ECR".to_owned();
                }
                let path = request.path.split('?').next().unwrap_or_default();
                request.parameter("Action").unwrap_or_else(|| format!("{} {path}", request.method))
            })
            .collect()
    }
}

/// A secret that is like no other.
fn secret(name: &str) -> String {
    format!("{SECRET_MARK}/{name}")
}

fn temporary(id: &str) -> AccessKeys {
    AccessKeys::new(id, &secret(&format!("key/{id}"))).with_session_token(&secret(&format!("session/{id}")))
}

fn write(path: &Path, content: &str) {
    let folder = path.parent().expect("the path has a folder");
    fs::create_dir_all(folder).and_then(|()| fs::write(path, content)).expect("temporary files can be written");
}
