//! How properties are tested.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// The same cases in every run, and no files left in the tree. `PROPTEST_CASES` asks for more of them.
pub(crate) fn configuration() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(1024),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x006b_6579_7761_7264),
        ..default
    }
}
