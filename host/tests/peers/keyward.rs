//! The command, installed as docker's clients want it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::moto::{Keys, Moto, REGISTRY};
use super::process::{Outcome, command, run};

/// A home directory with the command, which starts without any setting.
pub(crate) struct Keyward {
    home: TempDir,
}

impl Keyward {
    /// Links the command under the name that clients look for, beside the authority to trust.
    pub(crate) fn install(ca_pem: &str) -> Self {
        let home = tempfile::tempdir().expect("cannot make a temporary directory");
        let keyward = Self { home };
        fs::create_dir(keyward.programs()).expect("cannot make a directory");
        symlink(env!("CARGO_BIN_EXE_keyward"), keyward.helper()).expect("cannot make a link");
        fs::write(keyward.ca_file(), ca_pem).expect("cannot write the authority");
        keyward
    }

    /// `docker-credential-keyward get`, as a client calls it.
    pub(crate) fn docker_get(&self, moto: &Moto, keys: &Keys) -> Outcome {
        let mut command = self.command(&self.helper(), keys);
        command.arg("get").env("AWS_ENDPOINT_URL_ECR", moto.endpoint());
        run(&mut command, REGISTRY)
    }

    /// `keyward get`, as a person calls it.
    pub(crate) fn get(&self, moto: &Moto, keys: &Keys, options: &[&str]) -> Outcome {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_keyward")), keys);
        command.args(["get", REGISTRY]).args(options).env("AWS_ENDPOINT_URL", moto.endpoint());
        run(&mut command, "")
    }

    /// The directory to put in front of a client's PATH.
    pub(crate) fn programs(&self) -> PathBuf {
        self.home.path().join("bin")
    }

    fn command(&self, program: &Path, keys: &Keys) -> Command {
        let mut command = command(program);
        command.env("HOME", self.home.path()).env("AWS_CA_BUNDLE", self.ca_file()).envs(keys.environment());
        command
    }

    fn helper(&self) -> PathBuf {
        self.programs().join("docker-credential-keyward")
    }

    fn ca_file(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }
}
