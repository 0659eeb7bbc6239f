//! The WebAssembly engine of a resolver: configured, linked and loaded once, instantiated for each lookup.

pub(crate) mod configuration;
mod ticker;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, ResourceLimiter};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capability::files::Files;
use crate::capability::filesystem::{self, Filesystem};
use crate::capability::http::Hooks;
use crate::config::Config;
use crate::error::SetupError;
pub(crate) use ticker::Ticker;

/// The component that is built in, compiled for this machine's architecture by the build script.
static PRECOMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm"));

/// The types and functions of `wit/`.
pub(crate) mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated from wit/")]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "credential-provider",
        imports: {
            "wasi:filesystem/types.[method]descriptor.open-at": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "wasi:cli": wasmtime_wasi::p2::bindings::cli,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": crate::capability::filesystem::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": crate::capability::filesystem::DirectoryEntryStream,
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi:io": wasmtime_wasi::p2::bindings::io,
        },
    });
}

/// How many core instances, memories and tables a component may have, of each.
const MAX_INSTANCES: usize = 64;

/// What belongs to one lookup, in its store.
pub(crate) struct State {
    /// How many bytes of files may still be opened: what is open is in the host's memory.
    pub(crate) file_bytes: u64,
    pub(crate) files: Files,
    pub(crate) hooks: Hooks,
    pub(crate) http: WasiHttpCtx,
    pub(crate) limiter: Limiter,
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl State {
    fn filesystem(&mut self) -> filesystem::View<'_> {
        filesystem::View { bytes_left: &mut self.file_bytes, files: &self.files, table: &mut self.table }
    }
}

/// Holds a component to its memory, and remembers the most that it had.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u64,
    in_use: u64,
    peak: u64,
}

/// The component asked for more memory than it may have.
#[derive(Debug, thiserror::Error)]
#[error("more memory was asked for than the budget has")]
pub(crate) struct MemoryLimitReached {
    pub(crate) wanted: u64,
}

impl Limiter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, in_use: 0, peak: 0 }
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Charges growth from `current` to `desired` bytes of what is in use, of all memories and tables together.
    fn grow(&mut self, current: u64, desired: u64) -> wasmtime::Result<bool> {
        let wanted = self.in_use.saturating_sub(current).saturating_add(desired);
        if wanted > self.limit {
            // An error and not a refusal: the guest would only turn it into a crash without a cause.
            return Err(MemoryLimitReached { wanted }.into());
        }
        self.in_use = wanted;
        self.peak = self.peak.max(wanted);
        Ok(true)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current as u64, desired as u64)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        /// What an entry takes of the host's memory.
        const ENTRY_BYTES: u64 = size_of::<usize>() as u64;
        self.grow((current as u64).saturating_mul(ENTRY_BYTES), (desired as u64).saturating_mul(ENTRY_BYTES))
    }

    // A component has some core modules: the guest itself, and the adapters that its tools put around it.
    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }
}

/// A component, ready to be instantiated.
pub(crate) struct Sandboxes {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) component: bindings::CredentialProviderPre<State>,
}

impl Sandboxes {
    pub(crate) fn new(config: &Config) -> Result<Self, SetupError> {
        let engine = Engine::new(&configuration::configuration())
            .map_err(|error| SetupError::Engine(error.root_cause().to_string()))?;
        let (name, component) = load(&engine, config)?;
        let unusable =
            |error: wasmtime::Error| SetupError::Component { component: name.clone(), reason: format!("{error:#}") };
        let component = component.map_err(unusable)?;
        let instance = link(&engine, &component).map_err(unusable)?;
        let component = bindings::CredentialProviderPre::new(instance).map_err(unusable)?;
        Ok(Self { ticker: Ticker::new(&engine), engine, component })
    }
}

type Loaded = (String, wasmtime::Result<Component>);

#[cfg(not(feature = "compile"))]
fn load(engine: &Engine, _config: &Config) -> Result<Loaded, SetupError> {
    Ok(("that is built in".to_owned(), load_precompiled(engine)))
}

#[cfg(feature = "compile")]
fn load(engine: &Engine, config: &Config) -> Result<Loaded, SetupError> {
    let Some(file) = &config.component else {
        return Ok(("that is built in".to_owned(), load_precompiled(engine)));
    };
    let name = file.display().to_string();
    match std::fs::read(file) {
        Ok(wasm) => Ok((name, Component::from_binary(engine, &wasm))),
        Err(cause) => Err(SetupError::Component { component: name, reason: cause.to_string() }),
    }
}

/// Loads the component that is built in: the one place that needs trust instead of proof.
#[expect(unsafe_code, reason = "wasmtime runs precompiled code as it is")]
pub(crate) fn load_precompiled(engine: &Engine) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` asks for the unaltered output of the same version of wasmtime. PRECOMPILED is a constant of
    // this program, written by the build script of this very build with the wasmtime of the same Cargo.lock, and no
    // input of any user can reach it. wasmtime itself checks version, configuration and processor, and refuses others.
    unsafe { Component::deserialize(engine, PRECOMPILED) }
}

/// Links what a component may import: the standard interfaces of WASI without sockets, our files, our transport.
fn link(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<State>> {
    use wasmtime_wasi::p2::bindings::{cli, random};
    use wasmtime_wasi::random::WasiRandom;

    let mut linker = Linker::<State>::new(engine);
    // Clocks, streams, random numbers, and standard streams that lead nowhere.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    let l = &mut linker;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    bindings::wasi::filesystem::types::add_to_linker::<State, Filesystem>(l, State::filesystem)?;
    bindings::wasi::filesystem::preopens::add_to_linker::<State, Filesystem>(l, State::filesystem)?;
    linker.instantiate_pre(component)
}
