//! Small files that the operating system has in memory.
//!
//! A file of the home may be on a network mount that is dead, and then nothing ends the call that touches it: a thread has to make it,
//! which costs more than to read the file. Nearly always nobody has to be waited for, and that can be found out without waiting. So
//! whoever wants a file asks here first, and begins a thread where there is no answer.
//!
//! A public module for the command of this package alone, which reads files of its own.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

/// The content of a regular file, or that there is none; `None` where that cannot be told without waiting, where the file is too large
/// to be copied at once, and where anything else is wrong with it.
pub fn read(path: &Path) -> Option<io::Result<Zeroizing<Vec<u8>>>> {
    #[cfg(target_os = "linux")]
    return linux::read(path);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::path::Path;

    use rustix::fs::{
        AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags, fstat, openat, openat2, statx,
    };
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    use zeroize::Zeroizing;

    /// Of a larger file, a thread costs little in comparison, and a task that copies it holds up the others.
    const MAX_BYTES: usize = 64 * 1024;

    pub(super) fn read(path: &Path) -> Option<io::Result<Zeroizing<Vec<u8>>>> {
        let found = match find(path) {
            Ok(found) => found,
            // Remembered as missing: on a network, for as long as its file system takes that for the answer.
            Err(error @ Errno::NOENT) => return Some(Err(error.into())),
            // Not remembered, or this kernel is older than 5.12, or its calls are filtered.
            Err(_) => return None,
        };
        let file = is_local(&found).then(|| open(&found))??;
        let size = usize::try_from(fstat(&file).ok()?.st_size).ok().filter(|size| *size <= MAX_BYTES)?;
        // One byte more than there should be shows a file that grows.
        let mut content = Zeroizing::new(vec![0; size + 1]);
        let mut length = 0;
        while length <= size {
            let rest = &mut [IoSliceMut::new(&mut content[length..])];
            // What is not in memory is not waited for.
            match preadv2(&file, rest, length as u64, ReadWriteFlags::NOWAIT) {
                Ok(0) => {
                    content.truncate(length);
                    return Some(Ok(content));
                }
                Ok(bytes) => length += bytes,
                Err(_) => return None,
            }
        }
        None
    }

    /// Where a path leads to, by the names that the kernel remembers. Where one of them has to be looked for, or a file system wants to
    /// ask whether it is still right, that is an error: under this flag, no name is looked up but without sleeping (as `LOOKUP_RCU`).
    ///
    /// The path is not opened, which is what FUSE and NFS ask their servers about even where the name is remembered.
    fn find(path: &Path) -> Result<OwnedFd, Errno> {
        openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::CACHED)
    }

    /// Whether a file is a regular one on a file system that has no server to ask.
    ///
    /// No call says so much of a file system without asking it. But those on disks and in memory know whether a file is to be left out
    /// of dumps (ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, and overlayfs where it is on one of them), which none over a network and none in a
    /// program knows; and of these flags, the kernel tells which it knows. Asked for the kind alone, and not to synchronise, they do not
    /// ask their servers. Those of clusters (GFS2, OCFS2) know it too, and want to be asked about each name: nothing is found on them.
    fn is_local(found: &OwnedFd) -> bool {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        statx(found, c"", flags, StatxFlags::TYPE).is_ok_and(|known| {
            FileType::from_raw_mode(known.stx_mode.into()) == FileType::RegularFile
                && known.stx_attributes_mask.contains(StatxAttributes::NODUMP)
        })
    }

    /// Opens what was found, and nothing that may be at its path by now.
    fn open(found: &OwnedFd) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        openat(CWD, format!("/proc/self/fd/{}", found.as_raw_fd()), flags, Mode::empty()).ok()
    }

    #[cfg(test)]
    mod tests {
        use std::fs::{self, File};
        use std::os::unix::fs::symlink;
        use std::process::Command;

        use super::*;

        type Known = Option<Result<Vec<u8>, io::ErrorKind>>;

        /// What is known in the end. For a moment the kernel may not tell: while others rename files anywhere, and while a link is so
        /// new that whoever follows it has to write down when.
        fn content_in_the_end(path: &Path) -> Known {
            (0..1000).find_map(|_| {
                let _ = fs::metadata(path);
                std::thread::sleep(std::time::Duration::from_millis(1));
                content(path)
            })
        }

        fn content(path: &Path) -> Known {
            read(path).map(|known| known.map(|content| content.to_vec()).map_err(|error| error.kind()))
        }

        /// This holds for every local file system that these tests have been run on. Without it, every file would have a thread again, and
        /// nobody would see.
        #[test]
        fn a_file_that_was_just_written_or_looked_for_is_read_at_once_and_through_links() {
            let folder = tempfile::tempdir().unwrap();
            let (file, link, missing) =
                (folder.path().join("file"), folder.path().join("link"), folder.path().join("no"));
            for text in [&b"text"[..], b"", &[b'x'; MAX_BYTES]] {
                fs::write(&file, text).unwrap();
                assert_eq!(content_in_the_end(&file), Some(Ok(text.to_vec())));
            }
            symlink(&file, &link).unwrap();
            assert_eq!(content_in_the_end(&link).unwrap().unwrap().len(), MAX_BYTES);
            assert_eq!(content_in_the_end(&missing), Some(Err(io::ErrorKind::NotFound)));
        }

        #[test]
        fn what_is_too_large_or_no_regular_file_is_left_to_a_thread_and_is_not_opened() {
            let folder = tempfile::tempdir().unwrap();
            let (large, pipe) = (folder.path().join("large"), folder.path().join("pipe"));
            fs::write(&large, [b'x'; MAX_BYTES + 1]).unwrap();
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            for path in [&large, &pipe, folder.path(), Path::new("/dev/null"), Path::new("/proc/self/status")] {
                assert_eq!(content(path), None, "{}", path.display());
            }
        }

        /// The memory of a disk is emptied of one file alone, by whoever may write it.
        #[test]
        fn what_is_not_in_memory_is_left_to_a_thread() {
            // Not in a folder for temporary files, which may have no disk.
            let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "text").unwrap();
            let file = File::open(&path).unwrap();
            file.sync_all().unwrap();
            // What the kernel is about to put into a list, it keeps.
            let is_left = (0..1000).any(|_| {
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
                content(&path).is_none() && find(&path).is_ok()
            });
            assert!(is_left);
            assert_eq!(fs::read(&path).unwrap(), b"text");
            assert_eq!(content_in_the_end(&path), Some(Ok(b"text".to_vec())));
        }
    }
}
