//! After a deadline, a cancel or a dropped future, nothing of a lookup is left: no task, thread, descriptor, connection, place in
//! the pool or memory, and nobody else has waited. Every fault of a network × every way to end a lookup; then thousands of
//! lookups of all kinds, one after the other and side by side.
//!
//! A program of its own, without the test harness: whatever else ran in the process would be counted too.
//! `KEYWARD_SOAK=100000 cargo test --release -p keyward --test left_behind` is the longer run.

#[cfg(target_os = "linux")]
mod dead_mount;
mod half_made;
mod held;
mod joined;
mod matrix;
#[cfg(target_os = "linux")]
mod process;
mod soak;
mod stuck;

use tokio::runtime::Builder;

fn main() {
    let lookups = std::env::var("KEYWARD_SOAK").map_or(20_000, |text| text.parse().expect("KEYWARD_SOAK is a number"));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    #[cfg(target_os = "linux")]
    {
        if std::env::var_os(dead_mount::INSIDE).is_some() {
            return runtime.block_on(dead_mount::inside());
        }
        dead_mount::run();
    }
    Builder::new_current_thread().enable_all().build().unwrap().block_on(joined::run());
    runtime.block_on(async {
        matrix::run().await;
        half_made::run().await;
        #[cfg(target_os = "linux")]
        process::run().await;
        soak::run(lookups).await;
    });
    println!("nothing is left behind: ok");
}
