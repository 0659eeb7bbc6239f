//! No secret is in anything that can be shown: errors, debug forms, logs at their finest.

use std::io;
use std::sync::{Arc, Mutex};

use keyward::{Budget, CancelToken, Resolver};
use keyward_testbed::{AccessKeys, Answer, FakeAws, PASSWORD_MARK};
use tracing_subscriber::fmt::MakeWriter;

use crate::common::{PRIVATE, PUBLIC, config_without_keys};

const SECRET: &str = "the-secret-access-key-that-nobody-may-see";
const TOKEN: &str = "the-session-token-that-nobody-may-see";

/// Everything that was written to it.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl io::Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Seen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn secrets_are_in_no_error_no_debug_form_and_no_log() {
    let seen = Seen::default();
    // For all threads: beside tests that log to nobody, a subscriber of one thread is now and then not asked at all. That it
    // hears of their lookups too does no harm.
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(seen.clone()).finish();
    tracing::subscriber::set_global_default(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = runtime.block_on(lookups());

    let log = String::from_utf8_lossy(&seen.0.lock().unwrap()).into_owned();
    // The span of a lookup, and its requests: without them, nothing was logged, and this test could not fail.
    for told in [&format!("lookup{{registry=\"{PRIVATE}\""), "outcome=\"found\"", "operation=\"GetAuthorizationToken\""]
    {
        assert!(log.contains(told), "{told} was not logged");
    }
    for secret in [SECRET, TOKEN, PASSWORD_MARK] {
        assert!(!shown.contains(secret), "{secret} is in what was shown:\n{shown}");
        // The fake checks signatures with AWS's signer, on a thread of its own, and that one logs what it signs.
        let lines = log.lines().filter(|line| !line.contains(" aws_sigv4::"));
        if let Some(line) = lines.into_iter().find(|line| line.contains(secret)) {
            panic!("{secret} is in the log:\n{line}");
        }
    }
}

async fn lookups() -> String {
    let fake = FakeAws::start();
    fake.add_keys(AccessKeys::new("ASIASECRETS", SECRET).with_session_token(TOKEN));
    let config = config_without_keys(&fake)
        .with_variable("AWS_ACCESS_KEY_ID", "ASIASECRETS")
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET)
        .with_variable("AWS_SESSION_TOKEN", TOKEN);
    let resolver = Resolver::new(&config).unwrap();
    let mut shown = format!("{config:?} {resolver:?}");
    for (registry, answer) in [
        (PRIVATE, Answer::Token),
        (PUBLIC, Answer::Token),
        (PRIVATE, Answer::aws_error(403, "SignatureDoesNotMatch", &format!("no {SECRET} and {TOKEN}"))),
        (PRIVATE, Answer::Raw { status: 200, headers: Vec::new(), body: PASSWORD_MARK.into() }),
        (PRIVATE, Answer::DropConnection),
        (PRIVATE, Answer::Silence),
    ] {
        fake.answer_next(answer);
        let budget = Budget::default().with_deadline(std::time::Duration::from_millis(500));
        let lookup = resolver.look_up(registry, &budget, &CancelToken::new()).await;
        shown += &format!("{lookup:?} ");
        if let Err(error) = lookup.result {
            shown += &error.to_string();
        }
    }
    shown
}
