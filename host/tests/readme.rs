//! The README does what it says: every command in it is run, and every piece of code in it is the repository's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_testbed::{ACCESS_KEY_ID, FakeAws, Role, SECRET_ACCESS_KEY};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The blocks of one language, without their fences.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(format!("{}\n", block.join("\n")));
        }
    }
    assert!(!blocks.is_empty(), "no {language} in the README");
    blocks
}

/// As a newcomer types them: one after the other, in the root of a checkout, in a home of their own. Only where AWS is
/// differs.
#[test]
fn every_command_works() {
    let fake = FakeAws::start();
    fake.add_role(Role::new("arn:aws:iam::123456789012:role/puller"));
    let home = tempfile::tempdir().unwrap();
    let profile =
        format!("[profile build]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/config"), profile).unwrap();
    let programs = home.path().join(".local/bin");
    let variable = |name: &str| std::env::var_os(name).unwrap_or_default();
    let old_home = PathBuf::from(variable("HOME"));
    let tools = |name: &str, default: &str| match variable(name) {
        folder if folder.is_empty() => old_home.join(default).into_os_string(),
        folder => folder,
    };
    let mut path = programs.into_os_string();
    path.push(":");
    path.push(variable("PATH"));
    let script = blocks("sh").concat();
    let mut newcomer = Command::new("bash");
    // What cargo says to a test of itself: with it, packages whose builds depend on that would be built anew, here and afterwards.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        newcomer.env_remove(name);
    }
    let finished = newcomer
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(root())
        .env("PATH", path)
        .env("HOME", home.path())
        .env("CARGO_HOME", tools("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", tools("RUSTUP_HOME", ".rustup"))
        .env("AWS_ENDPOINT_URL", fake.url())
        .env("AWS_CA_BUNDLE", fake.authority().ca_file())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("KEYWARD_BENCH", "quick")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (output, errors) = (text(&finished.stdout), text(&finished.stderr));
    assert!(finished.status.success(), "{output}\n{errors}");
    assert!(!output.contains(SECRET_ACCESS_KEY) && !errors.contains(SECRET_ACCESS_KEY));
    for expected in [
        // The demo's last words, the helper's answer, the header, the component, a figure.
        "3. and the next lookup works",
        "{\"ServerURL\":\"123456789012.dkr.ecr.us-east-1.amazonaws.com\",\"Username\":\"AWS\",\"Secret\":",
        "Authorization: Basic ",
        "log in as AWS, until Some(",
        "keyward-ecr.wasm: ",
        "warm_lookup",
        "1. overshoot past a deadline",
        "1. warm lookups by callers",
        "3. where it ends, and with which error",
        "nodes, asked all the time by",
        // Where the command is, as it is released.
        "/dist/keyward",
        // The kubelet's answer, what was asked for by a name of one's own, and why.
        "{\"kind\":\"CredentialProviderResponse\"",
        "registry.example.com",
        "GetAuthorizationToken",
    ] {
        assert!(output.contains(expected), "{expected} is not in\n{output}");
    }
    let docker = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
    assert!(docker.contains("\"123456789012.dkr.ecr.us-east-1.amazonaws.com\": \"keyward\""), "{docker}");
    fs::remove_file(root().join("keyward-ecr.wasm")).unwrap();
}

#[test]
fn the_embedding_in_the_readme_is_the_compiled_example() {
    assert_eq!(blocks("rust"), [read("host/examples/embed.rs")]);
}

#[test]
fn the_interface_in_the_readme_is_that_of_the_component() {
    let world = read("wit/world.wit");
    let mut rest = world.lines().map(str::trim);
    for line in blocks("wit").concat().lines().map(str::trim) {
        assert!(rest.any(|other| other == line), "'{line}' is not in wit/world.wit, or in another place");
    }
}

/// A threat model that names tests which are gone, or were never there, promises too much.
#[test]
fn the_tests_that_the_threat_model_names_are_there() {
    let model = read("docs/security.md");
    let (_, table) = model.split_once("## What is tested").unwrap();
    let names: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    assert!(names.len() > 20, "{names:?}");
    let mut tests = String::new();
    let mut folders = vec![root().join("host/tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    for name in names {
        let is_there =
            if name.contains('/') { root().join(name).exists() } else { tests.contains(&format!("fn {name}()")) };
        assert!(is_there, "docs/security.md names {name}, which is not there");
    }
}
