//! What the figures of the runs are by those of the peers, and by each other.

use keyward_testbed::stuck::met;
use serde::Serialize;

use crate::figures::Table;
use crate::runs::{Client, Run, median};

/// One ratio: of each round, and the median of these.
#[derive(Debug, Serialize)]
pub(crate) struct Ratio {
    what: String,
    callers: usize,
    rounds: Vec<f64>,
    median: f64,
    /// The most, or the least, that it should be.
    goal: Option<f64>,
    is_reached: Option<bool>,
}

/// What a ratio should be.
#[derive(Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
}

/// By callers, of the smaller number and of the larger.
const SMALLER: usize = 64;
const LARGER: usize = 1_000;

pub(crate) fn report(runs: &[Run]) -> Vec<Ratio> {
    let cpu = |run: &Run| run.round.cpu();
    let per_second = |run: &Run| run.round.per_second();
    let mut sizes: Vec<usize> = runs.iter().map(|run| run.callers).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut ratios = Vec::new();
    for &callers in &sizes {
        let of = |client| (client, callers);
        let pair = (of(Client::Keyward), of(Client::Sdk));
        // The one set-up for which there is a goal.
        let goal = |goal| if callers == SMALLER { goal } else { Goal::None };
        ratios.extend(ratio("CPU, keyward / sdk", runs, pair, cpu, goal(Goal::AtMost(1.0))));
        ratios.extend(ratio("lookups/s, keyward / sdk", runs, pair, per_second, goal(Goal::AtLeast(1.0))));
        ratios.extend(ratio("CPU, keyward / floor", runs, (pair.0, of(Client::Floor)), cpu, Goal::None));
        if callers > 1 {
            let connections = |run: &Run| run.connections as f64 / run.callers as f64;
            let all = runs.iter().filter(|run| (run.client, run.callers) == pair.0);
            let rounds = all.map(connections).collect();
            ratios.extend(judged("connections / callers, keyward", callers, rounds, Goal::AtMost(1.0)));
        }
    }
    for client in [Client::Keyward, Client::Sdk, Client::Floor] {
        let goal = if client == Client::Keyward { Goal::AtMost(1.3) } else { Goal::None };
        let what = format!("CPU, {client}, {LARGER} / {SMALLER} callers");
        ratios.extend(ratio(&what, runs, ((client, LARGER), (client, SMALLER)), cpu, goal));
    }
    print(&ratios);
    ratios
}

type Set = (Client, usize);

/// Of the runs of one round, each round by itself.
fn ratio(
    what: &str,
    runs: &[Run],
    (one, other): (Set, Set),
    figure: impl Fn(&Run) -> f64,
    goal: Goal,
) -> Option<Ratio> {
    let of = |set: Set, round: usize| {
        let is_it = |run: &&Run| (run.client, run.callers, run.round_number) == (set.0, set.1, round);
        runs.iter().find(is_it).map(&figure)
    };
    let last = runs.iter().map(|run| run.round_number).max()?;
    let rounds = (0..=last).filter_map(|round| Some(of(one, round)? / of(other, round)?)).collect();
    judged(what, one.1, rounds, goal)
}

fn judged(what: &str, callers: usize, rounds: Vec<f64>, goal: Goal) -> Option<Ratio> {
    if rounds.is_empty() {
        return None;
    }
    let median = median(rounds.clone());
    let (goal, is_reached) = match goal {
        Goal::AtLeast(least) => (Some(least), Some(median >= least)),
        Goal::AtMost(most) => (Some(most), Some(median <= most)),
        Goal::None => (None, None),
    };
    Some(Ratio { what: what.to_owned(), callers, rounds, median, goal, is_reached })
}

fn print(ratios: &[Ratio]) {
    let mut table = Table::new(&["ratio", "callers", "median", "of the rounds", "goal", "reached"]);
    for ratio in ratios {
        let least = ratio.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratio.rounds.iter().copied().fold(0.0, f64::max);
        table.row(vec![
            ratio.what.clone(),
            ratio.callers.to_string(),
            format!("{:.2}", ratio.median),
            format!("{least:.2} to {most:.2}"),
            ratio.goal.map_or("-".to_owned(), |goal| format!("{goal:.1}")),
            ratio.is_reached.map_or("-".to_owned(), met),
        ]);
    }
    table.note(
        "each of runs that follow one another; goal: at least that many lookups/s, at most that of anything else",
    );
    table.print("2. ratios");
}
