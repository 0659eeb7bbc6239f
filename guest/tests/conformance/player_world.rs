//! A recorded case as a world.

use std::time::Duration;

use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, Scheme, World};
use keyward_testbed::vectors::chain::{self, Player};

/// Plays a case to the code under test. No time passes in it.
pub(crate) struct PlayerWorld {
    pub(crate) player: Player,
}

impl Local for PlayerWorld {
    fn environment(&self, name: &str) -> Option<String> {
        let case = self.player.case();
        if name == "AWS_MAX_ATTEMPTS" && case.retries_are_off {
            return Some("1".to_owned());
        }
        case.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.player.file(path).map(Wiped::new).ok_or(FileError::NotFound)
    }
}

impl World for PlayerWorld {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: self.player.case().now }
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}

    fn random(&self) -> u64 {
        0
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        let answer = self.player.send(plain(request)).map_err(HttpError::Connection)?;
        Ok(Response { status: answer.status, headers: answer.headers, body: Wiped::new(answer.body) })
    }

    fn replace_file(&self, _path: &str, _content: &[u8]) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }
}

/// A request as the recordings have it.
pub(crate) fn plain(request: &Request) -> chain::Request {
    let scheme = match request.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let mut headers = request.headers.clone();
    headers.push(("host".to_owned(), request.authority.clone()));
    chain::Request {
        method: request.method.as_str().to_owned(),
        uri: format!("{scheme}://{}{}", request.authority, request.path),
        headers,
        body: request.body.clone(),
    }
}
