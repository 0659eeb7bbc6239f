//! What the scripts say to whoever has not installed what they need.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::process::{command, installed, run};

#[test]
fn bench_cli_says_what_to_type_when_a_program_is_missing() {
    let programs = tempfile::tempdir().expect("cannot make a temporary directory");
    symlink(installed("python3"), programs.path().join("python3")).expect("cannot make a link");

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/bench-cli");
    let outcome = run(command(script).env("PATH", programs.path()), "");
    assert_eq!(outcome.status.code(), Some(1), "{outcome}");
    assert_eq!(outcome.stdout, "", "{outcome}");
    assert!(outcome.stderr.contains("hyperfine is not installed"), "{outcome}");
    assert!(outcome.stderr.contains("scripts/setup-debian"), "{outcome}");
}
