//! A system's trusted certificates: nearly all in one file, and some in others beside it. For Linux, as root.

use std::fs;
use std::path::Path;
use std::process::Command;

use keyward_testbed::{ACCESS_KEY_ID, Authority, FakeAws, SECRET_ACCESS_KEY};

use crate::harness::{Call, Outcome, PRIVATE};
use crate::running::wrapped;

/// Binds its first argument over the folder of trusted certificates, for itself only, and becomes the others.
const WITH_CERTIFICATES: &str = r#"mount --bind "$1" /etc/ssl/certs || exit; shift; exec "$@""#;

/// On a system whose certificates are these.
fn get(fake: &FakeAws, certificates: &Path) -> Outcome {
    let call = Call::keyward(&["get", PRIVATE, "--format", "password"])
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .variable("AWS_ENDPOINT_URL", fake.url());
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-c", WITH_CERTIFICATES, "sh"]).arg(certificates);
    let command = wrapped(unshare, &call.command);
    Call { command, ..call }.run()
}

/// Somebody has put it there, and has not had the bundle made again.
#[test]
fn a_certificate_that_is_only_beside_the_bundle_is_trusted_too_and_costs_one_more_connection() {
    let (fake, folder) = (FakeAws::start(), tempfile::tempdir().unwrap());
    let own = fake.authority().ca_pem();
    let path = |name: &str| folder.path().join(name);

    fs::write(path("ca-certificates.crt"), Authority::new().ca_pem()).unwrap();
    let outcome = get(&fake, folder.path());
    assert!(outcome.status != 0 && outcome.errors.contains("an authority that is not known"), "{outcome:?}");
    assert_eq!(fake.connections_accepted(), 1, "there was nothing else to be trusted");

    fs::write(path("own.pem"), own).unwrap();
    let outcome = get(&fake, folder.path());
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!((fake.connections_accepted(), fake.requests().len()), (3, 1));

    fs::write(path("ca-certificates.crt"), own).unwrap();
    let outcome = get(&fake, folder.path());
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!((fake.connections_accepted(), fake.requests().len()), (4, 2));
}
