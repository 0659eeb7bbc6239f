//! Data flows one way: a module uses only modules above it in the list of its crate. And few files name the tools that
//! the rest should not have to know.

use std::fs;
use std::path::{Path, PathBuf};

/// A crate's modules from the first to the last layer. A folder's files belong to its module.
fn assert_one_way(folder: &str, layers: &[&str], exceptions: &[(&str, &str)]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut seen = 0;
    for file in files(&source) {
        let relative = file.strip_prefix(&source).unwrap().with_extension("");
        let name = relative.to_str().unwrap();
        // Of the crates themselves, and of the command, which is a crate of its own beside the library.
        let command = [
            "arguments",
            "explain",
            "frontend",
            "get",
            "helper",
            "install",
            "interrupt",
            "logs",
            "lookup",
            "region",
            "serve",
            "settings",
        ];
        let module = name.split('/').next().unwrap();
        if ["lib", "main", "test_world"].contains(&name) || command.contains(&module) {
            continue;
        }
        let own = layers.iter().position(|layer| *layer == module);
        let own = own.unwrap_or_else(|| panic!("{name} has no place in the list of layers"));
        for used in uses(&fs::read_to_string(&file).unwrap()) {
            let Some(layer) = layers.iter().position(|layer| *layer == used) else { continue };
            let allowed = layer <= own || exceptions.contains(&(name, &used));
            assert!(allowed, "{folder}/{name} uses {used}, which comes after it");
            seen += 1;
        }
    }
    assert!(seen > 10, "nothing was found in {folder}: this test cannot fail");
}

/// The modules of the same crate that a text names, without its tests.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_modules_of_the_guest_use_only_modules_above_them() {
    let layers = [
        "partition",
        "registry",
        "time",
        "wiped",
        "secret",
        "credentials",
        "error",
        "world",
        "sigv4",
        "json",
        "token_cache",
        "profile",
        "context",
        "settings",
        "endpoint",
        "steps",
        "retry",
        "role_chain",
        "aws",
        "source",
        "chain",
        "wasi",
    ];
    assert_one_way("../guest/src", &layers, &[]);
}

#[test]
fn the_modules_of_the_host_use_only_modules_above_them() {
    let layers = [
        "lock",
        "page_cache",
        "life",
        "credential",
        "pattern",
        "error",
        "budget",
        "event",
        "record",
        "replay",
        "config",
        "request",
        "admission",
        "capability",
        "engine",
        "sandbox",
        "trace",
        "report",
        "cache",
        "resolver",
        "keychain",
        "file_cache",
    ];
    // The file system that a lookup sees is an interface of the component, whose types the engine generates.
    assert_one_way("src", &layers, &[("capability/filesystem", "engine")]);
}

#[test]
fn few_files_name_wasi_and_wasmtime() {
    let naming = |folder: &str, words: &[&str]| -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let names = |file: &Path| {
            let text = fs::read_to_string(file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter().any(|line| words.iter().any(|word| line.contains(word)))
        };
        let files = files(&source).into_iter().filter(|file| names(file));
        files.map(|file| file.strip_prefix(&source).unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(naming("../guest/src", &["wasi::", "wit_bindgen"]), ["wasi.rs"]);
    let engine = [
        "capability/filesystem.rs",
        "engine/configuration.rs",
        "engine/limiter.rs",
        "engine/mod.rs",
        "engine/pool.rs",
        "engine/ticker.rs",
        "sandbox.rs",
    ];
    assert_eq!(naming("src", &["wasmtime::"]), engine);
    // The transport speaks of requests and errors in the words of `wasi:http`; two more are streams of `wasi:io`.
    let transport = [
        "capability/connect.rs",
        "capability/explain.rs",
        "capability/http.rs",
        "capability/log.rs",
        "capability/replacement.rs",
    ];
    let naming_wasi = naming("src", &["wasmtime_wasi"]);
    assert!(
        naming_wasi.iter().all(|file| engine.contains(&&**file) || transport.contains(&&**file)),
        "{naming_wasi:?}"
    );
}
