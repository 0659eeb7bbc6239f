//! The answers of STS, to the bearer of a token and to somebody with keys.

#![no_main]

use keyward_ecr::context::Context;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

const ROLE: &str = "arn:aws:iam::123456789012:role/r";

fuzz_target!(|answers: &[u8]| {
    let world = FuzzWorld::new().variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/t").variable("AWS_ROLE_ARN", ROLE);
    world.file("/t", b"token").answers(answers).look_up(&Context::default());
    let world = FuzzWorld::new().variable("AWS_ACCESS_KEY_ID", "id").variable("AWS_SECRET_ACCESS_KEY", "secret");
    let context = Context { role_arn: Some(ROLE.to_owned()), ..Context::default() };
    world.answers(answers).look_up(&context);
});
