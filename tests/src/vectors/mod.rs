//! The test vectors of other projects, which stay outside of the repository, and the score of a test that runs them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub mod chain;
mod family;

pub use family::{Family, same};

/// The variable that names the folder of the vectors. A relative path counts from the repository's root.
const VARIABLE: &str = "KEYWARD_CONFORMANCE";

/// Where the vectors are as long as nothing else is said, seen from the repository's root.
const DEFAULT: &str = "../shared/conformance";

/// The text of a file of vectors, named by its path in the folder.
///
/// # Panics
///
/// If it cannot be read, as everything here does.
pub fn text(path: &str) -> String {
    String::from_utf8(bytes(&folder().join(path))).unwrap_or_else(|error| panic!("{path} is not UTF-8: {error}"))
}

/// A file of vectors in JSON.
pub fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path} is not JSON: {error}"))
}

/// What a folder of vectors has in it, as paths in the folder of all vectors, sorted.
pub fn entries(path: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join(path)).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"));
    let mut paths: Vec<String> = entries
        .map(|entry| {
            let name = entry.unwrap_or_else(|error| panic!("{path} cannot be read: {error}")).file_name();
            format!("{path}/{}", name.to_string_lossy())
        })
        .collect();
    paths.sort();
    paths
}

/// The text of a file that was not made to be text: what is not UTF-8 is replaced.
pub fn lossy_text(path: &str) -> String {
    String::from_utf8_lossy(&bytes(&folder().join(path))).into_owned()
}

/// The items of a JSON array.
pub fn items(array: &Value) -> &[Value] {
    array.as_array().unwrap_or_else(|| panic!("not an array: {array}"))
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// The folder of all vectors. Its absence is a failure and not a reason to skip: a test that did not run would look
/// like one that passed.
fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the repository");
    let configured = env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let folder = root.join(configured.unwrap_or_else(|| OsString::from(DEFAULT)));
    assert!(
        folder.is_dir(),
        "the conformance vectors are not at {}: set {VARIABLE} to the folder that has them",
        folder.display()
    );
    folder
}
