//! `keyward install` and `keyward uninstall`, on files as docker and people write them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Call, Outcome, PRIVATE};

const OTHER: &str = "210987654321.dkr.ecr.eu-west-1.amazonaws.com";

/// With a login to docker.io, whose password nobody may see.
const LOGGED_IN: &str = "{
\t\"auths\": {
\t\t\"https://index.docker.io/v1/\": {
\t\t\t\"auth\": \"dXNlcjpodW50ZXIy\"
\t\t}
\t},
\t\"psFormat\": \"table\"
}";

/// A home with docker's folder in it.
struct Home(TempDir);

impl Home {
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(text: &str) -> Self {
        let home = Self::empty();
        fs::create_dir(home.path().join(".docker")).unwrap();
        fs::write(home.file(), text).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join(".docker/config.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn call(&self, arguments: &[&str]) -> Outcome {
        let outcome = Call::keyward(arguments).variable("HOME", self.path()).run();
        for said in [&outcome.output, &outcome.errors] {
            assert!(!said.contains("dXNlcjpodW50ZXIy"), "a login is in {said}");
        }
        // Nothing half done is left, whatever came of it.
        if let Ok(entries) = fs::read_dir(self.path().join(".docker")) {
            for name in entries.map(|entry| entry.unwrap().file_name()) {
                assert!(!name.to_string_lossy().starts_with(".config.json"), "left behind: {name:?}");
            }
        }
        outcome
    }

    fn succeed(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.call(arguments);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        outcome
    }

    /// Fails, leaves the file alone and says this.
    fn fail(&self, arguments: &[&str], said: &str) {
        let before = fs::read(self.file()).ok();
        let outcome = self.call(arguments);
        assert_eq!((outcome.status, outcome.output.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.errors.starts_with("error: ") && outcome.errors.contains(said), "{outcome:?}");
        assert_eq!(fs::read(self.file()).ok(), before);
    }
}

fn entries(text: &str) -> Vec<(String, String)> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let helpers = value["credHelpers"].as_object().cloned().unwrap_or_default();
    helpers.into_iter().map(|(host, helper)| (host, helper.as_str().unwrap().to_owned())).collect()
}

#[test]
fn without_a_file_one_is_made_that_only_its_owner_reads() {
    let home = Home::empty();
    let outcome = home.succeed(&["install", PRIVATE]);
    assert_eq!(outcome.output, format!("{}: 'keyward' is now asked for {PRIVATE}\n", home.file().display()));
    assert_eq!(home.text(), format!("{{\n\t\"credHelpers\": {{\n\t\t\"{PRIVATE}\": \"keyward\"\n\t}}\n}}"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&home.file()), mode(home.file().parent().unwrap())), (0o600, 0o700));
}

#[test]
fn everything_else_stays_and_uninstall_gives_the_file_back() {
    let home = Home::with(LOGGED_IN);
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o640)).unwrap();
    home.succeed(&["install", &format!("https://{PRIVATE}/v2/"), &format!("{OTHER}:443/team/app:1")]);
    let helpers =
        format!("\"credHelpers\": {{\n\t\t\"{PRIVATE}\": \"keyward\",\n\t\t\"{OTHER}:443\": \"keyward\"\n\t}}");
    let expected = LOGGED_IN.replace("\"table\"\n", &format!("\"table\",\n\t{helpers}\n"));
    assert_eq!(home.text(), expected);
    assert_eq!(fs::metadata(home.file()).unwrap().permissions().mode() & 0o777, 0o640);

    home.succeed(&["uninstall", &format!("{PRIVATE}/image")]);
    assert_eq!(entries(&home.text()), [(format!("{OTHER}:443"), "keyward".to_owned())]);
    let outcome = home.succeed(&["uninstall"]);
    assert!(outcome.output.contains(&format!("is no longer asked for {OTHER}:443")), "{outcome:?}");
    assert_eq!(home.text(), LOGGED_IN);
    let outcome = home.succeed(&["uninstall"]);
    assert!(outcome.output.contains("there is no such entry of 'keyward'"), "{outcome:?}");
}

#[test]
fn a_second_time_nothing_is_written() {
    let home = Home::with("{\"credHelpers\":{}}");
    home.succeed(&["install", PRIVATE]);
    let written = fs::metadata(home.file()).unwrap();
    let outcome = home.succeed(&["install", PRIVATE]);
    assert!(outcome.output.contains("is already asked for"), "{outcome:?}");
    // Another file would have another number.
    assert_eq!(fs::metadata(home.file()).unwrap().ino(), written.ino());
}

