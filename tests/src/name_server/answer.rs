//! What questions are answered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hickory_proto::op::{Edns, Message, MessageType, Query};
use hickory_proto::rr::{RData, Record, RecordType};

/// How a question came, which limits how long its answer may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// What the server's thread and the test's threads share.
pub(super) struct State {
    question_count: AtomicUsize,
    questions: Mutex<Vec<(String, String)>>,
    /// `None` for a silent server.
    zone: Option<Mutex<Zone>>,
}

impl State {
    pub(super) fn new(zone: Option<Zone>) -> Self {
        Self { question_count: AtomicUsize::new(0), questions: Mutex::default(), zone: zone.map(Mutex::new) }
    }

    pub(super) fn questions(&self) -> Vec<(String, String)> {
        lock(&self.questions).clone()
    }

    pub(super) fn question_count(&self) -> usize {
        self.question_count.load(Ordering::SeqCst)
    }

    /// The answer to a message, unless it stays without one.
    pub(super) fn answer(&self, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let Some(zone) = &self.zone else {
            self.question_count.fetch_add(1, Ordering::SeqCst);
            return None;
        };
        let request = Message::from_vec(message).ok()?;
        let [question] = &request.queries[..] else {
            return None;
        };
        if request.metadata.message_type != MessageType::Query {
            return None;
        }
        let name = name_of(question);
        lock(&self.questions).push((name.clone(), question.query_type.to_string()));
        // Second, so that a question that has been counted can be looked at.
        self.question_count.fetch_add(1, Ordering::SeqCst);

        let addresses = lock(zone).addresses(name, question.query_type)?;
        let response = respond(&request, question, addresses);
        let answer = response.to_vec().ok()?;
        if transport == Transport::Udp && answer.len() > request.max_payload().into() {
            return response.truncate().to_vec().ok();
        }
        Some(answer)
    }
}

/// Who has which addresses.
pub(super) struct Zone {
    addresses: Addresses,
    asked: HashMap<(String, RecordType), usize>,
    answers_for_ipv6: bool,
}

/// The addresses of a name, for a question with this number.
type Addresses = Box<dyn Fn(&str, usize) -> Vec<IpAddr> + Send>;

impl Zone {
    pub(super) fn new(addresses: impl Fn(&str, usize) -> Vec<IpAddr> + Send + 'static) -> Self {
        Self { addresses: Box::new(addresses), asked: HashMap::new(), answers_for_ipv6: true }
    }

    pub(super) fn without_answers_for_ipv6(self) -> Self {
        Self { answers_for_ipv6: false, ..self }
    }

    /// The addresses that answer a question, unless it stays without an answer.
    fn addresses(&mut self, name: String, kind: RecordType) -> Option<Vec<IpAddr>> {
        let is_of_the_kind: fn(&IpAddr) -> bool = match kind {
            RecordType::A => IpAddr::is_ipv4,
            RecordType::AAAA if self.answers_for_ipv6 => IpAddr::is_ipv6,
            RecordType::AAAA => return None,
            _ => return Some(Vec::new()),
        };
        let number = self.asked.get(&(name.clone(), kind)).copied().unwrap_or(0);
        let mut addresses = (self.addresses)(&name, number);
        addresses.retain(is_of_the_kind);
        self.asked.insert((name, kind), number + 1);
        Some(addresses)
    }
}

fn respond(request: &Message, question: &Query, addresses: Vec<IpAddr>) -> Message {
    let mut response = Message::response(request.metadata.id, request.metadata.op_code);
    response.metadata.recursion_desired = request.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    // As it was asked, upper case and lower case too: some clients look.
    response.add_query(question.clone());
    for address in addresses {
        let data = match address {
            IpAddr::V4(address) => RData::A(address.into()),
            IpAddr::V6(address) => RData::AAAA(address.into()),
        };
        response.add_answer(Record::from_rdata(question.name.clone(), 0, data));
    }
    if request.edns.is_some() {
        response.set_edns(Edns::new());
    }
    response
}

/// The name that is asked for, in lower case and without a dot at its end.
fn name_of(question: &Query) -> String {
    let name = question.name.to_lowercase().to_ascii();
    name.strip_suffix('.').map(str::to_owned).unwrap_or(name)
}

/// A `zone` that panics is the one thing that can poison a lock, and its message is what the test
/// should fail with. What the locks hold is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
