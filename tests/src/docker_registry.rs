//! A real registry: Debian's `docker-registry`, on loopback.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::authority::IssuedCertificate;

/// Where Debian keeps its programs. What somebody else has put in `/usr/local` may be of any age.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What to type when something is missing.
const ADVICE: &str = "run scripts/setup-debian";

/// The file by which the registry knows its user.
const PASSWORD_FILE: &str = "htpasswd";

/// What the registry says before the address that it listens at.
const LISTENING: &str = "listening on ";

/// How long a registry may take to listen. It takes milliseconds: the bound only has to turn a test that would hang into one that
/// fails.
const BOUND: Duration = Duration::from_secs(60);

/// An empty registry on loopback that wants a user name and a password, which runs until it is dropped.
///
/// It is a program of its own, `docker-registry`, which the kernel ends too when the test does not come to that. `htpasswd` makes the
/// hash by which it knows the password. `scripts/setup-debian` installs both.
pub struct DockerRegistry {
    address: SocketAddr,
    process: Process,
    // Last, since fields are dropped in this order: the registry has ended before what it serves is removed.
    folder: TempDir,
}

impl DockerRegistry {
    /// Starts a registry that takes this user name with this password, and nothing else. It speaks HTTP without TLS, at a port that
    /// is free.
    #[must_use]
    #[track_caller]
    pub fn start(user: &str, password: &str) -> Self {
        Self::start_as((Ipv4Addr::LOCALHOST, 0).into(), None, user, password)
    }

    /// [`DockerRegistry::start`] at a given address, such as port 443 of one of the many addresses that loopback has, with TLS.
    /// With port 0, it is one that is free.
    #[must_use]
    #[track_caller]
    pub fn start_tls_at(address: SocketAddr, certificate: &IssuedCertificate, user: &str, password: &str) -> Self {
        Self::start_as(address, Some(certificate), user, password)
    }

    #[track_caller]
    fn start_as(address: SocketAddr, certificate: Option<&IssuedCertificate>, user: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = |name: &str| folder.path().join(name);
        write_password(&path(PASSWORD_FILE), user, password);
        let tls = certificate.map(|certificate| {
            let (certificate_file, key_file) = (path("certificate.pem"), path("key.pem"));
            fs::write(&certificate_file, &certificate.certificate_pem).expect("a temporary file can be written");
            fs::write(&key_file, &certificate.key_pem).expect("a temporary file can be written");
            json!({"certificate": certificate_file, "key": key_file})
        });
        // JSON is YAML.
        let settings = json!({
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": path("storage")}},
            "http": {"addr": address.to_string(), "tls": tls.unwrap_or_else(|| json!({}))},
            "auth": {"htpasswd": {"realm": "registry", "path": path(PASSWORD_FILE)}},
        });
        fs::write(path("registry.yml"), settings.to_string()).expect("a temporary file can be written");
        let (process, address) = Process::start(&path("registry.yml"));
        Self { address, process, folder }
    }

    /// Where the registry listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes another password from now on, and not the one before it, as ECR does when its token is over.
    #[track_caller]
    pub fn set_password(&self, user: &str, password: &str) {
        // Made beside it and moved there, so that no request finds half of it.
        let new = self.folder.path().join("htpasswd.new");
        write_password(&new, user, password);
        fs::rename(new, self.folder.path().join(PASSWORD_FILE)).expect("a temporary file can be renamed");
    }

    /// Whether an image was ever pushed to this repository under this tag.
    #[must_use]
    pub fn has(&self, repository: &str, tag: &str) -> bool {
        let repositories = self.folder.path().join("storage/docker/registry/v2/repositories");
        repositories.join(repository).join("_manifests/tags").join(tag).exists()
    }
}

impl fmt::Debug for DockerRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DockerRegistry")
            .field("address", &self.address)
            .field("process", &self.process.id)
            .finish()
    }
}

