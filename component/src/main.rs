//! `cargo run -p keyward-component -- FILE.wasm` builds the component and writes it to FILE.wasm.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(file), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: cargo run -p keyward-component -- FILE.wasm");
        return ExitCode::from(2);
    };
    match write(Path::new(&file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn write(file: &Path) -> Result<(), String> {
    let built = keyward_component::build(&target_folder()).map_err(|error| error.to_string())?;
    let size = fs::copy(&built, file)
        .map_err(|cause| format!("the component could not be written to {}: {cause}", file.display()))?;
    println!("{}: {size} bytes", file.display());
    Ok(())
}

/// The folder that host/build.rs uses too, so that nothing is compiled twice: `guest`, beside the profiles'
/// folders, one of which holds this program.
fn target_folder() -> PathBuf {
    let beside_profiles = env::current_exe().ok().and_then(|program| Some(program.ancestors().nth(2)?.to_path_buf()));
    beside_profiles.unwrap_or_else(|| keyward_component::workspace().join("target")).join("guest")
}
