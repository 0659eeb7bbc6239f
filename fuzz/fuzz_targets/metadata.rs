//! The answers of an instance's metadata service: its token, the name of its role, and the role's credentials.

#![no_main]

use keyward_ecr::context::Context;
use keyward_fuzz::FuzzWorld;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answers: &[u8]| FuzzWorld::new().answers(answers).look_up(&Context::default()));
