//! The shared files: each of them, both of them, and where the credentials of every profile in them come from.

#![no_main]

use keyward_ecr::context::Context;
use keyward_ecr::profile::{FileKind, Profiles, SectionKind, sub_property};
use keyward_ecr::role_chain::RoleChain;
use keyward_fuzz::{FuzzWorld, parts};
use libfuzzer_sys::fuzz_target;

/// Every profile is looked for in the whole file.
const MOST_PROFILES: usize = 30;

fuzz_target!(|files: &[u8]| {
    let mut parts = parts(files);
    let config = parts.next().unwrap_or_default();
    let credentials = parts.next().unwrap_or(config);
    if let (Ok(config), Ok(credentials)) = (std::str::from_utf8(config), std::str::from_utf8(credentials)) {
        read(config, credentials);
    }
    let world = FuzzWorld::new().file("/h/.aws/config", config).file("/h/.aws/credentials", credentials);
    world.answers(b"\0{}").look_up(&Context::default());
});

fn read(config: &str, credentials: &str) {
    let mut profiles = Profiles::default();
    for (kind, text) in [(FileKind::Config, config), (FileKind::Credentials, credentials)] {
        if let Err(error) = profiles.add(kind, text) {
            assert!((1..=text.lines().count()).contains(&error.line), "{error}");
        }
    }
    for (kind, name) in profiles.names().take(MOST_PROFILES) {
        let properties = profiles.get(kind, name).expect("a section that has a name is there");
        for (property, value) in &properties {
            assert!(!property.is_empty() && !property.contains(['=', '\n']), "{property:?}");
            sub_property(value, "endpoint_url");
        }
        if kind == SectionKind::Profile
            && let Ok(chain) = RoleChain::of(&profiles, name)
        {
            assert!(profiles.get(kind, &chain.base_profile).is_some(), "{chain:?}");
        }
    }
}
