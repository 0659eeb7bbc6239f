//! What a fake's thread and the test's threads share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::answer::Answer;
use crate::observation::{Counters, SeenRequest};
use crate::service::{Gift, Service};

/// What a fake's thread and the test's threads share.
pub(crate) struct State {
    pub(crate) service: Arc<dyn Service>,
    script: Mutex<Script>,
    requests: Mutex<Vec<SeenRequest>>,
    request_ids: AtomicUsize,
    counters: Mutex<Counters>,
    /// Told to all connections when they are to be closed.
    pub(crate) closing: Notify,
}

impl State {
    pub(crate) fn new(service: Arc<dyn Service>) -> Self {
        Self {
            service,
            script: Mutex::new(Script::new()),
            requests: Mutex::default(),
            request_ids: AtomicUsize::new(1),
            counters: Mutex::default(),
            closing: Notify::new(),
        }
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

    pub(crate) fn record_gift(&self, gift: &Gift) {
        match gift {
            Gift::RegistryToken => lock(&self.counters).tokens += 1,
            Gift::Credentials(_) => lock(&self.counters).credentials += 1,
            Gift::AccessToken { .. } | Gift::Nothing => {}
        }
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
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
