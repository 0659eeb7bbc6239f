//! Calls the command with nothing of this machine's environment, and looks for secrets in whatever it says.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use keyward_testbed::{ACCESS_KEY_ID, Authority, FakeAws, PASSWORD_MARK, SECRET_ACCESS_KEY};
use tempfile::TempDir;

/// A private registry.
pub(crate) const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// The text that clients take as "go on without credentials".
pub(crate) const NOT_FOUND: &str = "credentials not found in native keychain\n";

/// One call of the command.
pub(crate) struct Call {
    pub(crate) command: Command,
    pub(crate) input: Vec<u8>,
    /// Holds the link under which the command is called.
    pub(crate) folder: Option<TempDir>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Call {
    /// As `keyward`.
    pub(crate) fn keyward(arguments: &[&str]) -> Self {
        Self::program(Path::new(env!("CARGO_BIN_EXE_keyward")), arguments, None)
    }

    /// As `docker-credential-keyward`.
    pub(crate) fn helper(arguments: &[&str]) -> Self {
        Self::named("docker-credential-keyward", arguments)
    }

    /// By another name.
    pub(crate) fn named(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join(name);
        symlink(env!("CARGO_BIN_EXE_keyward"), &link).unwrap();
        Self::program(&link, arguments, Some(folder))
    }

    fn program(program: &Path, arguments: &[&str], folder: Option<TempDir>) -> Self {
        let mut command = Command::new(program);
        // This machine may be an instance, with credentials of its own.
        command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true").args(arguments);
        // It may have settings of its own, too.
        command.env("KEYWARD_CONFIG", "off");
        Self { command, input: Vec::new(), folder }
    }

    /// With keys that the fake knows, and every endpoint leading to it.
    pub(crate) fn against(self, fake: &FakeAws) -> Self {
        self.trusting(fake.authority()).variable("AWS_ENDPOINT_URL", fake.url())
    }

    /// With keys, and an authority to trust.
    pub(crate) fn trusting(self, authority: &Authority) -> Self {
        self.variable("SSL_CERT_FILE", authority.ca_file())
            .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it.
    pub(crate) fn run(self) -> Outcome {
        let finished = assert_cmd::Command::from_std(self.command).write_stdin(self.input).output().unwrap();
        let status = finished.status.code().unwrap_or_else(|| panic!("ended by a signal: {finished:?}"));
        Outcome::new(status, finished.stdout, finished.stderr)
    }
}

impl Outcome {
    /// Whatever happens, the command says something of itself, and the key that signs is in nothing it says.
    pub(crate) fn new(status: i32, output: Vec<u8>, errors: Vec<u8>) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command writes UTF-8");
        let outcome = Self { status, output: text(output), errors: text(errors) };
        // 101 is the status of a panic.
        assert_ne!(outcome.status, 101, "{outcome:?}");
        for said in [&outcome.output, &outcome.errors] {
            assert!(!said.contains(SECRET_ACCESS_KEY), "the secret access key is in {said}");
        }
        assert!(!outcome.errors.contains(PASSWORD_MARK), "a password is in {}", outcome.errors);
        outcome
    }
}
