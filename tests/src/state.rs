//! What the fake's thread and the test's threads share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::answer::Answer;
use crate::keys::AccessKeys;
use crate::observation::{Counters, SeenRequest};

/// The life of a token of ECR.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What the fake's thread and the test's threads share.
pub(crate) struct State {
    keys: Mutex<HashMap<String, AccessKeys>>,
    token_lifetime: Mutex<Duration>,
    script: Mutex<Script>,
    requests: Mutex<Vec<SeenRequest>>,
    request_ids: AtomicUsize,
    counters: Mutex<Counters>,
    /// Told to all connections when they are to be closed.
    pub(crate) closing: Notify,
}

impl State {
    pub(crate) fn new() -> Self {
        let state = Self {
            keys: Mutex::default(),
            token_lifetime: Mutex::new(TOKEN_LIFETIME),
            script: Mutex::new(Script::new()),
            requests: Mutex::default(),
            request_ids: AtomicUsize::new(1),
            counters: Mutex::default(),
            closing: Notify::new(),
        };
        state.add_keys(AccessKeys::default());
        state
    }

    pub(crate) fn add_keys(&self, keys: AccessKeys) {
        lock(&self.keys).insert(keys.access_key_id.clone(), keys);
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, HashMap<String, AccessKeys>> {
        lock(&self.keys)
    }

    pub(crate) fn set_token_lifetime(&self, lifetime: Duration) {
        *lock(&self.token_lifetime) = lifetime;
    }

    pub(crate) fn token_lifetime(&self) -> Duration {
        *lock(&self.token_lifetime)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        lock(&self.requests).clone()
    }

    pub(crate) fn counters(&self) -> Counters {
        *lock(&self.counters)
    }

    /// The id of the next request. The format is that of AWS's ids, the last part counts.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.request_ids.fetch_add(1, Ordering::Relaxed);
        format!("00000000-0000-4000-8000-{number:012}")
    }

    pub(crate) fn record_request(&self, request: SeenRequest) {
        lock(&self.requests).push(request);
        // Second, so that a request that has been counted can be looked at.
        lock(&self.counters).requests += 1;
    }

    pub(crate) fn record_token(&self) {
        lock(&self.counters).tokens += 1;
    }

    pub(crate) fn record_failed_handshake(&self) {
        lock(&self.counters).handshakes_failed += 1;
    }
}

/// Which answer is next.
pub(crate) struct Script {
    next: VecDeque<Answer>,
    rules: Vec<(Condition, Answer)>,
    always: Answer,
}

pub(crate) type Condition = Box<dyn Fn(&SeenRequest) -> bool + Send>;

impl Script {
    fn new() -> Self {
        Self { next: VecDeque::new(), rules: Vec::new(), always: Answer::Token }
    }

    pub(crate) fn push_next(&mut self, answer: Answer) {
        self.next.push_back(answer);
    }

    pub(crate) fn push_rule(&mut self, condition: Condition, answer: Answer) {
        self.rules.push((condition, answer));
    }

    pub(crate) fn set_always(&mut self, answer: Answer) {
        self.always = answer;
    }

    pub(crate) fn answer_to(&mut self, request: &SeenRequest) -> Answer {
        if let Some(answer) = self.next.pop_front() {
            return answer;
        }
        let rule = self.rules.iter().rev().find(|(condition, _)| condition(request));
        rule.map_or(&self.always, |(_, answer)| answer).clone()
    }
}

/// Counts a connection for as long as it is alive.
pub(crate) struct OpenConnection(Arc<State>);

impl OpenConnection {
    pub(crate) fn new(state: Arc<State>) -> Self {
        let mut counters = lock(&state.counters);
        counters.connections_accepted += 1;
        counters.connections_open += 1;
        drop(counters);
        Self(state)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        lock(&self.0.counters).connections_open -= 1;
    }
}

/// A condition that panics is the one thing that can poison a lock, and its message is what the
/// test should fail with. What the locks hold is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
