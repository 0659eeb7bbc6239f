//! `cargo run -p keyward-component --features wit --bin wit-package -- FILE.wasm` writes the WIT package of this workspace in the binary form
//! that registries of packages take, with what wkg.toml says of it.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keyward_component::wit;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(file), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: cargo run -p keyward-component --features wit --bin wit-package -- FILE.wasm");
        return ExitCode::from(2);
    };
    match write(&file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn write(file: &Path) -> Result<(), String> {
    let package = wit::package().map_err(|error| error.to_string())?;
    fs::write(file, &package.bytes)
        .map_err(|cause| format!("the package could not be written to {}: {cause}", file.display()))?;
    println!("{}: {} {}, {} bytes", file.display(), package.name, package.version, package.bytes.len());
    Ok(())
}
