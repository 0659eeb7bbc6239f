//! `cargo bench -p keyward --bench stuck`: what stuck lookups cost, on this machine, now: the lookups themselves, whoever
//! waits for them to end, and everybody else. Goals stand beside the figures; nothing here fails when one is missed.
//!
//! Every figure is taken in a process of its own, so that no figure is about what an earlier one has left; and every server
//! is in yet another process, so that its memory, threads and descriptors are not counted. Both are this program, called
//! again with a variable that says what it is.
//!
//! The peer, where there is one, is AWS's own client for Rust with `tokio::time::timeout` around it: what a program would
//! do without Keyward. It is another program, lest its dependencies be this package's. `KEYWARD_BENCH=full` is the long form,
//! with 100,000 cancelled lookups and 10,000 stuck ones; `KEYWARD_BENCH=quick` only shows that the bench works, without the peer.

mod bed;
mod cancel;
mod command;
mod figures;
mod form;
mod latency;
mod left_behind;
mod memory;
mod overshoot;
mod peer;
mod process;
mod spin;

use std::time::Instant;

use keyward_testbed::stuck::{self, PATIENCE};
use tokio::runtime::Builder;

pub(crate) use crate::form::Form;
use crate::form::machine;
use crate::peer::Peer;

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
    let peer = match form {
        Form::Quick => Peer::left_out("the quick form does not build it"),
        Form::Short | Form::Full => Peer::build(),
    };
    let (processors, load) = machine();
    println!("stuck lookups: {form:?} form, {processors} processors, {files} open files, spinning by {}", spin::KIND);
    println!("load of the machine before: {load}");
    let begin = Instant::now();
    overshoot::report(form, &peer);
    cancel::report(form);
    if form == Form::Quick {
        return;
    }
    left_behind::report(form, &peer);
    memory::report(form, &peer);
    latency::report(form, &peer);
    command::report();
    println!("\ntook {:.0} s", begin.elapsed().as_secs_f64());
}

/// Takes one figure, and prints its rows for [`process::part`].
fn measure(part: &[&str]) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let measured = async {
        match part {
            ["overshoot", rest @ ..] => overshoot::measure(rest).await,
            ["cancel", rest @ ..] => cancel::measure(rest).await,
            ["left-behind", rest @ ..] => left_behind::measure(rest).await,
            ["memory", rest @ ..] => memory::measure(rest).await,
            ["latency", rest @ ..] => latency::measure(rest).await,
            _ => panic!("{part:?} is nothing that can be measured"),
        }
    };
    let in_time = runtime.block_on(async { tokio::time::timeout(PATIENCE, measured).await });
    in_time.unwrap_or_else(|_| panic!("not measured within {PATIENCE:?}"));
}
