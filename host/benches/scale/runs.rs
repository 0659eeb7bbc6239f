//! Lookups per second and what they cost, by the number of callers.

use std::fmt;
use std::path::Path;
use std::pin::Pin;

use keyward_testbed::stuck::{Servers, build_sdk_program, emit, mebibytes};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::Form;
use crate::figures::Table;
use crate::keyward::Keyward;
use crate::plain_client::{PlainClient, Signed, connector};
use crate::process::part;
use crate::round::{Caller, Round, measure};
use crate::sdk;

/// Who looks up.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Client {
    /// On a runtime of one thread, as the SDK.
    Keyward,
    /// On a runtime of two threads.
    KeywardTwoThreads,
    Sdk,
    Floor,
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Keyward => "keyward",
            Self::KeywardTwoThreads => "keyward-2",
            Self::Sdk => "sdk",
            Self::Floor => "floor",
        })
    }
}

/// One run: a process that has looked up so often.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    pub(crate) round_number: usize,
    pub(crate) client: Client,
    pub(crate) callers: usize,
    /// All that the process has opened.
    pub(crate) connections: usize,
    #[serde(flatten)]
    pub(crate) round: Round,
}

/// So many callers, and the lookups that all of them together make in one run.
const CALLERS: [(usize, usize); 5] = [(1, 2_000), (16, 4_000), (64, 4_000), (256, 5_000), (1_000, 8_000)];

/// Of the long form.
const MANY: (usize, usize) = (10_000, 30_000);

/// Clients by turns, round after round: whatever else the machine does meets all of them.
pub(crate) fn report(form: Form) -> Vec<Run> {
    let (rounds, sizes) = match form {
        Form::Quick => (1, vec![(1, 20), (16, 160)]),
        Form::Short => (5, CALLERS.to_vec()),
        Form::Full => (9, CALLERS.into_iter().chain([MANY]).collect()),
    };
    let mut notes = Vec::new();
    // To build it takes longer than to show that the bench works.
    let program = if form == Form::Quick { Err("not in this form".to_owned()) } else { build_sdk_program("sdk-warm") };
    let mut clients = vec![Client::Keyward, Client::Sdk, Client::Floor, Client::KeywardTwoThreads];
    if let Err(reason) = &program {
        notes.push(format!("NOT MEASURED: sdk: {reason}"));
        clients.retain(|client| *client != Client::Sdk);
    }
    let program = program.unwrap_or_default();
    let mut runs = Vec::new();
    for round_number in 0..rounds {
        // It takes a while.
        eprintln!("round {} of {rounds}", round_number + 1);
        for &(callers, lookups) in &sizes {
            for &client in &clients {
                // The peers say nothing of how Keyward grows.
                if callers == MANY.0 && client != Client::Keyward {
                    continue;
                }
                match run(client, callers, lookups, &program) {
                    Ok((round, connections)) => runs.push(Run { round_number, client, callers, connections, round }),
                    Err(reason) => notes.push(format!("NOT MEASURED: {client}, {callers} callers: {reason}")),
                }
            }
            clients.reverse();
        }
    }
    print(&runs, &sizes.iter().map(|size| size.0).collect::<Vec<_>>(), &clients, &notes);
    runs
}

fn run(client: Client, callers: usize, lookups: usize, program: &Path) -> Result<(Round, usize), String> {
    if client == Client::Sdk {
        return sdk::run(program, callers, lookups);
    }
    let rows = part(&["run", &client.to_string(), &callers.to_string(), &lookups.to_string()])?;
    let [round, connections] = &*rows[0] else { return Err(format!("{rows:?} are no figures")) };
    let round = serde_json::from_str(round).map_err(|cause| cause.to_string())?;
    Ok((round, connections.parse().map_err(|_| format!("{connections} is no number"))?))
}

/// What a process does that makes one run, and what it does it on.
pub(crate) fn measured(client: &str, callers: usize, lookups: usize) -> (Runtime, Pin<Box<dyn Future<Output = ()>>>) {
    let mut builder = match client {
        "keyward-2" => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    let mut servers = Servers::start(&["fake-aws"]);
    let is_floor = client == "floor";
    let measured = async move {
        let round = if is_floor {
            measure(Floor::callers(&servers, callers).await, lookups).await
        } else {
            measure(Keyward::callers(&servers, callers), lookups).await
        };
        let connections = servers.seen(0).expect("a fake counts its connections");
        emit([serde_json::to_string(&round).expect("figures"), connections.to_string()]);
    };
    (runtime, Box::pin(measured))
}

/// The least that a lookup can cost: one request, signed before, on a connection of the caller's own.
struct Floor {
    client: PlainClient,
    signed: Signed,
}

impl Floor {
    async fn callers(servers: &Servers, count: usize) -> Vec<Self> {
        let (tls, signed) = (connector(&servers.ca_file), Signed::now());
        let mut callers = Vec::new();
        for _ in 0..count {
            let client = PlainClient::connect(&tls, servers.addresses[0]).await;
            callers.push(Self { client, signed: signed.clone() });
        }
        callers
    }
}

impl Caller for Floor {
    async fn look_up(&mut self) {
        self.client.ask(self.signed.clone()).await;
    }
}

fn print(runs: &[Run], sizes: &[usize], clients: &[Client], notes: &[String]) {
    let columns = ["client", "callers", "lookups/s", "p50, ms", "p99, ms", "CPU, µs", "busy", "connections", "MiB"];
    let mut table = Table::new(&columns);
    let mut clients = clients.to_vec();
    clients.sort_by_key(|client| *client as u8);
    for &callers in sizes {
        for &client in &clients {
            let of: Vec<&Run> = runs.iter().filter(|run| (run.client, run.callers) == (client, callers)).collect();
            if of.is_empty() {
                continue;
            }
            let median = |figure: &dyn Fn(&Run) -> f64| median(of.iter().map(|run| figure(run)).collect());
            table.row(vec![
                client.to_string(),
                callers.to_string(),
                format!("{:.0}", median(&|run| run.round.per_second())),
                format!("{:.2}", median(&|run| run.round.p50_us as f64) / 1e3),
                format!("{:.2}", median(&|run| run.round.p99_us as f64) / 1e3),
                format!("{:.1}", median(&|run| run.round.cpu())),
                format!("{:.2}", median(&|run| run.round.busy())),
                format!("{:.0}", median(&|run| run.connections as f64)),
                mebibytes(median(&|run| run.round.rss_kib as f64 * 1024.0) as usize),
            ]);
        }
    }
    table.note("CPU: of one lookup, of the client alone, user and system; busy: of one processor; below 1, it waits for the server");
    table.note("the server checks signatures, on one thread: 0.12 ms of a processor, so nobody gets more than 8,000 a second or so");
    table.note("floor: one signed request, again and again, and nothing else; keyward-2: on a runtime of two threads");
    for note in notes {
        table.note(note);
    }
    table.print("1. warm lookups by callers: the medians of the rounds");
}

/// The middle, of as many as there are.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    assert!(!figures.is_empty(), "nothing was measured");
    figures.sort_unstable_by(f64::total_cmp);
    figures[(figures.len() - 1) / 2]
}
