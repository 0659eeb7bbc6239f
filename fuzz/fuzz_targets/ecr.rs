//! The answers of ECR, of both kinds, and its errors.

#![no_main]

use keyward_ecr::context::Context;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answers: &[u8]| {
    let world = FuzzWorld::new().variable("AWS_ACCESS_KEY_ID", "id").variable("AWS_SECRET_ACCESS_KEY", "secret");
    world.answers(answers).look_up(&Context::default());
});
