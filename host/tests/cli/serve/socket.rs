//! The socket of the daemon: who may reach it, and whose it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use keyward_testbed::FakeAws;

use super::{Daemon, is_there};
use crate::harness::{Call, Outcome};

/// What comes of a daemon that finds something at its path.
fn serve(socket: &Path) -> Outcome {
    Call::keyward(&["serve", "--socket"]).argument(socket).run()
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

#[test]
fn the_socket_and_its_folder_are_the_users_alone_and_the_socket_is_gone_afterwards() {
    let fake = FakeAws::start();
    // Whoever gives others what he makes does not give them this.
    let call = Call::keyward(&["serve"]).against(&fake).by_shell(r#"umask 0; exec "$@""#);
    let daemon = Daemon::start_call(call, &[]);
    let (socket, folder) = (daemon.socket.clone(), daemon.socket.parent().unwrap().to_owned());
    assert_eq!((mode(&socket), mode(&folder)), (0o600, 0o700));
    assert_eq!(mode(&folder.join("keyward.sock.lock")), 0o600);
    let Daemon { running, _folder, .. } = daemon;
    running.signal(rustix::process::Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.errors.as_str()), (0, "", ""));
    assert!(!is_there(&socket) && is_there(&folder));
}

#[test]
fn there_is_one_daemon_at_a_time_and_a_dead_ones_socket_is_replaced() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    let outcome = serve(&daemon.socket);
    assert_eq!((outcome.status, outcome.output.as_str()), (1, ""));
    let said = format!("error: a daemon listens at {} already: ask that one, or end it\n", daemon.socket.display());
    assert_eq!(outcome.errors, said);
    assert!(daemon.answers(), "the one that was there is still there");

    // Killed, it leaves its socket.
    let Daemon { running, socket, _folder } = daemon;
    running.signal(rustix::process::Signal::KILL);
    drop(running);
    assert!(is_there(&socket));
    let call = Call::keyward(&["serve", "--socket"]).argument(&socket).against(&fake);
    let running = call.start();
    let next = Daemon { running, socket, _folder };
    crate::running::until("the next one answers", || next.answers());
    assert_eq!(next.end().status, 0);
}

#[test]
fn what_is_somebody_elses_stays() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("keyward.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let outcome = serve(&socket);
    assert!(outcome.status == 1 && outcome.errors.contains("listens at"), "{outcome:?}");
    assert!(is_there(&socket));
    drop(listener);
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "notes").unwrap();
    let outcome = serve(&socket);
    assert!(outcome.status == 1 && outcome.errors.contains("is there and is no socket"), "{outcome:?}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "notes");

    // What was put in the place of its own is not its own.
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    let socket = daemon.socket.clone();
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "notes").unwrap();
    let Daemon { running, _folder, .. } = daemon;
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.finish().status, 0);
    assert_eq!(fs::read_to_string(&socket).unwrap(), "notes");
}

#[test]
fn a_folder_that_others_may_write_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o1777, 0o770] {
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let outcome = serve(&folder.path().join("keyward.sock"));
        assert_eq!(outcome.status, 1, "{outcome:?}");
        assert!(outcome.errors.contains(&format!("mode {mode:o}), so others could put")), "{outcome:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let outcome = serve(&folder.path().join("a/b/keyward.sock"));
    assert!(outcome.status == 1 && outcome.errors.contains("cannot be used"), "{outcome:?}");
}
