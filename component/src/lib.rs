//! Builds the guest into a WebAssembly component.
//!
//! One definition serves host/build.rs, which embeds the component, and the command of this package,
//! which writes it to a file: so both are the same bytes. The tests of the host build other guests with it.
//!
//! The nested cargo starts from an environment of its own. Whatever was meant for the outer build (flags,
//! wrappers, profile overrides, another target folder) would otherwise leak into the guest unseen.
#![forbid(unsafe_code)]

#[cfg(feature = "wit")]
pub mod wit;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// The target that the guest is compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// The files and folders, relative to the workspace, whose change makes another component.
pub const SOURCES: [&str; 5] = ["guest/Cargo.toml", "guest/src", "wit", "Cargo.toml", "Cargo.lock"];

const PACKAGE: &str = "keyward-ecr";
const PROFILE: &str = "component";

/// Builds the component and returns the path of its file, inside `target_folder`.
///
/// `target_folder` must not be the folder of a cargo that is waiting for this call: the two would wait for
/// each other's lock.
///
/// # Errors
///
/// [`Error::TargetMissing`] when the WebAssembly target is not installed and rustup could not add it;
/// [`Error::BuildFailed`] when the guest does not compile.
pub fn build(target_folder: &Path) -> Result<PathBuf, Error> {
    build_guest(PACKAGE, target_folder)
}

/// As [`build`], of another package of this workspace. Nothing is built again as long as its sources are the same.
///
/// # Errors
///
/// As those of [`build`].
pub fn build_guest(package: &str, target_folder: &Path) -> Result<PathBuf, Error> {
    let workspace = workspace();
    ensure_target(&workspace)?;
    let status = cargo(package, &workspace, target_folder)
        .status()
        .map_err(|cause| Error::CommandNotStarted { command: "cargo", cause })?;
    if !status.success() {
        return Err(Error::BuildFailed { status });
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(target_folder.join(TARGET).join(PROFILE).join(file))
}

/// The root of the workspace that this crate was compiled in.
pub fn workspace() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// cargo ran and failed; it has said why on the standard error stream.
    #[error("the guest did not compile: cargo ended with {status}; its messages above say why")]
    BuildFailed {
        /// How cargo ended.
        status: ExitStatus,
    },
    /// A command of the tool chain could not be started.
    #[error("{command} could not be started ({cause}): install Rust with rustup, see https://rustup.rs")]
    CommandNotStarted {
        /// The command.
        command: &'static str,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The standard library for [`TARGET`] is not there.
    #[error(
        "the Rust target {TARGET} is not installed and rustup did not add it ({reason}): \
         type 'rustup target add {TARGET}' in the folder {folder}, then build again"
    )]
    TargetMissing {
        /// What came of the attempt to add it.
        reason: String,
        /// Where the command has to be typed, so that it means this project's tool chain.
        folder: String,
    },
}

/// Adds the target where it is missing. rust-toolchain.toml names it, but rustup reads that file only when it
/// installs a tool chain by itself, which RUSTUP_AUTO_INSTALL=0 turns off, and which does not happen for a
/// tool chain that is there already.
fn ensure_target(workspace: &Path) -> Result<(), Error> {
    if target_is_installed(workspace)? {
        return Ok(());
    }
    let missing = |reason: String| Error::TargetMissing { reason, folder: workspace.display().to_string() };
    let added = clean_command("rustup", workspace)
        .args(["target", "add", TARGET])
        .output()
        .map_err(|cause| missing(format!("rustup could not be started: {cause}")))?;
    if added.status.success() && target_is_installed(workspace)? {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&added.stderr);
    Err(missing(match said.trim().lines().last() {
        Some(line) => format!("rustup ended with {}: {line}", added.status),
        None => format!("rustup ended with {}", added.status),
    }))
}

fn target_is_installed(workspace: &Path) -> Result<bool, Error> {
    let output = clean_command("rustc", workspace)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|cause| Error::CommandNotStarted { command: "rustc", cause })?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

fn cargo(package: &str, workspace: &Path, target_folder: &Path) -> Command {
    let mut cargo = clean_command("cargo", workspace);
    cargo
        .args(["build", "--locked", "--package", package, "--lib"])
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(target_folder)
        // Flags given this way take precedence over every configuration file, as an empty wrapper does.
        .env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(workspace, target_folder))
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "");
    cargo
}

/// Panic messages name source files. With the machine's own folders in them, two builds of the same sources
/// would differ, so the folders get fixed names.
fn remapped_paths(workspace: &Path, target_folder: &Path) -> OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(Path::new(&home).join(".cargo"))
    });
    let mut folders = vec![(workspace.to_path_buf(), "/keyward"), (target_folder.to_path_buf(), "/target")];
    folders.extend(cargo_home.map(|folder| (folder, "/cargo")));
    // Where rustup's component rust-src is installed, rustc names the standard library's sources in it, instead of by
    // the name that they have without it.
    let standard_library = standard_library_sources(workspace);
    folders.extend(standard_library.as_ref().map(|(folder, name)| (folder.clone(), name.as_str())));

    let mut flags = OsString::new();
    for (folder, name) in folders {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// The folder of the standard library's sources, which need not be there, and the name that the compiler gives to it.
fn standard_library_sources(workspace: &Path) -> Option<(PathBuf, String)> {
    let said = |arguments: &[&str]| {
        let output = clean_command("rustc", workspace).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let folder = Path::new(said(&["--print", "sysroot"])?.trim()).join("lib/rustlib/src/rust");
    let version = said(&["--version", "--verbose"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
    Some((folder, format!("/rustc/{commit}")))
}

/// A command that sees where the tools and their registries are, and nothing else of the environment.
fn clean_command(program: &str, workspace: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace).env_clear();
    command.envs(env::vars_os().filter(|(name, _)| is_kept(name)));
    command
}

fn is_kept(name: &OsStr) -> bool {
    const NAMES: [&str; 23] = [
        "ALL_PROXY",
        "APPDATA",
        "CARGO_HOME",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LOCALAPPDATA",
        "NO_PROXY",
        "PATH",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "SYSTEMROOT",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
        "all_proxy",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    ];
    const PREFIXES: [&str; 5] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_SOURCE_"];
    let Some(name) = name.to_str() else { return false };
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_wrappers_of_the_outer_build_are_not_kept() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
            "CARGO_PROFILE_COMPONENT_OPT_LEVEL",
            "CARGO_INCREMENTAL",
        ] {
            assert!(!is_kept(OsStr::new(name)), "{name} would leak into the guest");
        }
    }

    #[test]
    fn what_finds_the_tools_and_their_registries_is_kept() {
        for name in ["PATH", "HOME", "RUSTUP_TOOLCHAIN", "https_proxy", "CARGO_REGISTRIES_MIRROR_INDEX"] {
            assert!(is_kept(OsStr::new(name)), "{name} is needed to find the tools");
        }
    }
}
