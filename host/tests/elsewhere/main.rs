//! The component in hosts that are not ours: the engine with nothing but the standard WASI and `wasi:http`, and jco, which makes JavaScript of it,
//! on Node. No file of this library serves it there, and its bytes are those that are released. Every case is run in both.
//!
//! jco is installed by `scripts/setup-jco`; a test fails where it is missing.

mod cases;
mod host;
mod jco;
mod plain;

use std::fs;
use std::path::Path;

/// Every case, in every host.
macro_rules! every_host {
    ($($case:ident)*) => {
        mod under_jco {
            $(#[test]
            fn $case() {
                crate::cases::$case(&crate::jco::Jco::default());
            })*
        }

        mod under_plain_wasmtime {
            $(#[test]
            fn $case() {
                crate::cases::$case(&crate::plain::Plain);
            })*
        }
    };
}

every_host! {
    a_denied_answer_is_denied_and_has_the_code_of_aws
    a_file_that_no_folder_was_granted_for_does_not_exist
    a_lookup_that_a_server_holds_up_ends_when_its_host_drops_it_and_its_connection_with_it
    a_server_that_is_not_there_is_unavailable
    an_address_of_somebody_else_is_not_our_registry_and_nobody_is_asked
    an_answer_that_takes_longer_than_a_connection_may_is_waited_for
    an_answer_without_end_is_ended_by_the_component_itself
    every_source_of_credentials_makes_the_requests_that_it_takes_and_no_other
    fewer_calls_are_asked_for
    instance_metadata_that_is_silent_is_waited_for_a_moment_and_no_longer
    the_credential_is_what_aws_gave_for_one_request_that_is_signed
    what_the_request_says_counts
    without_credentials_every_source_is_listed
}

#[test]
fn the_component_is_the_one_that_is_published() {
    // As `cargo run -p keyward-component` builds it, of which scripts/release-component publishes the file.
    let target_folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is a folder of the target folder");
    let published = keyward_component::build(&target_folder.join("guest")).unwrap_or_else(|error| panic!("{error}"));
    let here = fs::read(env!("KEYWARD_COMPONENT")).expect("the build script has written it");
    assert!(here == fs::read(published).expect("it was built"), "it is another component");
}
