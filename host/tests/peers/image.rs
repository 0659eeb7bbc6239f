//! A small image made by hand, in the layout that skopeo calls `dir`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::process::{command, installed, run};

/// Writes an image of one layer with one file.
pub(crate) fn write_image(directory: &Path) -> PathBuf {
    fs::create_dir(directory).expect("cannot make a directory");
    let work = tempfile::tempdir().expect("cannot make a temporary directory");
    let in_work = |program: &str| {
        let mut command = command(installed(program));
        command.current_dir(work.path());
        command
    };
    fs::write(work.path().join("greeting"), "pushed and pulled\n").expect("cannot write");
    succeed(in_work("tar").args(["--create", "--file", "layer.tar", "greeting"]));
    let uncompressed = sha256(&work.path().join("layer.tar"));
    succeed(in_work("gzip").args(["--no-name", "layer.tar"]));

    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{uncompressed}")]},
        "history": [{"created_by": "by hand"}],
    });
    let config_file = work.path().join("config.json");
    fs::write(&config_file, config.to_string()).expect("cannot write");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": blob(
            directory,
            &config_file,
            "application/vnd.docker.container.image.v1+json",
        ),
        "layers": [blob(
            directory,
            &work.path().join("layer.tar.gz"),
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        )],
    });
    fs::write(directory.join("manifest.json"), manifest.to_string()).expect("cannot write");
    fs::write(directory.join("version"), "Directory Transport Version: 1.1\n").expect("cannot write");
    directory.to_owned()
}

/// Every file of a directory by name, to compare images.
pub(crate) fn files_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .expect("cannot read a directory")
        .map(|entry| {
            let entry = entry.expect("cannot read a directory");
            let content = fs::read(entry.path()).expect("cannot read a file");
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect()
}

/// The digest by which registries and clients name an image.
pub(crate) fn digest_of(image: &Path) -> String {
    format!("sha256:{}", sha256(&image.join("manifest.json")))
}

/// Copies a file into the image under the name of its digest, and describes it.
fn blob(directory: &Path, file: &Path, media_type: &str) -> Value {
    let digest = sha256(file);
    let size = fs::copy(file, directory.join(&digest)).expect("cannot copy a file");
    json!({"mediaType": media_type, "size": size, "digest": format!("sha256:{digest}")})
}

fn sha256(file: &Path) -> String {
    let sum = succeed(command(installed("sha256sum")).arg(file));
    let digest = sum.split(' ').next().expect("split yields a first part");
    digest.to_owned()
}

fn succeed(command: &mut Command) -> String {
    let outcome = run(command, "");
    outcome.assert_success();
    outcome.stdout
}
