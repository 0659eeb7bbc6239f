//! What compiled code depends on. The build script compiles with it and the host runs with it: one definition, since
//! wasmtime refuses a component that was compiled with another one.

/// The configuration of the engine.
pub(crate) fn configuration() -> wasmtime::Config {
    let mut configuration = wasmtime::Config::new();
    configuration
        // The first two lines of defence: work is counted, and a guest that does not wait can be reached.
        .consume_fuel(true)
        .epoch_interruption(true)
        // One lookup per store: nothing runs side by side inside of it.
        .concurrency_support(false)
        // The code addresses of a guest mean nothing to its users, and their tables are a third of the artifact.
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None);
    configuration
}
