//! The peer of the host's bench `stuck`: the same figures of AWS's own client for Rust, with `tokio::time::timeout` around it as
//! a program would have that has no Keyward. The bench starts it for one figure at a time: see [`stuck::PART`].

mod latency;
mod left_behind;
mod memory;
mod overshoot;

use std::process::{self, ExitCode};

use keyward_testbed::stuck::{self, PATIENCE};
use tokio::runtime::Builder;
use tokio::time::timeout;

fn main() -> ExitCode {
    if stuck::serve_if_told() {
        return ExitCode::SUCCESS;
    }
    let Some(part) = stuck::part() else {
        eprintln!("this is a part of a bench, which starts it: cargo bench -p keyward --bench stuck");
        return ExitCode::FAILURE;
    };
    measure(&part.split(' ').collect::<Vec<_>>())
}

/// Takes one figure, prints its rows, and ends the process.
fn measure(part: &[&str]) -> ! {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let measured = async {
        match part {
            ["overshoot", rest @ ..] => overshoot::measure(rest).await,
            ["left-behind", rest @ ..] => left_behind::measure(rest).await,
            ["memory", rest @ ..] => memory::measure(rest).await,
            ["latency", rest @ ..] => latency::measure(rest).await,
            _ => panic!("{part:?} is nothing that can be measured"),
        }
    };
    let in_time = runtime.block_on(async { timeout(PATIENCE, measured).await });
    in_time.unwrap_or_else(|_| panic!("not measured within {PATIENCE:?}"));
    // Not a return: threads that are blocked would hold up the end.
    process::exit(0);
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_else(|_| panic!("{word:?} is not a number"))
}
