//! The clock of an engine's epoch: one thread, which runs only while lookups do.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How long one epoch is. A computing guest is asked this often whether its time is over, and lets others run.
const TICK: Duration = Duration::from_millis(1);

/// Starts and stops the thread that counts an engine's epochs.
pub(crate) struct Ticker {
    engine: EngineWeak,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    lookups: usize,
    thread_runs: bool,
}

/// Keeps the epochs counted until it is dropped.
pub(crate) struct Ticking(Arc<Mutex<State>>);

impl Ticker {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { engine: engine.weak(), state: Arc::default() }
    }

    /// Counts epochs from now on. An idle resolver has no thread and wakes nobody up.
    pub(crate) fn start(&self) -> io::Result<Ticking> {
        let mut state = lock(&self.state);
        if !state.thread_runs {
            let (engine, shared) = (self.engine.clone(), self.state.clone());
            thread::Builder::new().name("keyward-epoch".to_owned()).spawn(move || tick(&engine, &shared))?;
            state.thread_runs = true;
        }
        state.lookups += 1;
        drop(state);
        Ok(Ticking(self.state.clone()))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        lock(&self.0).lookups -= 1;
    }
}

fn tick(engine: &EngineWeak, state: &Mutex<State>) {
    loop {
        thread::sleep(TICK);
        let engine = engine.upgrade();
        let mut state = lock(state);
        let Some(engine) = engine.filter(|_| state.lookups > 0) else {
            // Under the lock, so that a lookup that begins now starts another thread.
            state.thread_runs = false;
            return;
        };
        drop(state);
        engine.increment_epoch();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it holds the lock.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_ends_with_the_last_lookup_and_starts_again_with_the_next() {
        let engine = Engine::new(&super::super::configuration::configuration()).unwrap();
        let ticker = Ticker::new(&engine);
        for _ in 0..3 {
            let (one, other) = (ticker.start().unwrap(), ticker.start().unwrap());
            assert!(lock(&ticker.state).thread_runs);
            drop(one);
            assert_eq!(lock(&ticker.state).lookups, 1);
            drop(other);
            while lock(&ticker.state).thread_runs {
                thread::yield_now();
            }
        }
    }
}
