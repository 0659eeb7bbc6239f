//! A world in which nobody answers: what a source of credentials asks first is all there is to see.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use keyward_ecr::aws::client::Client;
use keyward_ecr::context::Context;
use keyward_ecr::error::Error;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::source::{Found, Lookup};
use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, Scheme, World};
use serde_json::Value;

/// A source, as the chain calls it.
pub(crate) type Source = fn(&Lookup<'_, MetadataWorld>) -> Result<Found, Error>;

pub(crate) struct MetadataWorld {
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    request: RefCell<Option<Request>>,
}

/// The URL that a source asks first, in this environment and with these files, both objects of JSON; or what it says instead.
pub(crate) fn first_url(source: Source, environment: &Value, files: &Value) -> Result<String, String> {
    let world = MetadataWorld { environment: table(environment), files: table(files), request: RefCell::default() };
    let (context, shared_files) = (Context::default(), SharedFiles::read(&world));
    let settings = &Settings::new(&world, &context, &shared_files);
    let client = &Client::new(&world, settings).map_err(|error| error.to_string())?;
    let found = source(&Lookup { client, registry_region: "us-east-1", settings });
    match (world.request.take(), found) {
        (Some(request), _) => Ok(url(&request)),
        (None, Ok(Found::NotConfigured(reason) | Found::NotReached(reason))) => {
            Err(format!("not configured: {reason}"))
        }
        (None, Ok(Found::Credentials(_))) => Err("credentials that nobody has given".to_owned()),
        (None, Err(Error::Invalid(text))) => Err(format!("invalid: {text}")),
        (None, Err(error)) => Err(error.to_string()),
    }
}

fn table(object: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(object.clone()).expect("environment and files are tables of texts")
}

fn url(request: &Request) -> String {
    let scheme = match request.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}{}", request.authority, request.path)
}

impl Local for MetadataWorld {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.files.get(path).map(|text| Wiped::new(text.clone().into_bytes())).ok_or(FileError::NotFound)
    }
}

impl World for MetadataWorld {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: 0 }
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}

    fn random(&self) -> u64 {
        0
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.request.borrow_mut().get_or_insert_with(|| request.clone());
        Err(HttpError::Connection("nobody is there".to_owned()))
    }

    fn replace_file(&self, _path: &str, _content: &[u8]) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }
}
