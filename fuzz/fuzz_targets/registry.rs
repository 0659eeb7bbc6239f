//! The address of a registry.

#![no_main]

use keyward_ecr::registry::Registry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|address: &str| {
    let Ok(registry) = Registry::parse(address) else { return };
    // What is accepted is a host out of the address, which alone means the same.
    assert!(address.to_ascii_lowercase().contains(&registry.host), "{registry:?}");
    assert_eq!(Registry::parse(&registry.host).as_ref(), Ok(&registry));
    assert!(
        registry.host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
    );
    let _ = registry.check_region();
});
