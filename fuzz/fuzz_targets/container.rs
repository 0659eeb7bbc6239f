//! The answers of a container's endpoint, of ECS or EKS Pod Identity.

#![no_main]

use keyward_ecr::context::Context;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answers: &[u8]| {
    let world = FuzzWorld::new().variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    world.answers(answers).look_up(&Context::default());
});
