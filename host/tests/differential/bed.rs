//! Both helpers, and the AWS that they ask: each finds it through a proxy, which is the one way that the older one has to be
//! led to a server on loopback.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, SECRET_ACCESS_KEY, TestProxy};
use tempfile::TempDir;

use super::cases::{Aws, Case};

/// Where Debian has it.
const ECR_LOGIN: &str = "/usr/bin/docker-credential-ecr-login";

/// What a call came to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) output: String,
    /// Whether a call that went well said something on the standard error stream too. Of failed ones it is not compared: there
    /// Keyward says the detail, and the other helper has it in a log file.
    pub(crate) complained: bool,
}

/// The two helpers, under one name.
pub(crate) struct Bed {
    folder: TempDir,
    servers: Vec<(Aws, FakeAws, TestProxy)>,
}

impl Bed {
    /// # Panics
    ///
    /// When the other helper is missing, saying what to type.
    pub(crate) fn start() -> Self {
        assert!(Path::new(ECR_LOGIN).exists(), "{ECR_LOGIN} is not installed: run scripts/setup-debian");
        let folder = tempfile::tempdir().expect("cannot make a temporary directory");
        symlink(env!("CARGO_BIN_EXE_keyward"), folder.path().join("docker-credential-ecr-login"))
            .expect("cannot make a link");
        let answers = [
            (Aws::Well, None),
            (Aws::Denies, Some(Answer::aws_error(400, "AccessDeniedException", "no"))),
            (Aws::Throttles, Some(Answer::aws_error(400, "ThrottlingException", "slower"))),
            (Aws::Fails, Some(Answer::aws_error(500, "ServerException", "oh"))),
        ];
        let servers = answers.map(|(aws, answer)| {
            let fake = FakeAws::start();
            if let Some(answer) = answer {
                fake.answer_always(answer);
            }
            let proxy = TestProxy::start(fake.address());
            (aws, fake, proxy)
        });
        Self { folder, servers: servers.into() }
    }

    /// What Keyward says, installed under the other helper's name.
    pub(crate) fn keyward(&self, case: &Case) -> Said {
        self.call(&self.folder.path().join("docker-credential-ecr-login"), case)
    }

    /// What the helper says that is written in Go.
    pub(crate) fn ecr_login(&self, case: &Case) -> Said {
        self.call(Path::new(ECR_LOGIN), case)
    }

    fn call(&self, program: &Path, case: &Case) -> Said {
        // With a home of its own, so that nobody finds what another call has cached.
        let home = tempfile::tempdir_in(self.folder.path()).expect("cannot make a temporary directory");
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", home.path())
            // This machine may be an instance, with credentials of its own.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "us-east-1")
            .args(&case.arguments);
        if case.has_keys {
            command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        }
        let (_, fake, proxy) = self.servers.iter().find(|(aws, ..)| *aws == case.aws).expect("every AWS is started");
        command.env("SSL_CERT_FILE", fake.authority().ca_file()).env("HTTPS_PROXY", proxy.url());
        command.envs(case.variables.iter().copied());
        let called = assert_cmd::Command::from_std(command).write_stdin(case.input.clone()).output();
        let called = called.unwrap_or_else(|cause| panic!("cannot start {}: {cause}", program.display()));
        let status = called.status.code().unwrap_or_else(|| panic!("ended by a signal: {called:?}"));
        Said {
            status,
            output: String::from_utf8_lossy(&called.stdout).into_owned(),
            complained: status == 0 && !called.stderr.is_empty(),
        }
    }
}
