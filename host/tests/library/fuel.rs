//! What a lookup takes of its budget, so that no change makes it dearer unnoticed.

use keyward::{Budget, CancelToken, Resolver};
use keyward_testbed::FakeAws;
use serde_json::Value;

use crate::common::{PRIVATE, config};

/// Written by `scripts/count-instructions --update`.
const WRITTEN_DOWN: &str = include_str!("../../../scripts/instructions.json");

#[tokio::test]
async fn a_lookup_takes_no_more_fuel_than_was_written_down() {
    let document: Value = serde_json::from_str(WRITTEN_DOWN).unwrap();
    let allowed_growth = document["allowed_growth"].as_f64().unwrap();
    let written_down = document["figures"]["fuel of a lookup"]["value"].as_f64().unwrap();

    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    lookup.result.unwrap();
    let fuel = lookup.usage.fuel as f64;
    assert!(
        fuel <= written_down * (1.0 + allowed_growth),
        "{fuel} units of fuel, where {written_down} were written down; if it is worth it: scripts/count-instructions --update"
    );
}
