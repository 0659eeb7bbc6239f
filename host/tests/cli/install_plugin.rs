//! `keyward install-plugin`, as a container and a person call it on a node.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::{Call, Outcome};

/// Of an image that nobody is asked about.
const REQUEST: &str = "{\"kind\": \"CredentialProviderRequest\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \
                       \"image\": \"docker.io/library/image\"}\n";

/// A node: the folder that its kubelet looks into, and a configuration that is not there yet.
struct Node(TempDir);

impl Node {
    fn new() -> Self {
        let node = Self(tempfile::tempdir().unwrap());
        fs::create_dir(node.folder()).unwrap();
        fs::write(node.0.path().join("new.yaml"), "kind: CredentialProviderConfig\n").unwrap();
        node
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("plugins")
    }

    fn program(&self) -> PathBuf {
        self.folder().join("keyward")
    }

    fn configuration(&self) -> PathBuf {
        self.folder().join("config.yaml")
    }

    /// With a configuration.
    fn install_both(&self) -> Outcome {
        let option = |name: &str, file: PathBuf| format!("--{name}={}", file.display());
        self.install(&[
            option("config-from", self.0.path().join("new.yaml")),
            option("config-to", self.configuration()),
        ])
    }

    fn install(&self, options: &[String]) -> Outcome {
        let call = Call::keyward(&["install-plugin"]).argument(self.folder());
        options.iter().fold(call, |call, option| call.argument(option)).run()
    }

    /// What is in the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// The provider that was installed, as the kubelet starts it.
fn provider(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("AWS_EC2_METADATA_DISABLED", "true").env("KEYWARD_CONFIG", "off");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn answer(program: &Path, arguments: &[&str]) -> String {
    let mut child = provider(program, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(REQUEST.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn the_program_and_the_configuration_arrive_whole_and_the_kubelet_gets_an_answer() {
    let node = Node::new();
    let outcome = node.install_both();
    let said = format!("{}: installed\n{}: installed\n", node.program().display(), node.configuration().display());
    assert_eq!((outcome.status, outcome.output, outcome.errors), (0, said, String::new()));
    assert_eq!(node.names(), ["config.yaml", "keyward"]);
    assert_eq!((mode(&node.program()), mode(&node.configuration())), (0o755, 0o644));
    assert_eq!(fs::read_to_string(node.configuration()).unwrap(), "kind: CredentialProviderConfig\n");
    assert!(answer(&node.program(), &["kubelet"]).contains("CredentialProviderResponse"));
}

#[test]
fn by_the_name_that_clusters_have_configured_it_needs_no_configuration() {
    let node = Node::new();
    assert_eq!(node.install(&["--name=ecr-credential-provider".to_owned()]).status, 0);
    assert_eq!(node.names(), ["ecr-credential-provider"]);
    assert!(answer(&node.folder().join("ecr-credential-provider"), &[]).contains("CredentialProviderResponse"));
    // Under any other, it would not know what it is called for.
    assert_eq!(node.install(&["--name=other".to_owned()]).status, 2);
}

#[test]
fn what_is_there_already_is_not_written_again_and_what_is_not_the_same_is() {
    let node = Node::new();
    node.install_both();
    let inodes = || [node.program(), node.configuration()].map(|file| fs::metadata(file).unwrap().ino());
    let before = inodes();
    let outcome = node.install_both();
    assert_eq!(outcome.output.matches(": is up to date\n").count(), 2, "{outcome:?}");
    assert_eq!(inodes(), before);
    // What has been changed by hand is what it should be again: the mode of the one, the text of the other.
    fs::set_permissions(node.program(), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(node.configuration(), "kind: CredentialProviderConfiG\n").unwrap();
    let outcome = node.install_both();
    assert_eq!(outcome.output.matches(": installed\n").count(), 2, "{outcome:?}");
    assert_eq!(mode(&node.program()), 0o755);
    assert!(fs::read_to_string(node.configuration()).unwrap().contains("Config\n"));
}

/// The kubelet may be waiting for it. A file that runs cannot be written to.
#[test]
fn a_program_that_runs_is_replaced_and_goes_on() {
    let node = Node::new();
    node.install(&[]);
    // Another version: what stands behind a program's end means nothing to it. By a process of its own, lest a test beside this one
    // holds the file open for writing at the moment in which it is started.
    let append = "printf '%s' 'of another version' >> \"$1\"";
    assert!(Command::new("sh").args(["-c", append, "sh"]).arg(node.program()).status().unwrap().success());
    let mut running = provider(&node.program(), &["kubelet"]).spawn().unwrap();
    let outcome = node.install(&[]);
    assert_eq!(outcome.output, format!("{}: installed\n", node.program().display()));
    running.stdin.take().unwrap().write_all(REQUEST.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("CredentialProviderResponse"), "{line}");
    assert!(running.wait().unwrap().success());
}

/// Whoever can put a link there does not choose what is written over.
#[test]
fn a_link_is_replaced_and_not_followed() {
    let node = Node::new();
    let elsewhere = node.0.path().join("elsewhere");
    fs::write(&elsewhere, "of somebody else").unwrap();
    symlink(&elsewhere, node.program()).unwrap();
    assert_eq!(node.install(&[]).status, 0);
    assert!(fs::symlink_metadata(node.program()).unwrap().is_file());
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "of somebody else");
}

/// A program that only its owner may run would look installed.
#[test]
fn the_umask_of_whoever_calls_it_does_not_matter() {
    let node = Node::new();
    let mut call = Call::keyward(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(call.command.get_program());
    shell.arg("install-plugin").arg(node.folder());
    call.command = shell;
    assert_eq!(call.run().status, 0);
    assert_eq!(mode(&node.program()), 0o755);
}

#[test]
fn what_cannot_be_done_is_said_and_leaves_the_folder_as_it_was() {
    let node = Node::new();
    let outcome =
        node.install(&["--config-from=/nowhere.yaml".to_owned(), "--config-to=/nowhere/config.yaml".to_owned()]);
    assert_eq!((outcome.status, outcome.output.as_str()), (1, ""));
    assert!(outcome.errors.starts_with("error: /nowhere.yaml could not be read: "), "{outcome:?}");
    assert_eq!(node.names(), [""; 0]);

    // Where a folder has the name, nothing takes its place.
    fs::create_dir(node.program()).unwrap();
    let outcome = node.install(&[]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.errors.contains("could not be written, and is what it was before: "), "{outcome:?}");
    assert_eq!(node.names(), ["keyward"]);

    let outcome = Call::keyward(&["install-plugin", "/nowhere/plugins"]).run();
    assert_eq!(outcome.status, 1);
    assert!(
        outcome.errors.contains("/nowhere/plugins is no folder") && outcome.errors.contains("name folders"),
        "{outcome:?}"
    );

    // The one without the other makes no sense.
    assert_eq!(node.install(&["--config-to=/nowhere/config.yaml".to_owned()]).status, 2);
}
