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
        let _file = std::fs::File::open("/dev/null").unwrap();
        assert!(Footprint::now().descriptors.unwrap() > before);
    }
}
