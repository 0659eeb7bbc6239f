//! Keyward's opinion.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use keyward_ecr::aws::client::Client;
use keyward_ecr::chain;
use keyward_ecr::context::Context;
use keyward_ecr::error::Error;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::source::Lookup;
use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, World};

use crate::case::{Case, NOW, REGISTRY_REGION};
use crate::fake;
use crate::outcome::{Asked, Call, Outcome, Verdict, nobody};

/// What Keyward's chain comes to.
pub fn ask(case: &Case) -> Outcome {
    let world = CaseWorld {
        case,
        files: RefCell::new(case.files.clone()),
        calls: RefCell::default(),
        elapsed: Cell::default(),
    };
    let (verdict, message) = match resolve(&world) {
        Ok(verdict) => (verdict, String::new()),
        Err(error @ Error::NoCredentials(_)) => (Verdict::None, error.to_string()),
        Err(error) => (Verdict::Error, error.to_string()),
    };
    Outcome::new(verdict, world.calls.into_inner(), message)
}

/// The way to the credentials, as in [`keyward_ecr::get`].
fn resolve(world: &CaseWorld<'_>) -> Result<Verdict, Error> {
    let context = &Context::default();
    let files = SharedFiles::read(world);
    let settings = &Settings::new(world, context, &files);
    let client = &Client::new(world, settings).map_err(|error| Error::Invalid(error.to_string()))?;
    let credentials = chain::resolve(&Lookup { client, registry_region: REGISTRY_REGION, settings })?;
    Ok(Verdict::Credentials {
        account_id: credentials.account_id,
        expires_at: credentials.expires_at.map(|time| time.seconds),
        session_token: credentials.session_token.map(|token| token.expose().to_owned()),
        secret_access_key: credentials.secret_access_key.expose().to_owned(),
        access_key_id: credentials.access_key_id,
    })
}

struct CaseWorld<'a> {
    case: &'a Case,
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    calls: RefCell<Vec<Call>>,
    elapsed: Cell<Duration>,
}

impl Local for CaseWorld<'_> {
    fn environment(&self, name: &str) -> Option<String> {
        self.case.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.files.borrow().get(path).cloned().map(Wiped::new).ok_or(FileError::NotFound)
    }
}

impl World for CaseWorld<'_> {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: NOW }
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn sleep(&self, duration: Duration) {
        self.elapsed.set(self.elapsed.get() + duration);
    }

    fn random(&self) -> u64 {
        u64::MAX
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        let asked = Asked::from(request);
        self.calls.borrow_mut().push(Call::from(&asked));
        let answer = fake::answer(self.case.services, &asked).ok_or_else(nobody)?;
        Ok(Response {
            status: answer.status,
            headers: answer.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: Wiped::new(answer.body.into_bytes()),
        })
    }

    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        self.files.borrow_mut().insert(path.to_owned(), content.to_owned());
        Ok(())
    }
}
