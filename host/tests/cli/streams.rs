//! Standard streams that are no pipes.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

use keyward_testbed::{DEFAULT_ACCOUNT, FakeAws, private_password};

use crate::harness::{Call, PRIVATE};

fn password(fake: &FakeAws) -> Call {
    Call::keyward(&["get", PRIVATE, "--format", "password"]).against(fake)
}

/// Nobody has to read a file for the command to go on.
#[test]
fn a_file_and_the_null_device_are_outputs_too() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"before\n").unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    let outcome = password(&fake).start_with_output(file).finish();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    let expected = format!("before\n{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);

    let null = File::options().write(true).open("/dev/null").unwrap();
    let outcome = password(&fake).start_with_output(null).finish();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    assert_eq!(fake.counters().tokens, 2);
}

#[test]
fn a_credential_that_cannot_be_written_is_no_success() {
    let fake = FakeAws::start();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let outcome = password(&fake).start_with_output(full()).finish();
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.errors.starts_with("error: the standard streams failed: "), "{outcome:?}");
    let outcome = Call::helper(&["get"]).input(PRIVATE).against(&fake).start_with_output(full()).finish();
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.errors.starts_with("error: the standard streams failed: "), "{outcome:?}");
    assert_eq!(fake.counters().tokens, 2);
    for arguments in [&["completions", "bash"][..], &["man"], &["version"]] {
        let outcome = Call::keyward(arguments).start_with_output(full()).finish();
        assert_eq!(outcome.status, 1, "{arguments:?}: {outcome:?}");
        assert!(outcome.errors.starts_with("error: the standard streams failed: "), "{arguments:?}: {outcome:?}");
    }
}

#[test]
fn a_closed_standard_input_and_error_are_no_failures() {
    let fake = FakeAws::start();
    let expected = format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    for script in [r#"exec "$@" <&-"#, r#"exec "$@" 2>&-"#, r#"exec "$@" <&- 2>&-"#] {
        let outcome = password(&fake).by_shell(script).start().finish();
        assert_eq!((outcome.status, outcome.output.as_str()), (0, expected.as_str()), "{script}: {outcome:?}");
    }
    // A helper has its question there.
    let outcome = Call::helper(&["get"]).against(&fake).by_shell(r#"exec "$@" <&-"#).start().finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (1, "no credentials server URL\n"), "{outcome:?}");
    let outcome = Call::keyward(&["get", "docker.io"]).by_shell(r#"exec "$@" 2>&-"#).start().finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (3, ""), "{outcome:?}");
}
