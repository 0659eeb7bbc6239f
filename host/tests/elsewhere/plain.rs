//! The engine with the standard WASI and `wasi:http`, as any program embeds them: no code of this library is in the process.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use keyward_testbed::FakeAws;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder, Trap};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::cases::failure;
use crate::host::{Answer, Credential, Failure, Host, PRIVATE, Question, UnderWay};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "credential-provider",
        exports: { default: async },
        with: {
            "wasi:cli": wasmtime_wasi::p2::bindings::cli,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem": wasmtime_wasi::p2::bindings::filesystem,
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:random": wasmtime_wasi::p2::bindings::random,
        },
    });
}

use bindings::exports::keyward::registry_credentials::provider;
use bindings::{CredentialProvider, CredentialProviderPre};

/// What belongs to one lookup.
struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    limits: StoreLimits,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        // The transport of wasmtime-wasi-http.
        WasiHttpCtxView { hooks: Default::default(), table: &mut self.table, ctx: &mut self.http }
    }
}

/// The component, compiled once, as it is released.
fn load(engine: &Engine) -> wasmtime::Result<CredentialProviderPre<State>> {
    let component = Component::from_file(engine, env!("KEYWARD_COMPONENT"))?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    CredentialProviderPre::new(linker.instantiate_pre(&component)?)
}

/// What an embedder may bound. Unless it does, nothing is.
#[derive(Default)]
struct Limits {
    fuel: Option<u64>,
    memory: Option<usize>,
}

/// One lookup, in a store of its own.
async fn look_up(
    component: &CredentialProviderPre<State>,
    question: &Question,
    limits: &Limits,
) -> wasmtime::Result<Answer> {
    let mut wasi = WasiCtx::builder();
    wasi.envs(&question.variables);
    for (name, folder) in &question.folders {
        wasi.preopened_dir(folder, name, FsPerms::ReadOnly)?;
    }
    let memory = limits.memory.map(|bytes| StoreLimitsBuilder::new().memory_size(bytes).build());
    let state = State {
        wasi: wasi.build(),
        http: WasiHttpCtx::new(),
        limits: memory.unwrap_or_default(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(component.engine(), state);
    store.limiter(|state| &mut state.limits);
    if let Some(fuel) = limits.fuel {
        store.set_fuel(fuel)?;
    }
    let component: CredentialProvider = component.instantiate_async(&mut store).await?;
    let request = provider::Request { server: question.server.clone(), context: question.context.clone() };
    let provider = component.keyward_registry_credentials_provider();
    Ok(provider.call_get(&mut store, &request).await?.map_err(Failure::from).map(Credential::from))
}

impl From<provider::Credential> for Credential {
    fn from(credential: provider::Credential) -> Self {
        let provider::Credential { username, secret, expires_at } = credential;
        Self { username, secret, expires_at }
    }
}

impl From<provider::Error> for Failure {
    fn from(error: provider::Error) -> Self {
        let (case, text) = match error {
            provider::Error::Denied(text) => ("denied", text),
            provider::Error::Invalid(text) => ("invalid", text),
            provider::Error::NoCredentials(text) => ("no-credentials", text),
            provider::Error::NotOurRegistry => ("not-our-registry", String::new()),
            provider::Error::Other(text) => ("other", text),
            provider::Error::Throttled(text) => ("throttled", text),
            provider::Error::Unavailable(text) => ("unavailable", text),
        };
        Self { case: case.to_owned(), text }
    }
}

/// The engine, for the tests.
pub(crate) struct Plain;

/// The lookups' runtime, and the component that they share.
static LOADED: LazyLock<(Runtime, Arc<CredentialProviderPre<State>>)> = LazyLock::new(|| {
    let component =
        load(&Engine::default()).unwrap_or_else(|error| panic!("the component does not fit this host: {error:#}"));
    (Runtime::new().expect("a runtime can be started"), Arc::new(component))
});

impl Host for Plain {
    fn begin(&self, question: Question) -> Box<dyn UnderWay> {
        let (runtime, component) = &*LOADED;
        Box::new(Task(runtime.spawn(async move {
            let answer = look_up(component, &question, &Limits::default()).await;
            answer.unwrap_or_else(|error| panic!("the component has crashed: {error:#}"))
        })))
    }
}

struct Task(JoinHandle<Answer>);

impl UnderWay for Task {
    fn answer(self: Box<Self>) -> Answer {
        LOADED.0.block_on(self.0).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The future is dropped, and with it the store.
    fn abandon(self: Box<Self>) -> Box<dyn Any> {
        self.0.abort();
        let ended = LOADED.0.block_on(self.0).expect_err("it had an answer");
        assert!(ended.is_cancelled(), "{}", ended);
        Box::new(())
    }
}

#[test]
fn nobody_can_be_named_whom_its_transport_is_to_trust() {
    let aws = FakeAws::start();
    let authority = aws.authority().ca_file();
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "1");
    let question = question.with_variable("SSL_CERT_FILE", &authority.display().to_string());
    let failure = failure(Plain.ask(question));
    assert_eq!(failure.case, "unavailable", "{failure:?}");
    assert!(failure.text.contains("the handshake failed"), "{}", failure.text);
    aws.wait_until("the handshake has failed", |aws| aws.counters().handshakes_failed == 1);
}

#[tokio::test]
async fn fuel_and_memory_have_the_limits_that_its_embedder_sets() {
    let aws = FakeAws::start_plain();
    let question = Question::new(PRIVATE, &aws).with_keys();
    let engine = Engine::new(Config::new().consume_fuel(true)).expect("the engine has fuel");
    let component = load(&engine).expect("the component fits this host");
    let look_up =
        async |fuel, memory| look_up(&component, &question, &Limits { fuel: Some(fuel), memory: Some(memory) }).await;
    let enough = (10_000_000, 4 * 1024 * 1024);
    let answer = look_up(enough.0, enough.1).await.expect("that is enough of both");
    answer.expect("the keys are good");

    let without_fuel = look_up(10_000, enough.1).await.expect_err("that is enough for nothing");
    assert_eq!(without_fuel.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel), "{without_fuel:#}");
    let without_memory = look_up(enough.0, 64 * 1024).await.expect_err("that is less than what it begins with");
    assert!(format!("{without_memory:#}").contains("exceeds memory limits"), "{without_memory:#}");
    assert_eq!(aws.requests().len(), 1);
}
