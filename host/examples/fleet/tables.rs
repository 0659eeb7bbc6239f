//! The tables of docs/scale.md.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::node::{Kind, Pulls, Refresh};
use crate::service::{Millisecond, Quota, SECOND};
use crate::simulation::{Outcome, Scenario, run};

const MINUTE: Millisecond = 60 * SECOND;
const HOUR: Millisecond = 60 * MINUTE;

/// After which the start, and what throttling made of it, is over: in seconds.
const AFTER_START: usize = 5 * 60 * 60;

/// What is left then of the two days, in days.
const DAYS: f64 = 43.0 / 24.0;

/// What AWS documents: the default for private registries, that for public ones, and what its page on throttling has.
const QUOTAS: [Quota; 3] = [
    Quota { name: "500/s", per_second: 500, burst: 500 },
    Quota { name: "200/s", per_second: 200, burst: 200 },
    Quota { name: "20/s, 200 at once", per_second: 20, burst: 200 },
];

const FLEETS: [usize; 3] = [1_000, 10_000, 100_000];

/// A scenario, and what the first cells of its row are.
type Case = (String, Scenario);

/// All of them, as Markdown.
pub(crate) fn all() -> String {
    [cold_start(), refresh(), waves()].join("\n")
}

fn cold_start() -> String {
    let mut cases: Vec<Case> = Vec::new();
    for nodes in FLEETS {
        for (start, name) in [(SECOND, "a second"), (10 * MINUTE, "10 minutes")] {
            for quota in QUOTAS {
                let scenario = Scenario { nodes, quota, start, goes_on: false, ..plain() };
                cases.push((format!("{}, {name} | {}", number(nodes as u64), quota.name), scenario));
            }
        }
    }
    let columns = [
        "nodes, started within",
        "quota",
        "requests, most per second",
        "pulls that failed",
        "99 of 100 nodes have a token after",
        "all of them after",
    ];
    table(&columns, 2, &cases, |scenario, outcome| {
        let after = |part: usize| duration(outcome.first_tokens[(scenario.nodes * part).div_ceil(100) - 1]);
        vec![number(outcome.service.requests.peak(0)), number(outcome.failed_pulls.sum(0)), after(99), after(100)]
    })
}

fn refresh() -> String {
    let mut cases: Vec<Case> = Vec::new();
    for nodes in FLEETS {
        for (kind, name, refreshes) in [
            (Kind::Cache, "the library", &[Refresh::AtEnd, Refresh::AtHalf, Refresh::Spread][..]),
            (Kind::Kubelet, "the kubelet", &[Refresh::AtHalf, Refresh::Spread]),
        ] {
            for &refresh in refreshes {
                let name = format!("{}, {name} | {}", number(nodes as u64), refreshed(refresh));
                cases.push((name, Scenario { nodes, kind, refresh, ..plain() }));
            }
        }
    }
    after_the_start(&["nodes, asked all the time by", "a token is replaced"], &cases)
}

fn waves() -> String {
    let mut cases: Vec<Case> = Vec::new();
    for nodes in FLEETS {
        for (every, within, name) in [
            (HOUR, 10 * MINUTE, "hourly, within 10 minutes"),
            (HOUR, MINUTE, "hourly, within a minute"),
            (24 * HOUR, 10 * MINUTE, "daily, within 10 minutes"),
            (24 * HOUR, MINUTE, "daily, within a minute"),
        ] {
            let (kind, pulls) = (Kind::Kubelet, Pulls::Waves { every, within });
            cases.push((format!("{}, {name}", number(nodes as u64)), Scenario { nodes, pulls, kind, ..plain() }));
        }
    }
    after_the_start(&["nodes, deployments"], &cases)
}

fn plain() -> Scenario {
    Scenario {
        nodes: 0,
        quota: QUOTAS[0],
        kind: Kind::Cache,
        pulls: Pulls::Always,
        refresh: Refresh::Spread,
        start: MINUTE,
        goes_on: true,
    }
}

fn after_the_start(words: &[&str], cases: &[Case]) -> String {
    let figures =
        ["requests, most per second", "per node and day", "throttled", "seconds with throttling", "pulls that failed"];
    table(&[words, &figures].concat(), words.len(), cases, |scenario, outcome| {
        let service = &outcome.service;
        vec![
            number(service.requests.peak(AFTER_START)),
            format!("{:.1}", service.requests.sum(AFTER_START) as f64 / scenario.nodes as f64 / DAYS),
            number(service.throttled.sum(AFTER_START)),
            number(service.throttled.seconds(AFTER_START)),
            number(outcome.failed_pulls.sum(AFTER_START)),
        ]
    })
}

fn refreshed(refresh: Refresh) -> &'static str {
    match refresh {
        Refresh::Spread => "**as Keyward does**",
        Refresh::AtHalf => "at half of its life",
        Refresh::AtEnd => "when it is over",
    }
}

/// A row for each case. The first columns are words, the others figures.
fn table(
    columns: &[&str],
    words: usize,
    cases: &[Case],
    cells: impl Fn(&Scenario, &Outcome) -> Vec<String> + Sync,
) -> String {
    let rule = |column: usize| if column < words { "---" } else { "---:" };
    let rules: Vec<&str> = (0..columns.len()).map(rule).collect();
    let mut lines = vec![format!("| {} |", columns.join(" | ")), format!("| {} |", rules.join(" | "))];
    lines.extend(on_all_processors(cases, |(name, scenario)| {
        format!("| {name} | {} |", cells(scenario, &run(scenario)).join(" | "))
    }));
    lines.join("\n") + "\n"
}

/// What comes of each case, in their order.
fn on_all_processors(cases: &[Case], work: impl Fn(&Case) -> String + Sync) -> Vec<String> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); cases.len()]));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(place) else { return };
                    let result = work(case);
                    results.lock().expect("no thread panics with it")[place] = result;
                }
            });
        }
    });
    results.into_inner().expect("no thread panics with it")
}

fn duration(time: Millisecond) -> String {
    match time / SECOND {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds if seconds < 2 * 60 * 60 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

fn number(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups.map(|group| str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}
