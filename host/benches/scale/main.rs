//! `cargo bench -p keyward --bench scale`: how lookups per second, processor time and memory grow with the number of callers, on
//! this machine, now, and where it ends and with which error. Goals stand beside the figures; nothing here fails when one is
//! missed.
//!
//! Each caller begins its next lookup when the last one has ended. Two peers do the same work in turn, run by run: AWS's own client
//! for Rust in its fastest set-up, and, as the floor, a plain client that sends one signed request again and again. All of them ask
//! the same fake AWS over TLS. Times on a machine that others use too are noisy, so each ratio is the median of those of the rounds.
//!
//! Every run is a process of its own, and so is its server: neither's processor time or memory is counted for the other.
//!
//! `KEYWARD_BENCH=full` is the long form, with 10,000 callers; `KEYWARD_BENCH=quick` only shows that the bench works.
//! `KEYWARD_BENCH_JSON=FILE` writes all figures to a file, those of every single run among them.

#[allow(dead_code, reason = "the bench beside this one uses all of it")]
#[path = "../stuck/figures.rs"]
mod figures;
#[path = "../stuck/form.rs"]
mod form;
mod keyward;
mod limits;
mod plain_client;
#[allow(dead_code, reason = "the bench beside this one uses all of it")]
#[path = "../stuck/process.rs"]
mod process;
mod ratios;
mod round;
mod runs;
mod sdk;

use std::env;
use std::time::{Duration, Instant};

use keyward_testbed::stuck;
use serde_json::json;

pub(crate) use crate::form::Form;
use crate::form::machine;

/// What one run may take.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let files = process::raise_limit_of_open_files();
    if stuck::serve_if_told() {
        return;
    }
    if let Some(part) = stuck::part() {
        return measure(&part.split(' ').collect::<Vec<_>>());
    }
    report(files);
}

fn report(files: u64) {
    let form = Form::chosen();
    let (processors, load) = machine();
    println!("scale: {form:?} form, {processors} processors, {files} open files");
    println!("load of the machine before: {load}");
    let begin = Instant::now();
    let runs = runs::report(form);
    let ratios = ratios::report(&runs);
    let limits = limits::report(form);
    println!("\ntook {:.0} s", begin.elapsed().as_secs_f64());
    if let Some(file) = env::var_os("KEYWARD_BENCH_JSON") {
        let form = format!("{form:?}").to_lowercase();
        let all = json!({
            "bench": "scale", "form": form, "processors": processors, "load_before": load,
            "runs": runs, "ratios": ratios, "limits": limits,
        });
        std::fs::write(&file, format!("{all:#}\n"))
            .unwrap_or_else(|cause| panic!("{} could not be written: {cause}", file.display()));
    }
}

/// Takes one figure, and prints its rows for [`process::part`].
fn measure(part: &[&str]) {
    let (runtime, measured) = match part {
        ["run", client, callers, lookups] => {
            let number = |word: &str| word.parse::<usize>().expect("a number");
            runs::measured(client, number(callers), number(lookups))
        }
        ["limit", limit] => limits::measured(limit),
        _ => panic!("{part:?} is nothing that can be measured"),
    };
    let in_time = runtime.block_on(async { tokio::time::timeout(PATIENCE, measured).await });
    in_time.unwrap_or_else(|_| panic!("not measured within {PATIENCE:?}"));
}
