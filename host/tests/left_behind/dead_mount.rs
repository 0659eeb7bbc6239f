//! Files on a mount that does not answer, as that of a file server that is gone: nothing can cancel the call of the operating system
//! that waits for it. It has one thread, however many lookups ask for the file, and no lookup waits longer than it may.
//!
//! The mount is made in a mount namespace of a process of its own, so that nobody else meets it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    ReplyAttr, ReplyData, ReplyEntry, ReplyOpen, Request,
};
use keyward::{Budget, CancelToken, Config, Error, Resolver, Step};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tokio::task::JoinSet;

use crate::held::{Held, image_is_made, no_lookup_is_left, until};
use crate::matrix::End;
use crate::stuck::HEALTHY;

/// Set in the process that has the mount.
pub(crate) const INSIDE: &str = "KEYWARD_TEST_DEAD_MOUNT";

const LOOKUPS: usize = 50;

/// Runs the test in a process of its own.
pub(crate) fn run() {
    let program = std::env::current_exe().unwrap();
    let status = Command::new("unshare").arg("--mount").arg(program).env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "the test of a dead mount needs root and /dev/fuse: {status} {:?}", status.signal());
}

/// What happens in that process.
pub(crate) async fn inside() {
    // With programs allowed, the host reads the files too, before the component does.
    for may_start_programs in [false, true] {
        lookups(may_start_programs, Silent::FromTheStart).await;
    }
    // Of what the kernel remembers, a path leads to a file at once; and to open it waits for the server all the same.
    lookups(false, Silent::OnceFilesAreFound).await;
}

async fn lookups(may_start_programs: bool, silent: Silent) {
    let folder = tempfile::tempdir().unwrap();
    let (alive, dead) = mpsc::channel();
    let mount =
        fuser::spawn_mount(Dead { silent, alive: Mutex::new(dead) }, folder.path(), &fuser::Config::default()).unwrap();
    let fake = FakeAws::start();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = Config::new()
        .without_cache()
        .with_variable("AWS_EC2_METADATA_DISABLED", "true")
        .with_variable("AWS_CONFIG_FILE", &path("config"))
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", &path("credentials"))
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_connect_to("api.ecr.us-east-1.amazonaws.com", fake.address())
        .with_credential_process(may_start_programs);
    if silent == Silent::OnceFilesAreFound {
        for name in ["config", "credentials"] {
            fs::metadata(path(name)).unwrap();
        }
    }
    let resolver = Resolver::new(&config).unwrap();
    // With programs allowed, a lookup is stuck before it has a component.
    if !may_start_programs {
        image_is_made(&resolver, HEALTHY).await;
    }
    let before = Held::at_rest().await;
    for end in [End::Cancel, End::Deadline, End::Drop] {
        stuck(&resolver, folder.path(), end, before).await;
    }
    // The mount answers again: the thread ends, and so does the trouble.
    drop(alive);
    before.is_reached_again("a dead mount that answers again").await;
    resolver.resolve(HEALTHY).await.unwrap();
    drop(mount);
    println!("a dead mount: one thread for {} lookups, and none when it answers again", 3 * LOOKUPS);
}

async fn stuck(resolver: &Resolver, folder: &Path, end: End, before: Held) {
    let cancel = CancelToken::new();
    let mut lookups = JoinSet::new();
    for _ in 0..LOOKUPS {
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        let deadline = if end == End::Deadline { Duration::from_millis(500) } else { Duration::MAX };
        let budget = Budget::default().with_deadline(deadline);
        lookups.spawn(async move { resolver.look_up(HEALTHY, &budget, &cancel).await });
    }
    if end != End::Deadline {
        until("every lookup is under way", || resolver.live().lookups == LOOKUPS).await;
        // Nobody can see how many of them wait for the one thread. By now all do.
        tokio::time::sleep(Duration::from_secs(1)).await;
        if end == End::Cancel { cancel.cancel() } else { lookups.abort_all() }
    }
    while let Some(lookup) = lookups.join_next().await {
        let Ok(lookup) = lookup else { continue };
        let waiting = match (lookup.result, end) {
            (Err(Error::Cancelled { waiting_for: Some(waiting) }), End::Cancel) => waiting,
            (Err(Error::Timeout { waiting_for: Some(waiting), .. }), End::Deadline) => waiting,
            other => panic!("{other:?}"),
        };
        assert_eq!(waiting.step, Step::File);
        assert!(Path::new(&waiting.destination).starts_with(folder), "{waiting:?}");
    }
    no_lookup_is_left(resolver, "a dead mount").await;
    before.with_one_thread().is_reached_again("lookups on a dead mount").await;
}

/// Two files, of which nothing is said before the other end of this channel is dropped.
struct Dead {
    silent: Silent,
    alive: Mutex<Receiver<()>>,
}

/// Since when the mount is dead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silent {
    FromTheStart,
    OnceFilesAreFound,
}

impl Dead {
    fn wait_in(&self, silent: Silent) {
        if self.silent == silent {
            let _ = self.alive.lock().unwrap_or_else(PoisonError::into_inner).recv();
        }
    }

    /// For how long the kernel remembers what it was told.
    fn memory(&self) -> Duration {
        match self.silent {
            Silent::FromTheStart => Duration::ZERO,
            Silent::OnceFilesAreFound => Duration::from_secs(3600),
        }
    }

    fn file(&self, inode: u64) -> (FileAttr, String) {
        let keys =
            format!("[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
        let (kind, content) = match inode {
            1 => (FileType::Directory, String::new()),
            2 => (FileType::RegularFile, "[default]\n".to_owned()),
            _ => (FileType::RegularFile, keys),
        };
        let attributes = FileAttr {
            ino: INodeNo(inode),
            size: content.len() as u64,
            blocks: 1,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: 0o755,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 512,
            flags: 0,
        };
        (attributes, content)
    }
}

impl Filesystem for Dead {
    fn lookup(&self, _request: &Request, _parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.wait_in(Silent::FromTheStart);
        match name.to_str() {
            Some("config") => reply.entry(&self.memory(), &self.file(2).0, Generation(0)),
            Some("credentials") => reply.entry(&self.memory(), &self.file(3).0, Generation(0)),
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _request: &Request, inode: INodeNo, _handle: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&self.memory(), &self.file(inode.0).0);
    }

    fn open(&self, _request: &Request, _inode: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        self.wait_in(Silent::OnceFilesAreFound);
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _request: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        _size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let content = self.file(inode.0).1;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        reply.data(&content.as_bytes()[offset..]);
    }
}
