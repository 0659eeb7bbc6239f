//! The component, built by the command of this package: in copies of the workspace, with the real tool chain, and with
//! shell scripts in its place.

// The stand-ins for the tool chain are shell scripts.
#![cfg(unix)]

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// What a component starts with, other than a core module.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn two_builds_in_different_folders_with_different_cargo_homes_give_the_same_bytes() {
    let workspaces = Workspaces::shared();
    let second_cargo_home = workspaces.another_cargo_home();

    let meant_for_others = [
        ("CARGO_HOME", second_cargo_home.as_os_str()),
        ("CARGO_INCREMENTAL", OsStr::new("1")),
        ("CARGO_PROFILE_COMPONENT_OPT_LEVEL", OsStr::new("0")),
        ("CARGO_PROFILE_RELEASE_LTO", OsStr::new("false")),
        ("CARGO_PROFILE_RELEASE_STRIP", OsStr::new("none")),
        ("RUSTFLAGS", OsStr::new("-C opt-level=1")),
    ];
    let second = run_documented_command(&workspaces.second(), &meant_for_others).component;

    assert!(second == workspaces.first_component, "the second build gave other bytes");
    assert!(second.starts_with(COMPONENT), "it starts with {:x?}", &second[..COMPONENT.len()]);
    let home = PathBuf::from(env::var_os("HOME").expect("HOME is set"));
    for folder in [workspaces.first(), workspaces.second(), cargo_home(), second_cargo_home, home] {
        // With what separates it from the file's own name: a short folder's letters may be anywhere.
        let folder = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
        assert!(!contains(&second, &folder), "{} is in the component", String::from_utf8_lossy(&folder));
    }
}

#[test]
fn changing_nothing_rebuilds_nothing_and_changing_a_source_rebuilds() {
    const BEFORE: &str = "the region is missing";
    const AFTER: &str = "the region is unknown";
    let workspaces = Workspaces::shared();
    let workspace = workspaces.first();

    let unchanged = run_documented_command(&workspace, &[]);
    assert!(unchanged.component == workspaces.first_component, "the same sources gave other bytes");
    assert!(!unchanged.messages.contains("Compiling"), "{}", unchanged.messages);

    let source = workspace.join("guest/src/endpoint.rs");
    let text = fs::read_to_string(&source).unwrap();
    assert!(text.contains(BEFORE), "this test changes a message that is not in {} any more", source.display());
    fs::write(&source, text.replace(BEFORE, AFTER)).unwrap();

    let changed = run_documented_command(&workspace, &[]);
    assert!(changed.messages.contains("Compiling keyward-ecr"), "{}", changed.messages);
    assert!(changed.component != unchanged.component, "other sources gave the same bytes");
    assert!(contains(&changed.component, AFTER.as_bytes()), "the changed message is not in the component");
}

#[test]
fn a_missing_target_that_rustup_cannot_add_is_one_message_that_says_what_to_type() {
    let tools = Tools::new();
    tools.add("rustc", Tools::RUSTC);
    tools.add("rustup", "echo 'info: downloading' >&2; echo 'error: there is no network' >&2; exit 1");

    let message = tools.message_of_failure();
    assert!(message.contains("'rustup target add wasm32-wasip2'"), "{message}");
    assert!(message.contains("error: there is no network"), "{message}");
}

#[test]
fn a_missing_target_without_rustup_is_one_message_that_says_what_to_type() {
    let tools = Tools::new();
    tools.add("rustc", Tools::RUSTC);

    let message = tools.message_of_failure();
    assert!(message.contains("'rustup target add wasm32-wasip2'"), "{message}");
    assert!(message.contains("rustup could not be started"), "{message}");
}

#[test]
fn a_missing_target_is_added_and_cargo_sees_nothing_that_was_meant_for_the_outer_build() {
    let tools = Tools::new();
    tools.add("rustc", Tools::RUSTC);
    tools.add("rustup", r#"[ "$*" = 'target add wasm32-wasip2' ] && command -p mkdir "$HOME/libdir""#);
    tools.add("cargo", Tools::CARGO);

    let output = tools.run();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "cargo failed, and its caller did not");
    assert_eq!(messages.lines().count(), 2, "{messages}");
    assert!(messages.starts_with("error: said by cargo\n"), "{messages}");
    assert!(messages.contains("exit status: 101"), "{messages}");

    let environment = tools.recorded("environment");
    let value = |name: &str| {
        environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(ToOwned::to_owned)
    };
    assert!(!environment.contains(Tools::OUTER), "{environment}");
    assert_eq!(value("RUSTFLAGS"), None);
    assert_eq!(value("RUSTC_WRAPPER").as_deref(), Some(""));
    assert_eq!(value("RUSTC_WORKSPACE_WRAPPER").as_deref(), Some(""));
    let flags = value("CARGO_ENCODED_RUSTFLAGS").expect("the guest has flags of its own");
    let flags: Vec<_> = flags.split('\u{1f}').collect();
    assert!(flags.iter().all(|flag| flag.starts_with("--remap-path-prefix=/")), "{flags:?}");
    let names: Vec<_> = flags.iter().filter_map(|flag| flag.rsplit('=').next()).collect();
    assert_eq!(names, ["/keyward", "/target", "/cargo", "/rustc/0123"], "{flags:?}");
    assert!(flags[3].ends_with("/toolchain/lib/rustlib/src/rust=/rustc/0123"), "{flags:?}");

    let arguments = tools.recorded("arguments");
    let arguments: Vec<_> = arguments.lines().collect();
    assert_eq!(arguments[0], "build");
    for expected in [&["--locked"][..], &["--target", "wasm32-wasip2"], &["--profile", "component"]] {
        assert!(arguments.windows(expected.len()).any(|window| window == expected), "{expected:?} in {arguments:?}");
    }
}

