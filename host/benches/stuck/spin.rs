//! Lookups that compute for ever, beside those that are stuck.

use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Config, Resolver};
use tokio::task::JoinSet;

/// The ticks in a second of the time that the kernel counts for a process.
const TICKS: f64 = 100.0;

#[cfg(feature = "compile")]
pub(crate) const KIND: &str = "a guest that never ends";
#[cfg(not(feature = "compile"))]
pub(crate) const KIND: &str = "reading a large file again and again (--features compile: a guest that never ends)";

/// Lookups that compute until they are stopped.
pub(crate) struct Spinning {
    cancel: CancelToken,
    lookups: JoinSet<Instant>,
    begin: (Instant, f64),
}

impl Spinning {
    pub(crate) fn start(count: usize) -> Self {
        let cancel = CancelToken::new();
        let mut lookups = JoinSet::new();
        if count > 0 {
            let target = Target::new();
            for _ in 0..count {
                lookups.spawn(spin(target.resolver.clone(), target.registry, cancel.clone(), target.keep.clone()));
            }
        }
        Self { cancel, lookups, begin: (Instant::now(), processor_seconds()) }
    }

    /// Cancels them: how long it took until the last was gone.
    pub(crate) async fn stop(mut self) -> Option<Duration> {
        let (began, seconds) = self.begin;
        let share = (processor_seconds() - seconds) / began.elapsed().as_secs_f64();
        // Their fuel does not tell: a loop that is cancelled has not yet written down what it used.
        assert!(self.lookups.is_empty() || share > 0.5, "nothing spins: {share:.2} of a processor was used");
        let begin = Instant::now();
        self.cancel.cancel();
        let mut last = None;
        while let Some(ended) = self.lookups.join_next().await {
            let end = ended.expect("a lookup does not panic");
            last = last.max(Some(end.saturating_duration_since(begin)));
        }
        last
    }
}

/// Again and again, since a file has an end.
async fn spin(resolver: Resolver, registry: &str, cancel: CancelToken, _keep: Keep) -> Instant {
    let budget = Budget::default().with_fuel(u64::MAX).with_memory(1 << 30).with_deadline(Duration::MAX);
    while !cancel.is_cancelled() {
        let lookup = resolver.look_up(registry, &budget, &cancel).await;
        assert!(lookup.result.is_err(), "what computes for ever has found something: {lookup:?}");
    }
    Instant::now()
}

/// What this process has had of the processors.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("only Linux tells");
    // The program's name is before, and may have spaces in it.
    let after = stat.rsplit(')').next().expect("there is one");
    let ticks = after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / TICKS
}

/// What is looked up, and what it needs for as long as it is.
struct Target {
    resolver: Resolver,
    registry: &'static str,
    keep: Keep,
}

#[cfg(feature = "compile")]
type Keep = ();

#[cfg(not(feature = "compile"))]
type Keep = std::sync::Arc<tempfile::NamedTempFile>;

impl Target {
    /// The hostile guest, built where the build script of this package builds the real one.
    #[cfg(feature = "compile")]
    fn new() -> Self {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_keyward"));
        let target_folder = program.ancestors().nth(2).expect("TARGET/PROFILE/keyward");
        let component = keyward_component::build_guest("keyward-evil", &target_folder.join("guest"))
            .unwrap_or_else(|error| panic!("{error}"));
        let resolver = Resolver::new(&Config::new().without_cache().with_component(component)).expect("a component");
        Self { resolver, registry: "spin", keep: () }
    }

    /// As much work as a file can make.
    #[cfg(not(feature = "compile"))]
    fn new() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary folder");
        std::fs::write(file.path(), "[a]\nb=c\n".repeat(100_000)).expect("a temporary file");
        let path = file.path().to_str().expect("a path of this program's own");
        let config = Config::new()
            .without_cache()
            .with_variable("AWS_SHARED_CREDENTIALS_FILE", path)
            .with_variable("AWS_EC2_METADATA_DISABLED", "true");
        let resolver = Resolver::new(&config).expect("the component that is built in");
        Self { resolver, registry: crate::bed::HEALTHY, keep: std::sync::Arc::new(file) }
    }
}
