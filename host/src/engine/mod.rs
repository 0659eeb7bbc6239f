//! The WebAssembly engine of a resolver: configured, linked and loaded once, instantiated for each lookup.

pub(crate) mod configuration;
mod limiter;
mod pool;
mod ticker;

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::budget::Pool;
use crate::capability::files::Files;
use crate::capability::filesystem::{self, Filesystem};
use crate::capability::http::Hooks;
use crate::capability::meter::Meter;
use crate::capability::profiles::OfLookup;
use crate::config::Config;
use crate::error::SetupError;
pub(crate) use limiter::{Limiter, MemoryLimitReached};
pub(crate) use ticker::Ticker;

/// The component that is built in, compiled for this machine's architecture by the build script.
static PRECOMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm"));

/// How large the component is that is built in, which tells one build of it from most others.
#[cfg(all(feature = "file-cache", unix))]
pub(crate) fn built_in_bytes() -> usize {
    PRECOMPILED.len()
}

/// The types and functions of `wit/`.
pub(crate) mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated from wit/")]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "credential-provider",
        imports: {
            "wasi:filesystem/types.[method]descriptor.open-at": async | trappable,
            "wasi:filesystem/types.[method]descriptor.sync": async | trappable,
            "wasi:filesystem/types.[method]descriptor.sync-data": async | trappable,
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
            "wasi:random": wasmtime_wasi::p2::bindings::random,
        },
    });
}

/// What belongs to one lookup, in its store.
pub(crate) struct State {
    /// How many bytes of files may still be opened: what is open is in the host's memory.
    pub(crate) file_bytes: u64,
    pub(crate) files: Files,
    pub(crate) hooks: Hooks,
    pub(crate) http: WasiHttpCtx,
    pub(crate) limiter: Limiter,
    pub(crate) meter: Arc<Meter>,
    pub(crate) profiles: Arc<OfLookup>,
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
}

impl Drop for State {
    fn drop(&mut self) {
        self.hooks.under_way.end_all();
    }
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
        filesystem::View {
            bytes_left: &mut self.file_bytes,
            files: &self.files,
            meter: &self.meter,
            profiles: &self.profiles,
            table: &mut self.table,
        }
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
        let engine = pool::engine(config.max_live_lookups, config.is_built_in())
            .map_err(|error| SetupError::Engine(error.root_cause().to_string()))?;
        let (name, component) = load(&engine, config)?;
        let unusable =
            |error: wasmtime::Error| SetupError::Component { component: name.clone(), reason: format!("{error:#}") };
        let component = component.map_err(unusable)?;
        let instance = link(&engine, &component).map_err(unusable)?;
        let component = bindings::CredentialProviderPre::new(instance).map_err(unusable)?;
        Ok(Self { ticker: Ticker::new(&engine), engine, component })
    }

    /// What stores have of the pool now.
    pub(crate) fn pool(&self) -> Option<Pool> {
        let metrics = self.engine.pooling_allocator_metrics()?;
        Some(Pool {
            instances: metrics.component_instances(),
            memories: metrics.memories(),
            stacks: metrics.stacks(),
            tables: metrics.tables(),
        })
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
