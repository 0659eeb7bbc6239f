//! What a `credential_process` has printed.

#![no_main]

use keyward_ecr::context::Context;
use keyward_ecr::secret::Secret;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|printed: &str| {
    let world = FuzzWorld::new().file("/h/.aws/config", b"[default]\ncredential_process = p\naws_account_id = 1\n");
    let context = Context { process_credentials: Some(Secret::new(printed.to_owned())), ..Context::default() };
    world.look_up(&context);
});
