//! The URL of an endpoint.

#![no_main]

use keyward_ecr::endpoint::split_url;
use keyward_ecr::world::Scheme;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|url: &str| {
    let Ok((scheme, authority, path)) = split_url(url) else { return };
    // Nothing that would end the authority, or a line, and the same again out of what was made of it.
    assert!(authority.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte)), "{authority:?}");
    assert!(path.is_empty() || path.starts_with('/'), "{path:?}");
    let scheme_name = if scheme == Scheme::Http { "http" } else { "https" };
    assert_eq!(split_url(&format!("{scheme_name}://{authority}{path}")), Ok((scheme, authority, path)));
});