#[test]
fn without_a_registry_those_of_the_file_are_meant() {
    let home = Home::with(&format!(
        r#"{{"auths": {{"https://{PRIVATE}": {{}}, "{OTHER}/v2/": {{}}, "docker.io": {{}}, "{PRIVATE}": {{}},
            "{PRIVATE}.example.com": {{}}}}, "credHelpers": {{"public.ecr.aws": "keyward", "gcr.io": "gcr"}}}}"#
    ));
    home.succeed(&["install"]);
    let entry = |host: &str, helper: &str| (host.to_owned(), helper.to_owned());
    let expected = [
        entry(PRIVATE, "keyward"),
        entry(OTHER, "keyward"),
        entry("gcr.io", "gcr"),
        entry("public.ecr.aws", "keyward"),
    ];
    assert_eq!(entries(&home.text()), expected);
}

#[test]
fn where_the_file_names_none_one_has_to_be_named() {
    for home in [Home::empty(), Home::with(LOGGED_IN)] {
        home.fail(&["install"], "names no registry of Amazon ECR: say which one is meant");
    }
}

#[test]
fn a_registry_that_keyward_does_not_know_is_not_entered() {
    for address in ["docker.io", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com", "a b", ""] {
        Home::with(LOGGED_IN).fail(&["install", PRIVATE, address], "is no registry that keyward knows");
    }
}

#[test]
fn a_registry_that_cannot_be_is_not_entered() {
    let cannot = "123456789012.dkr.ecr.cn-north-1.amazonaws.com";
    Home::with(LOGGED_IN).fail(&["install", PRIVATE, cannot], "cannot exist: region cn-north-1 belongs to partition");
    let home = Home::with(&format!("{{\"auths\": {{\"{cannot}\": {{}}, \"{PRIVATE}\": {{}}}}}}"));
    home.succeed(&["install"]);
    assert_eq!(entries(&home.text()), [(PRIVATE.to_owned(), "keyward".to_owned())]);
}

/// What looks like a scheme may be a part of what stands behind the host.
#[test]
fn the_host_that_is_entered_is_the_one_that_was_asked_about() {
    for address in [format!("{PRIVATE}#://docker.io"), format!("{PRIVATE}?://docker.io"), format!("{PRIVATE}./app:1")] {
        let home = Home::with("{}");
        home.succeed(&["install", &address]);
        assert_eq!(entries(&home.text()), [(PRIVATE.to_owned(), "keyward".to_owned())], "{address}");
    }
}

#[test]
fn an_entry_of_another_helper_is_found_in_any_case() {
    let home = Home::with(&format!("{{\"CREDHELPERS\": {{\"{PRIVATE}\": \"ecr-login\"}}, \"credsstore\": \"pass\"}}"));
    home.fail(&["install", PRIVATE], &format!("has other helpers for {PRIVATE} ('ecr-login')"));
    home.fail(&["install", "--creds-store"], "has other helpers for every registry ('pass')");
}

#[test]
fn another_helper_is_replaced_by_force_alone_and_never_removed() {
    let text = format!("{{\n  \"credHelpers\": {{\n    \"{PRIVATE}\": \"ecr-login\"\n  }}\n}}\n");
    let home = Home::with(&text);
    for arguments in [&["install"][..], &["install", PRIVATE, OTHER]] {
        home.fail(arguments, &format!("has other helpers for {PRIVATE} ('ecr-login'): --force replaces them"));
    }
    home.succeed(&["uninstall"]);
    assert_eq!(home.text(), text);
    home.succeed(&["install", "--force"]);
    assert_eq!(home.text(), text.replace("ecr-login", "keyward"));
}

#[test]
fn a_helper_of_another_name_is_entered_under_it() {
    let home = Home::with("{}");
    home.succeed(&["install", "--helper", "docker-credential-ecr-login", PRIVATE]);
    assert_eq!(entries(&home.text()), [(PRIVATE.to_owned(), "ecr-login".to_owned())]);
    home.succeed(&["uninstall"]);
    assert_eq!(entries(&home.text()).len(), 1);
    home.succeed(&["uninstall", "--helper", "ecr-login"]);
    assert_eq!(entries(&home.text()), []);
}

#[test]
fn the_store_of_every_registry_is_entered_where_no_login_is_lost() {
    let home = Home::with(&format!("{{\"auths\":{{\"{PRIVATE}\":{{}}}}}}"));
    home.succeed(&["install", "--creds-store"]);
    let store = |home: &Home| serde_json::from_str::<serde_json::Value>(&home.text()).unwrap()["credsStore"].clone();
    assert_eq!(store(&home), "keyward");
    home.succeed(&["uninstall"]);
    assert_eq!(store(&home), serde_json::Value::Null);

    let home = Home::with("{\"credsStore\": \"pass\"}");
    home.fail(&["install", "--creds-store"], "has other helpers for every registry ('pass')");
    home.succeed(&["uninstall"]);
    assert_eq!(store(&home), "pass");

    let home = Home::with(LOGGED_IN);
    home.fail(
        &["install", "--creds-store"],
        "logins that docker would not use any more, for https://index.docker.io/v1/",
    );
    home.succeed(&["install", "--creds-store", "--force"]);
    assert_eq!(store(&home), "keyward");
}

