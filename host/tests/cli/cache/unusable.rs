//! What the cache does not use, and where there is none.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use super::{Home, assert_found, names};
#[cfg(target_os = "linux")]
use crate::harness::Call;
use crate::harness::PRIVATE;

#[test]
fn an_entry_that_others_could_have_touched_or_that_is_damaged_is_ignored_with_a_reason_and_replaced() {
    let home = Home::new();
    home.assert_found();
    let entry = home.entry();
    let good = fs::read(&entry).unwrap();
    type Spoil<'a> = &'a dyn Fn();
    let elsewhere = home.folder.path().join("elsewhere");
    let spoil: [(&str, Spoil<'_>); 6] = [
        ("its content is damaged", &|| fs::write(&entry, &good[..good.len() / 2]).unwrap()),
        ("its content is damaged", &|| fs::write(&entry, b"").unwrap()),
        ("it is larger than any", &|| fs::write(&entry, vec![b' '; 64 * 1024 + 1]).unwrap()),
        ("other users may use it (its mode is 0644)", &|| {
            fs::set_permissions(&entry, fs::Permissions::from_mode(0o644)).unwrap();
        }),
        ("it is a symbolic link", &|| {
            fs::rename(&entry, &elsewhere).unwrap();
            symlink(&elsewhere, &entry).unwrap();
        }),
        ("it is not a regular file", &|| {
            fs::remove_file(&entry).unwrap();
            assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&entry).status().unwrap().success());
        }),
    ];
    for (count, (reason, spoil)) in spoil.into_iter().enumerate() {
        spoil();
        let outcome = home.get();
        assert_eq!(outcome.status, 0, "{outcome:?}");
        let note = format!("note: {} is not used: {reason}", entry.display());
        assert!(outcome.errors.starts_with(&note) && outcome.errors.lines().count() == 1, "{outcome:?}");
        assert_eq!(home.tokens(), count + 2);
        // The new one is as it should be.
        home.assert_found();
        assert_eq!(home.tokens(), count + 2, "{reason}");
    }
}

#[test]
fn what_belongs_to_another_user_is_ignored_with_a_reason() {
    if !is_root() {
        eprintln!("not run: to give files to another user takes root");
        return;
    }
    let home = Home::new();
    home.assert_found();
    for (tokens, path) in [(2, home.entry()), (3, home.cache())] {
        chown(&path, Some(12_345), None).unwrap();
        let outcome = home.get();
        let note = format!("note: {} is not used: it belongs to another user (id 12345): remove it\n", path.display());
        assert_eq!((outcome.status, outcome.errors), (0, note));
        assert_eq!(home.tokens(), tokens);
    }
    // Nor is anything written there.
    assert_eq!(home.names().len(), 2);
}

#[test]
fn a_folder_that_is_open_to_others_or_no_folder_is_ignored_with_a_reason() {
    let home = Home::new();
    let cache = home.cache();
    let assert_ignored = |reason: &str| {
        let (outcome, tokens) = (home.get(), home.tokens());
        let note = format!("note: {} is not used: {reason}", cache.display());
        assert!(outcome.status == 0 && outcome.errors.starts_with(&note), "{outcome:?}");
        home.get();
        assert_eq!(home.tokens(), tokens + 1);
    };
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
    assert_ignored("other users may use it (its mode is 0755): take that from them with 'chmod go-rwx'");
    assert_eq!(home.names().len(), 0);
    fs::remove_dir(&cache).unwrap();
    fs::write(&cache, "").unwrap();
    assert_ignored("it is not a folder: remove it");
    fs::remove_file(&cache).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), &cache).unwrap();
    assert_ignored("it is a symbolic link: remove it");
    assert_eq!(names(elsewhere.path()).len(), 0);
}

#[test]
fn without_a_place_for_files_the_command_works_and_says_nothing() {
    let home = Home::new();
    let file = home.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below_a_file = file.join("cache");
    for (count, folder) in
        [below_a_file.as_path(), Path::new("/proc/keyward"), Path::new("/dev/null/keyward")].into_iter().enumerate()
    {
        assert_found(&home.call(&[PRIVATE]).variable("KEYWARD_CACHE_DIR", folder).run());
        assert_eq!(home.tokens(), count + 1, "{}", folder.display());
    }
    for variable in ["HOME", "XDG_CACHE_HOME"] {
        let mut call = home.call(&[PRIVATE]);
        call.command.env_remove("HOME");
        let call = if variable == "HOME" { call } else { call.variable(variable, "relative") };
        assert_found(&call.run());
    }
    assert_eq!((home.tokens(), names(home.folder.path())), (5, vec!["file".to_owned()]));
}

/// To mount takes root, whom permissions do not stop.
#[test]
#[cfg(target_os = "linux")]
fn in_a_home_that_is_read_only_the_command_works_and_says_nothing() {
    let home = Home::new();
    if is_root() {
        let script = r#"mount -t tmpfs -o ro keyward "$HOME" && exec "$@""#;
        let call = home.call(&[PRIVATE]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(call.command.get_program());
        command.args(call.command.get_args()).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(call.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert_found(&Call { command, ..call }.run());
    } else {
        fs::set_permissions(home.folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
        home.assert_found();
    }
    assert_eq!((home.tokens(), names(home.folder.path()).len()), (1, 0));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
