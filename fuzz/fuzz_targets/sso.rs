//! The token file of IAM Identity Center, and the answers of its portal and of what renews the token.

#![no_main]

use keyward_ecr::context::Context;
use keyward_ecr::token_cache;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
                      [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://s.test\n";

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (token, answers) = input.split_at(end);
    let path = token_cache::sso_file("s").replace('~', "/h");
    let world = FuzzWorld::new().file("/h/.aws/config", CONFIG.as_bytes()).file(&path, token);
    world.answers(answers.get(1..).unwrap_or_default()).look_up(&Context::default());
});