/// Two copies of the workspace with the same sources, the first of which has been built.
struct Workspaces {
    folder: TempDir,
    first_component: Vec<u8>,
}

impl Workspaces {
    /// The copies are there as long as a test uses them: two tests share the minute that the first build takes, and
    /// nothing is left behind.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Workspaces>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().expect("the first build failed, another test says why");
        shared.upgrade().unwrap_or_else(|| {
            let workspaces = Arc::new(Self::new());
            *shared = Arc::downgrade(&workspaces);
            workspaces
        })
    }

    fn new() -> Self {
        let mut workspaces = Self { folder: tempfile::tempdir().unwrap(), first_component: Vec::new() };
        copy_folder(&keyward_component::workspace(), &workspaces.first());
        // Not of the workspace again, which somebody may be editing.
        copy_folder(&workspaces.first(), &workspaces.second());
        workspaces.first_component = run_documented_command(&workspaces.first(), &[]).component;
        workspaces
    }

    fn first(&self) -> PathBuf {
        self.folder.path().join("first")
    }

    fn second(&self) -> PathBuf {
        self.folder.path().join("second, with a longer name")
    }

    /// Another path to the same registry, so that nothing is downloaded twice.
    fn another_cargo_home(&self) -> PathBuf {
        let another = self.folder.path().join("cargo home");
        fs::create_dir(&another).unwrap();
        for name in ["config", "config.toml", "registry"] {
            let real = cargo_home().join(name);
            if real.exists() {
                symlink(real, another.join(name)).unwrap();
            }
        }
        another
    }
}

struct Built {
    component: Vec<u8>,
    messages: String,
}

fn run_documented_command(workspace: &Path, settings: &[(&str, &OsStr)]) -> Built {
    const FILE: &str = "built.wasm";
    let mut command = Command::new("cargo");
    command.current_dir(workspace).args(["run", "-p", "keyward-component", "--", FILE]);
    for (name, _) in env::vars_os().filter(|(name, _)| is_setting_of_this_build(name)) {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied());

    let output = run(&mut command);
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{messages}");
    let component = fs::read(workspace.join(FILE)).unwrap();
    fs::remove_file(workspace.join(FILE)).unwrap();
    Built { component, messages }
}

/// Whether it says how the cargo that runs this test builds, as opposed to where it finds tools and registries.
fn is_setting_of_this_build(name: &OsStr) -> bool {
    const FINDING: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "RUSTUP_"];
    let name = name.to_string_lossy();
    ["CARGO", "RUST"].iter().any(|prefix| name.starts_with(prefix))
        && !FINDING.iter().any(|prefix| name.starts_with(prefix))
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").expect("HOME is set where CARGO_HOME is not")).join(".cargo"),
        PathBuf::from,
    )
}

/// Copies the files of a workspace, without what was built from them and without their history.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        // Cargo marks its target folders with a file of this name, whatever they are called.
        if entry.file_name() == ".git" || source.join("CACHEDIR.TAG").exists() {
            continue;
        }
        if source.is_dir() {
            copy_folder(&source, &copy);
        } else {
            fs::copy(source, copy).unwrap();
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A folder with shell scripts in the place of the tool chain. They have it as HOME, for their notes.
struct Tools {
    folder: TempDir,
}

impl Tools {
    /// The value of every setting that the guest's build must not see.
    const OUTER: &str = "meant-for-the-outer-build";

    /// A compiler whose target is missing as long as nobody creates the folder.
    const RUSTC: &str = r#"
case "$*" in
    *target-libdir*) printf '%s\n' "$HOME/libdir" ;;
    *sysroot*) printf '%s\n' "$HOME/toolchain" ;;
    *) printf '%s\n' 'rustc 1.0.0' 'commit-hash: 0123' ;;
esac"#;

    /// It builds nothing: the folder that it would write to is the one that a real build uses.
    const CARGO: &str = r#"
command -p env >"$HOME/environment"
printf '%s\n' "$@" >"$HOME/arguments"
echo 'error: said by cargo' >&2
exit 101"#;

    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn add(&self, name: &str, script: &str) {
        let file = self.folder.path().join(name);
        let _nothing_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward-component"));
        command.arg(self.folder.path().join("built.wasm"));
        command.env_clear().env("PATH", self.folder.path()).env("HOME", self.folder.path());
        for name in [
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_COMPONENT_LTO",
            "CARGO_TARGET_DIR",
            "RUSTC",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            command.env(name, Self::OUTER);
        }
        run(&mut command)
    }

    /// The one line that it fails with.
    fn message_of_failure(&self) -> String {
        let output = self.run();
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "it did not fail: {messages}");
        assert_eq!(messages.lines().count(), 1, "{messages}");
        assert!(!self.folder.path().join("built.wasm").exists(), "it failed, and wrote a component");
        messages
    }

    fn recorded(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

/// Held while a process starts and while a script is written. Until it has become its program, a process has every file
/// open that this one had, and a script that anybody has open for writing cannot be run.
static STARTING: Mutex<()> = Mutex::new(());

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = {
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        command.spawn().unwrap()
    };
    started.wait_with_output().unwrap()
}