/// Writes the one line that the registry knows the password by. It goes to `htpasswd` by its standard input, which no other process of
/// this machine can read.
#[track_caller]
fn write_password(file: &Path, user: &str, password: &str) {
    // The registry takes bcrypt alone.
    let mut htpasswd = command("htpasswd")
        .args(["-n", "-i", "-B", user])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("htpasswd cannot be started: {error}; {ADVICE}"));
    let mut input = htpasswd.stdin.take().expect("the standard input was asked for");
    input.write_all(password.as_bytes()).expect("htpasswd reads its input");
    drop(input);
    let output = htpasswd.wait_with_output().expect("a child can be waited for");
    assert!(output.status.success(), "htpasswd makes no hash of this password: {}", output.status);
    fs::write(file, output.stdout).expect("a temporary file can be written");
}

/// A command that inherits nothing: no setting of the registry is one of this machine's user.
#[track_caller]
fn command(program: &str) -> Command {
    let found = PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.exists());
    let mut command = Command::new(found.unwrap_or_else(|| panic!("{program} is not installed; {ADVICE}")));
    command.env_clear().env("PATH", PATH);
    command
}

/// A registry that runs.
struct Process {
    id: u32,
    /// Dropping it is what ends the registry.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts the registry from a thread that lives as long as it does: the kernel ends the one together with the other, and the
    /// thread of a test may end before a registry that tests share.
    #[track_caller]
    fn start(settings_file: &Path) -> (Self, SocketAddr) {
        let mut registry = command("docker-registry");
        registry.arg("serve").arg(settings_file);
        let mut registry = ending_with_its_parent(&registry);
        registry.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (stop, stopped) = mpsc::channel();
        let (heard, hears) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("docker-registry".to_owned())
            .spawn(move || run(&mut registry, &heard, &stopped))
            .expect("a registry needs a thread");
        match hears.recv_timeout(BOUND) {
            Ok(Ok((id, address))) => (Self { id, stop: Some(stop), thread: Some(thread) }, address),
            Ok(Err(message)) => panic!("docker-registry does not listen: {message}; {ADVICE}"),
            Err(error) => panic!("docker-registry does not listen: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(
                joined.is_ok() || thread::panicking(),
                "the thread of docker-registry panicked; its message is above"
            );
        }
    }
}

type Listening = Result<(u32, SocketAddr), String>;

/// Starts the registry, says where it listens, and ends it when nobody wants it any more.
fn run(registry: &mut Command, heard: &mpsc::Sender<Listening>, stopped: &mpsc::Receiver<()>) {
    let mut child = match registry.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = heard.send(Err(error.to_string()));
            return;
        }
    };
    let listening = listens_at(&mut child).map(|address| (child.id(), address));
    let is_well = listening.is_ok();
    if heard.send(listening).is_ok() && is_well {
        // Nothing is ever sent: this returns when the sender is dropped.
        let _ = stopped.recv();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads what the registry says until it has said where it listens. What it says afterwards is read too, lest it wait for that.
fn listens_at(child: &mut Child) -> Result<SocketAddr, String> {
    let mut said = String::new();
    let mut messages = BufReader::new(child.stderr.take().expect("the standard error stream was asked for"));
    loop {
        let begin = said.len();
        match messages.read_line(&mut said) {
            Ok(0) => return Err(format!("it ended, and said: {said}")),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let Some((_, rest)) = said[begin..].split_once(LISTENING) else { continue };
        let address: String = rest.chars().take_while(|sign| sign.is_ascii_digit() || ".:".contains(*sign)).collect();
        let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
        thread::spawn(move || std::io::copy(&mut messages, &mut std::io::sink()));
        return Ok(address);
    }
}

/// The same command, as one that the kernel ends together with the thread that starts it. Linux alone does that, which is where the
/// registry's package is.
fn ending_with_its_parent(program: &Command) -> Command {
    let mut command = command("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program.get_program()).args(program.get_args());
    command
}
