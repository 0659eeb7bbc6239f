//! Two days of a fleet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::node::{Kind, Node, Pulls, Refresh};
use crate::random::Random;
use crate::service::{BySecond, Millisecond, Quota, SECOND, Service};

/// How long it is watched, in seconds.
const SECONDS: u64 = 48 * 60 * 60;

/// How often a lookup sends its request, and the longest pause before the second one, as the component has them for an answer that
/// asks for fewer requests.
const ATTEMPTS: u8 = 3;
const THROTTLING_PAUSE: Millisecond = SECOND;

/// A round trip, within the region.
const ROUND_TRIP: Millisecond = 20;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) nodes: usize,
    pub(crate) quota: Quota,
    pub(crate) kind: Kind,
    pub(crate) pulls: Pulls,
    pub(crate) refresh: Refresh,
    /// In the course of how long the nodes start, each of which is asked at once.
    pub(crate) start: Millisecond,
    /// Whether what comes after the start is of interest.
    pub(crate) goes_on: bool,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) service: Service,
    /// When each node had its first token, in order.
    pub(crate) first_tokens: Vec<Millisecond>,
    /// Lookups that have failed while there was no token, which are image pulls that did not happen: by the second.
    pub(crate) failed_pulls: BySecond,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Somebody asks the node.
    Asked,
    /// Its lookup sends a request, not for the first time where it was throttled before.
    Request(u8),
}

pub(crate) fn run(scenario: &Scenario) -> Outcome {
    let mut random = Random::new(6);
    let mut service = Service::new(scenario.quota, SECONDS);
    let mut nodes: Vec<Node> =
        (0..scenario.nodes).map(|_| Node::new(scenario.kind, scenario.pulls, scenario.refresh)).collect();
    let mut first_tokens = vec![None; scenario.nodes];
    let mut failed_pulls = BySecond::new(SECONDS);
    let mut without_token = scenario.nodes;
    // Small, since there may be tens of millions of them.
    let mut events: BinaryHeap<Reverse<(Millisecond, u32, Event)>> =
        (0..).take(scenario.nodes).map(|node| Reverse((random.below(scenario.start), node, Event::Asked))).collect();
    while let Some(Reverse((now, number, event))) = events.pop() {
        if now >= SECONDS * SECOND || without_token == 0 && !scenario.goes_on {
            break;
        }
        let place = number as usize;
        let node = &mut nodes[place];
        let (moment, event) = match event {
            Event::Asked if !node.looks_up(now) => (node.answered(now, &mut random), Event::Asked),
            Event::Asked => (now, Event::Request(0)),
            Event::Request(_) if service.ask(now) => {
                if first_tokens[place].is_none() {
                    first_tokens[place] = Some(now);
                    without_token -= 1;
                }
                (node.found(now + ROUND_TRIP, &mut random), Event::Asked)
            }
            Event::Request(earlier) if earlier + 1 < ATTEMPTS => {
                let pause = random.below(THROTTLING_PAUSE << earlier);
                (now + ROUND_TRIP + pause, Event::Request(earlier + 1))
            }
            Event::Request(_) => {
                if !node.has_token(now) {
                    failed_pulls.add(now);
                }
                (node.failed(now + ROUND_TRIP, &mut random), Event::Asked)
            }
        };
        events.push(Reverse((moment, number, event)));
    }
    let mut first_tokens: Vec<Millisecond> = first_tokens.into_iter().flatten().collect();
    first_tokens.sort_unstable();
    Outcome { service, first_tokens, failed_pulls }
}
