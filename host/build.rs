//! Builds the guest, and precompiles it with the configuration that the host runs it with, so that the command starts
//! without a compiler in it.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "src/engine/configuration.rs"]
mod configuration;

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Cargo shows what a failed build script wrote to the standard error stream.
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), String> {
    let workspace = keyward_component::workspace();
    for source in keyward_component::SOURCES {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    println!("cargo::rerun-if-changed=src/engine/configuration.rs");

    let out = PathBuf::from(variable("OUT_DIR")?);
    // OUT_DIR is PROFILES/PROFILE/build/PACKAGE/out. The guest has one folder beside the profiles' folders, whichever of
    // them asks, and cargo keeps it as it keeps its own: nothing changed, nothing is built.
    let profiles = out.ancestors().nth(4).ok_or("OUT_DIR is not where cargo has it")?;
    let component = keyward_component::build(&profiles.join("guest")).map_err(|error| error.to_string())?;
    precompile(&component, &out)
}

fn precompile(component: &Path, out: &Path) -> Result<(), String> {
    let wasm = fs::read(component).map_err(|cause| format!("{} is not readable: {cause}", component.display()))?;
    let mut configuration = configuration::configuration();
    // A named target compiles for every processor of the architecture, instead of for the one that builds.
    configuration.target(&variable("TARGET")?).map_err(|cause| format!("no code for this target: {cause:#}"))?;
    let precompiled = wasmtime::Engine::new(&configuration)
        .and_then(|engine| engine.precompile_component(&wasm))
        .map_err(|cause| format!("the component was not precompiled: {cause:#}"))?;
    for (file, bytes) in [("component.wasm", &wasm), ("component.cwasm", &precompiled)] {
        fs::write(out.join(file), bytes).map_err(|cause| format!("{file} could not be written: {cause}"))?;
    }
    // For tests and benches: the library itself has no use for the component before its compilation.
    println!("cargo::rustc-env=KEYWARD_COMPONENT={}", out.join("component.wasm").display());
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: build with cargo"))
}