#[test]
fn print_shows_the_file_without_its_secrets_and_writes_nothing() {
    let home = Home::with(LOGGED_IN);
    let outcome = home.succeed(&["install", "--print", PRIVATE]);
    let shown = format!(
        "{{
\t\"auths\": {{
\t\t\"https://index.docker.io/v1/\": {{
\t\t\t\"auth\": \"…\"
\t\t}}
\t}},
\t\"psFormat\": \"…\",
\t\"credHelpers\": {{
\t\t\"{PRIVATE}\": \"keyward\"
\t}}
}}
"
    );
    assert_eq!(outcome.output, shown);
    assert_eq!(home.text(), LOGGED_IN);

    let home = Home::empty();
    home.succeed(&["install", "--print", PRIVATE]);
    assert!(!home.file().exists());
}

#[test]
fn a_damaged_file_is_left_alone_and_its_line_is_said() {
    for (text, said) in [
        ("{\n\t\"auths\": {\n\t\t\"a\": dXNlcjpodW50ZXIy\n\t}\n}", "at line 3 column"),
        ("{\n\t\"auths\": {", "at line 2 column"),
        ("[]", "it is no object"),
        ("{\"credHelpers\": \"keyward\"}", "credHelpers is no object of texts"),
    ] {
        let home = Home::with(text);
        for arguments in [&["install", PRIVATE][..], &["install"], &["install", "--creds-store"], &["uninstall"]] {
            home.fail(arguments, said);
        }
    }
}

#[test]
fn a_file_that_is_a_link_stays_one() {
    let home = Home::empty();
    fs::create_dir(home.path().join(".docker")).unwrap();
    fs::create_dir(home.path().join("kept")).unwrap();
    symlink("../kept/link.json", home.file()).unwrap();
    symlink("docker.json", home.path().join("kept/link.json")).unwrap();
    // The file that they lead to is not there yet.
    for address in [PRIVATE, OTHER] {
        home.succeed(&["install", address]);
        assert!(home.file().is_symlink() && home.path().join("kept/link.json").is_symlink());
    }
    let kept = home.path().join("kept/docker.json");
    assert!(!kept.is_symlink());
    assert_eq!(entries(&fs::read_to_string(kept).unwrap()).len(), 2);

    let home = Home::empty();
    fs::create_dir(home.path().join(".docker")).unwrap();
    symlink("config.json", home.file()).unwrap();
    home.fail(&["install", PRIVATE], "it is a link that leads to itself");
}

#[test]
fn the_file_is_where_it_was_named_or_where_docker_has_it() {
    let home = Home::empty();
    let outcome = Call::keyward(&["install", PRIVATE]).variable("DOCKER_CONFIG", home.path()).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(home.path().join("config.json").exists());

    let named = home.path().join("a/b/auth.json");
    let call = Call::keyward(&["install", PRIVATE, "--config-file"]).argument(&named);
    assert_eq!(call.variable("DOCKER_CONFIG", home.path().join("c")).run().status, 0);
    assert!(named.exists() && !home.path().join("c").exists());

    let outcome = Call::keyward(&["install", PRIVATE]).variable("DOCKER_CONFIG", "").run();
    assert_eq!(outcome.status, 1);
    assert!(outcome.errors.contains("name it with --config-file"), "{outcome:?}");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let home = Home::with("{}");
    fs::remove_file(home.file()).unwrap();
    fs::create_dir(home.file()).unwrap();
    home.fail(&["install", PRIVATE], "config.json could not be read: it is no regular file");
    // A pipe that nobody writes to would be waited for.
    fs::remove_dir(home.file()).unwrap();
    assert!(Command::new("mkfifo").arg(home.file()).status().unwrap().success());
    let outcome = home.call(&["install", PRIVATE]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.errors.contains("config.json could not be read: it is no regular file"), "{outcome:?}");
}

#[test]
fn a_program_that_docker_will_not_find_is_said_with_what_to_type() {
    let home = Home::with("{}");
    let programs = home.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let install = || Call::keyward(&["install", PRIVATE]).variable("HOME", home.path()).variable("PATH", &programs);
    let outcome = install().run();
    let advice = format!(
        "warning: docker finds no docker-credential-keyward in PATH yet: type 'ln -s {} /usr/local/bin/docker-credential-keyward'\n",
        env!("CARGO_BIN_EXE_keyward")
    );
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, advice.as_str()));

    symlink(env!("CARGO_BIN_EXE_keyward"), programs.join("docker-credential-keyward")).unwrap();
    let outcome = install().run();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
}
