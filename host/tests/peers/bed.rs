//! A registry, an AWS and a client that find each other by their real names.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_testbed::{Authority, DockerRegistry};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::keyward::Keyward;
use super::moto::{ECR, Keys, Moto, REGISTRY, TOKEN};
use super::process::{ADVICE, Outcome, PATH, command, installed, run};

/// Another name of the registry: none of ECR's.
pub(crate) const OTHER_NAME: &str = "registry.keyward.test";

/// A registry of another region, and the address of that region's ECR: nobody listens there unless a test does.
pub(crate) const STUCK_REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
pub(crate) const STUCK_ECR: (&str, SocketAddr) =
    ("api.ecr.eu-west-1.amazonaws.com", SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4)), 443));

/// Binds its first two arguments over the hosts file and the name servers' file, for itself only, and becomes what stands behind
/// the third. The name server is one that does not exist: names that the hosts file has must not need any.
///
/// docker's daemon, containerd and podman write into folders of this machine, whatever they are told. What they write there goes into
/// memory, at the folder that the third argument names, and is gone with them; what is there, they see.
const WITH_HOSTS: &str = r#"
    mount -t tmpfs tmpfs "$3" || exit
    for folder in /etc /opt /run /var/lib; do
        mkdir -p "$3/written$folder" "$3/work$folder" || exit
        layers="lowerdir=$folder,upperdir=$3/written$folder,workdir=$3/work$folder"
        mount -t overlay -o "$layers" overlay "$folder" || exit
    done
    mount -t tmpfs tmpfs /dev/shm || exit
    mount --bind "$1" /etc/hosts || exit
    if [ -e /etc/resolv.conf ]; then mount --bind "$2" /etc/resolv.conf || exit; fi
    shift 3
    exec "$@"
"#;

/// An empty registry that wants the token of moto, and a client with Keyward as its helper.
pub(crate) struct Bed {
    /// The simulated AWS, which all beds share.
    pub(crate) moto: &'static Moto,
    keyward: Keyward,
    registry: DockerRegistry,
    directory: TempDir,
    // Last, since fields are dropped in this order: the port must be free before the next bed.
    _alone: MutexGuard<'static, ()>,
}

impl Bed {
    /// Waits for the bed before it, then starts the registry.
    ///
    /// # Panics
    ///
    /// When a program or a permission is missing, saying what to type.
    pub(crate) fn start() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        // A bed holds no state that a failed test could have left half done.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        require_own_mounts();
        let moto = Moto::at_the_port_of_ecr();
        let directory = tempfile::tempdir().expect("cannot make a temporary directory");
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 443));
        let authority = Authority::new();
        let certificate = authority.issue(&[REGISTRY, OTHER_NAME]);
        let registry = DockerRegistry::start_tls_at(address, &certificate, "AWS", TOKEN);
        write_client_settings(directory.path(), moto, &authority, address);
        Self { moto, keyward: Keyward::install(&moto.ca_pem), registry, directory, _alone: alone }
    }

    /// A path in the directory of this bed.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs skopeo where the real names lead to this bed.
    pub(crate) fn skopeo(&self, keys: &Keys, arguments: &[&str]) -> Outcome {
        let mut command = self.client("skopeo", keys);
        command.arg("--insecure-policy").args(arguments);
        run(&mut command, "")
    }

    /// A client of registries, of Debian's, that has these keys, finds Keyward and trusts the registry.
    pub(crate) fn client(&self, program: &str, keys: &Keys) -> Command {
        let mut command = self.among_real_names(program);
        command.env("PATH", format!("{}:{PATH}", self.keyward.programs().display())).envs(keys.environment());
        command
    }

    /// A program of Debian's for which the real names lead to this bed, with nothing of this machine's user about it.
    pub(crate) fn among_real_names(&self, program: &str) -> Command {
        self.among_real_names_at(&installed(program))
    }

    /// The same for a program that is not Debian's.
    pub(crate) fn among_real_names_at(&self, program: &Path) -> Command {
        let home = self.directory.path();
        let mut command = command(installed("unshare"));
        command
            .args(["--mount", "sh", "-c", WITH_HOSTS, "sh"])
            .arg(home.join("hosts"))
            .arg(home.join("resolv.conf"))
            .arg(home.join("written"))
            .arg(program)
            .env("HOME", home)
            .env("TMPDIR", home)
            // Otherwise skopeo and podman look for the credentials of this machine's user first.
            .env("XDG_RUNTIME_DIR", home)
            .env("SSL_CERT_FILE", home.join("authorities.pem"));
        command
    }

    /// Replaces docker's settings, which the other clients read too.
    pub(crate) fn write_docker_settings(&self, settings: &Value) {
        fs::write(self.docker_settings_file(), settings.to_string()).expect("cannot write a setting");
    }

    /// Writes the settings that skopeo and podman have of their own.
    pub(crate) fn write_registries_settings(&self, settings: &str) {
        let directory = self.path(".config/containers");
        fs::create_dir_all(&directory).expect("cannot make a directory");
        fs::write(directory.join("registries.conf"), settings).expect("cannot write a setting");
    }

    /// docker's settings, as a client may have left them.
    pub(crate) fn docker_settings(&self) -> Value {
        let text = fs::read(self.docker_settings_file()).expect("cannot read a setting");
        serde_json::from_slice(&text).expect("docker's settings are JSON")
    }

    fn docker_settings_file(&self) -> PathBuf {
        self.path(".docker/config.json")
    }

    /// Whether the image was ever pushed under a tag.
    pub(crate) fn registry_has(&self, tag: &str) -> bool {
        self.registry.has("keyward/demo", tag)
    }
}

fn require_own_mounts() {
    let outcome = run(command(installed("unshare")).args(["--mount", "true"]), "");
    assert!(outcome.status.success(), "no mount namespace of its own permitted: {ADVICE}: {outcome}");
}

fn write_client_settings(directory: &Path, moto: &Moto, authority: &Authority, registry: SocketAddr) {
    let (stuck_ecr, stuck) = STUCK_ECR;
    let hosts = format!(
        "127.0.0.1 localhost\n{} {REGISTRY} {OTHER_NAME}\n{} {ECR}\n{} {stuck_ecr}\n",
        registry.ip(),
        moto.address.ip(),
        stuck.ip()
    );
    let docker = json!({"credHelpers": {REGISTRY: "keyward"}});
    // One file for all programs: a client trusts the registry by it, and Keyward trusts ECR.
    let authorities = format!("{}{}", moto.ca_pem, authority.ca_pem());
    for name in [".docker", "written"] {
        fs::create_dir(directory.join(name)).expect("cannot make a directory");
    }
    for (name, content) in [
        ("hosts", hosts),
        ("resolv.conf", "nameserver 127.0.0.254\n".to_owned()),
        (".docker/config.json", docker.to_string()),
        ("authorities.pem", authorities),
    ] {
        fs::write(directory.join(name), content).expect("cannot write a setting");
    }
}
