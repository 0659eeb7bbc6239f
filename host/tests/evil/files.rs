//! Files that profiles name: what of them can be read and replaced, and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use keyward::{Budget, Config, Error};
use tempfile::TempDir;

use crate::Target;

/// The token file of the sso-session `admin`, below the home folder.
const SSO_FILE: &str = ".aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json";

/// A home folder whose config file has these sections, and the token of the sso-session `admin`.
struct Home {
    folder: TempDir,
    config: Config,
}

impl Home {
    fn new(sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".aws/sso/cache")).unwrap();
        fs::write(folder.path().join(".aws/config"), format!("[sso-session admin]\n{sections}\n")).unwrap();
        fs::write(folder.path().join(SSO_FILE), "old").unwrap();
        let config = Config::new().with_variable("HOME", folder.path().to_str().unwrap());
        Self { folder, config }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    async fn target(&self) -> Target {
        Target::new(self.config.clone().with_sso_cache_writes(true)).await
    }

    fn token(&self) -> String {
        fs::read_to_string(self.path(SSO_FILE)).unwrap()
    }
}

async fn refusal(target: &Target, behaviour: &str) -> String {
    match target.error(behaviour, &Budget::default()).await {
        Error::Invalid(text) => text,
        other => panic!("{behaviour}: {other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_a_profile_names_can_be_read_whether_its_path_is_absolute_or_relative() {
    // Relative to the working folder of this process, which is that of the package.
    let home = Home::new(
        "[profile one]\nweb_identity_token_file = ~/token\n[profile two]\nweb_identity_token_file = src/lib.rs\n",
    );
    // As Kubernetes has it: the file is a link into a folder that is a link.
    fs::create_dir(home.path("..2026")).unwrap();
    fs::write(home.path("..2026/token"), "token").unwrap();
    symlink("..2026", home.path("..data")).unwrap();
    symlink("..data/token", home.path("token")).unwrap();
    let target = home.target().await;
    let token = home.path("token");
    assert_eq!(target.answer(&format!("read {}", token.display())).await.1, "token");
    assert_eq!(target.answer(&format!("read {}", home.path(SSO_FILE).display())).await.1, "old");
    assert!(target.answer("read src/lib.rs").await.1.starts_with("//! Keyward resolves"));
    for other in ["src/main.rs", "../README.md", "/etc/passwd", home.path("..data/token").to_str().unwrap()] {
        assert!(refusal(&target, &format!("read {other}")).await.starts_with("Operation not permitted"), "{other}");
    }
}

#[tokio::test]
async fn what_a_token_file_is_instead_of_a_file_is_told() {
    let home = Home::new(
        "[profile pipe]\nweb_identity_token_file = ~/pipe\n[profile folder]\nweb_identity_token_file = ~/.aws\n\
         [profile large]\nweb_identity_token_file = ~/large\n[profile none]\nweb_identity_token_file = ~/none\n",
    );
    assert!(std::process::Command::new("mkfifo").arg(home.path("pipe")).status().unwrap().success());
    let large = fs::File::create(home.path("large")).unwrap();
    large.set_len(2 << 30).unwrap();
    let target = home.target().await;
    for (file, text) in
        [("pipe", "Not supported"), (".aws", "Is a directory"), ("large", "File too large"), ("none", "No such file")]
    {
        let refusal = refusal(&target, &format!("read {}", home.path(file).display())).await;
        assert!(refusal.starts_with(text), "{file}: {refusal}");
    }
}

#[tokio::test]
async fn the_token_of_an_sso_session_is_replaced_as_a_whole_when_it_is_synchronised_and_not_before() {
    let home = Home::new("");
    let (target, file) = (home.target().await, home.path(SSO_FILE));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    target.answer(&format!("replace-by-halves {file} new")).await;
    assert_eq!(home.token(), "old");
    target.answer(&format!("replace {file} new")).await;
    assert_eq!(home.token(), "new");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    // As much as may be, and no more.
    let full = "x".repeat(64 * 1024);
    target.answer(&format!("replace {file} {full}")).await;
    assert_eq!(home.token(), full);
    refusal(&target, &format!("replace {file} {full}x")).await;
    assert_eq!(home.token(), full);
    assert_eq!(fs::read_dir(home.path(".aws/sso/cache")).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn nothing_is_replaced_unless_the_operator_allows_it() {
    let home = Home::new("");
    let target = Target::new(home.config.clone()).await;
    let text = refusal(&target, &format!("replace {} new", home.path(SSO_FILE).display())).await;
    assert!(text.starts_with("Read-only file system"), "{text}");
    assert_eq!(home.token(), "old");
}

#[tokio::test]
async fn no_other_file_is_written_and_none_is_created_or_changed_in_its_place() {
    let home = Home::new("[profile one]\nweb_identity_token_file = ~/token\n[sso-session gone]\n");
    fs::write(home.path("token"), "token").unwrap();
    let target = home.target().await;
    let config = home.path(".aws/config");
    let config_text = fs::read_to_string(&config).unwrap();
    for other in [&config, &home.path("token"), &home.path("new"), &home.path(".aws/sso/cache/new.json")] {
        let text = refusal(&target, &format!("replace {} new", other.display())).await;
        assert!(text.starts_with("Read-only file system"), "{}: {text}", other.display());
    }
    assert!(refusal(&target, &format!("append {}", home.path(SSO_FILE).display())).await.starts_with("Read-only"));
    assert_eq!((fs::read_to_string(&config).unwrap(), home.token()), (config_text, "old".to_owned()));
    // A session whose token nobody has.
    fs::remove_file(home.path(SSO_FILE)).unwrap();
    let text = refusal(&target, &format!("replace {} new", home.path(SSO_FILE).display())).await;
    assert!(text.starts_with("No such file"), "{text}");
    assert_eq!(fs::read_dir(home.path(".aws/sso/cache")).unwrap().count(), 0);
}
