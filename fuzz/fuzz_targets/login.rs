//! The file of `aws login`.

#![no_main]

use keyward_ecr::context::Context;
use keyward_ecr::token_cache;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

const SESSION: &str = "arn:aws:iam::123456789012:user/u";

fuzz_target!(|token: &[u8]| {
    let config = format!("[default]\nlogin_session = {SESSION}\n");
    let path = token_cache::login_file(None, SESSION).replace('~', "/h");
    let world = FuzzWorld::new().file("/h/.aws/config", config.as_bytes()).file(&path, token);
    world.look_up(&Context::default());
});
