//! What this process had of memory at most. On Linux; elsewhere nobody knows.

use std::fs;

use tokio::sync::Mutex;

/// Two tests that measure would set each other's beginning.
static MEASURING: Mutex<()> = Mutex::const_new(());

/// By how many bytes this process was larger, at some moment of some work, than at its beginning. `None` where the
/// operating system does not tell.
///
/// The tests beside this one are counted too, and the compiler of their components: what is looked for has to be larger
/// than those, some hundred MB.
pub(crate) async fn growth_during(work: impl Future<Output = ()>) -> Option<u64> {
    let _alone = MEASURING.lock().await;
    // This sets the most to what it is now.
    let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = most();
    work.await;
    if reset { Some(most()?.saturating_sub(before?)) } else { None }
}

fn most() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kibibytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
