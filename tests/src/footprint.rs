//! What a process holds of the operating system: the one place that is for Linux only.

/// Counts of the calling process. A count is `None` where the operating system does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Open file descriptors.
    pub descriptors: Option<usize>,
    /// Threads.
    pub threads: Option<usize>,
}

impl Footprint {
    /// Counts now.
    pub fn now() -> Self {
        Self { descriptors: entries("/proc/self/fd"), threads: entries("/proc/self/task") }
    }
}

/// How much of the calling process is in memory now, in bytes; `None` where the operating system
/// does not tell. It is not part of [`Footprint`], since it never is exactly what it was before.
pub fn resident_bytes() -> Option<usize> {
    resident_kibibytes().map(|kibibytes| kibibytes * 1024)
}

#[cfg(target_os = "linux")]
fn resident_kibibytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn resident_kibibytes() -> Option<usize> {
    None
}

#[cfg(target_os = "linux")]
fn entries(folder: &str) -> Option<usize> {
    Some(std::fs::read_dir(folder).ok()?.count())
}

#[cfg(not(target_os = "linux"))]
fn entries(_folder: &str) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn an_open_file_is_counted() {
        let before = Footprint::now().descriptors.unwrap();
        // Many, since the tests beside this one open and close some too.
        let _files: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(Footprint::now().descriptors.unwrap() > before);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_written_is_counted() {
        const BYTES: usize = 64 * 1024 * 1024;
        let before = resident_bytes().unwrap();
        let memory = std::hint::black_box(vec![1_u8; BYTES]);
        // Less than all of it, since what other tests give back meanwhile counts too.
        assert!(resident_bytes().unwrap() > before + BYTES / 2);
        drop(std::hint::black_box(memory));
    }
}
