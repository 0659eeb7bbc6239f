//! Programs that do not end: their lookups end all the same, and leave neither them nor what they have started, neither a zombie
//! nor a thread.

use std::fs;
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Resolver, Step};
use tokio::task::JoinSet;

use crate::held::{Held, no_lookup_is_left, until};
use crate::matrix::End;
use crate::stuck::HEALTHY;

const LOOKUPS: usize = 25;

/// How long the grandchildren sleep: nobody else on this machine sleeps for as long.
const SLEEP: &str = "98765.4321";

pub(crate) async fn run() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let command = format!("trap '' TERM HUP INT; sleep {SLEEP} & sleep {SLEEP}");
    fs::write(file.path(), format!("[default]\ncredential_process = {command}\n")).unwrap();
    let config = Config::new()
        .without_cache()
        .with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap())
        .with_credential_process(true);
    let resolver = Resolver::new(&config).unwrap();
    resolver.resolve("registry.example").await.unwrap_err();
    let before = Held::at_rest().await;
    for end in [End::Cancel, End::Deadline, End::Drop] {
        stuck(&resolver, end, before).await;
    }
    println!("{LOOKUPS} programs that do not end × cancel, deadline, drop: none is left");
}

async fn stuck(resolver: &Resolver, end: End, before: Held) {
    let cancel = CancelToken::new();
    let mut lookups = JoinSet::new();
    for _ in 0..LOOKUPS {
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        let deadline = if end == End::Deadline { Duration::from_millis(500) } else { Duration::MAX };
        let budget = Budget::default().with_deadline(deadline);
        lookups.spawn(async move { resolver.look_up(HEALTHY, &budget, &cancel).await });
    }
    if end != End::Deadline {
        until("every program has started another one", || sleeping() == 2 * LOOKUPS).await;
        if end == End::Cancel { cancel.cancel() } else { lookups.abort_all() }
    }
    while let Some(lookup) = lookups.join_next().await {
        let Ok(lookup) = lookup else { continue };
        let waiting = match (lookup.result, end) {
            (Err(Error::Cancelled { waiting_for: Some(waiting) }), End::Cancel) => waiting,
            (Err(Error::Timeout { waiting_for: Some(waiting), .. }), End::Deadline) => waiting,
            other => panic!("{other:?}"),
        };
        assert_eq!(waiting.step, Step::Process);
    }
    no_lookup_is_left(resolver, "programs").await;
    until("no program is left", || sleeping() == 0 && children() == 0).await;
    before.is_reached_again("programs").await;
}

/// Processes that were started for this test, dead ones not counted: those have no command line any more.
fn sleeping() -> usize {
    let is_ours = |line: &Vec<u8>| line.split(|byte| *byte == 0).any(|argument| argument == SLEEP.as_bytes());
    processes().filter_map(|process| fs::read(process.join("cmdline")).ok()).filter(is_ours).count()
}

/// Children of this process, dead ones too.
fn children() -> usize {
    let own = format!("PPid:\t{}", std::process::id());
    let is_own = |status: &String| status.lines().any(|line| line == own);
    processes().filter_map(|process| fs::read_to_string(process.join("status")).ok()).filter(is_own).count()
}

fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path())
}
