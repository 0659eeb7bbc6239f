//! Times, as RFC 3339 and as HTTP write them.

#![no_main]

use keyward_ecr::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for time in [Timestamp::parse_rfc3339(text), Timestamp::parse_http_date(text)].into_iter().flatten() {
        assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339()), Some(time), "{text}");
        assert_eq!(time.basic_format().len(), 16, "{text}");
    }
});
