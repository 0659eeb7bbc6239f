//! The AWS SDK for Rust's opinion.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileSet;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::os_shim_internal::{Env, Fs};
use tokio::runtime::{Builder, Runtime};

use crate::case::{Case, NOW, Services};
use crate::fake::{self, Answer};
use crate::outcome::{Asked, Call, Outcome, Verdict};

/// The SDK, with a clock on which no time passes but where everybody waits.
pub struct Sdk(Runtime);

impl Sdk {
    /// # Panics
    ///
    /// Where no runtime can be built.
    #[expect(clippy::new_without_default, reason = "it is not cheap")]
    pub fn new() -> Self {
        let mut builder = Builder::new_current_thread();
        Self(builder.enable_time().start_paused(true).build().expect("a runtime of one thread needs nothing"))
    }

    /// What the SDK's default chain comes to.
    pub fn ask(&self, case: &Case) -> Outcome {
        self.0.block_on(resolve(case))
    }

    /// What the shared files say to the SDK; none where they make no sense.
    pub fn profiles(&self, case: &Case) -> Option<ProfileSet> {
        self.0.block_on(aws_config::profile::load(&files(case), &environment(case), &Default::default(), None)).ok()
    }
}

async fn resolve(case: &Case) -> Outcome {
    let client = Recorder::default();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .env(environment(case))
        .fs(files(case))
        .http_client(client.clone())
        .sleep_impl(TokioSleep::new())
        .time_source(StaticTimeSource::new(UNIX_EPOCH + Duration::from_secs(NOW)));
    let configuration = loader.load().await;
    let provider = configuration.credentials_provider().expect("the default chain is there by default");
    // What was asked so far was the region.
    client.begin(case.services);
    let (verdict, message) = match provider.provide_credentials().await {
        Ok(credentials) => {
            let verdict = Verdict::Credentials {
                access_key_id: credentials.access_key_id().to_owned(),
                secret_access_key: credentials.secret_access_key().to_owned(),
                session_token: credentials.session_token().map(str::to_owned),
                account_id: credentials.account_id().map(|id| id.as_str().to_owned()),
                expires_at: credentials.expiry().and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())),
            };
            (verdict, String::new())
        }
        Err(error @ CredentialsError::CredentialsNotLoaded(_)) => (Verdict::None, chain_of(&error)),
        Err(error) => (Verdict::Error, chain_of(&error)),
    };
    Outcome::new(verdict, client.end(), message)
}

fn environment(case: &Case) -> Env {
    Env::from(case.environment.clone().into_iter().collect::<HashMap<_, _>>())
}

fn files(case: &Case) -> Fs {
    Fs::from_map(case.files.clone().into_iter().collect())
}

fn chain_of(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts.join(": ")
}

/// Answers with the fake, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    /// `None` as long as only the region is asked for.
    services: Option<Services>,
    calls: Vec<Call>,
}

impl Recorder {
    fn begin(&self, services: Services) {
        *self.0.lock().expect("nobody panics with it") = Recording { services: Some(services), calls: Vec::new() };
    }

    fn end(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it").calls)
    }

    fn answer(&self, asked: &Asked) -> Option<Answer> {
        let mut recording = self.0.lock().expect("nobody panics with it");
        recording.calls.push(Call::from(asked));
        match recording.services {
            Some(services) => fake::answer(services, asked),
            None if asked.method == "PUT" => Some(fake::token()),
            None => Some(fake::region()),
        }
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asked = Asked {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: headers.collect(),
            body: request.body().bytes().expect("credentials need no streams").to_owned(),
        };
        HttpConnectorFuture::ready(match self.answer(&asked) {
            Some(answer) => Ok(response(answer)),
            None => Err(ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into())),
        })
    }
}

fn response(answer: Answer) -> HttpResponse {
    let status = answer.status.try_into().expect("the fake has real statuses");
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value);
    }
    response
}
