//! The tables of docs/scale.md are those that the simulation prints.

use std::fs;
use std::path::Path;

#[allow(dead_code, reason = "the clock here is that of the simulation")]
#[path = "../src/life.rs"]
mod life;
#[path = "../examples/fleet/node.rs"]
mod node;
#[path = "../examples/fleet/random.rs"]
mod random;
#[path = "../examples/fleet/service.rs"]
mod service;
#[path = "../examples/fleet/simulation.rs"]
mod simulation;
#[path = "../examples/fleet/tables.rs"]
mod tables;

#[test]
fn the_tables_in_the_documentation_are_those_of_the_simulation() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scale.md");
    let text = fs::read_to_string(file).unwrap();
    let written: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let simulated = tables::all();
    let simulated: Vec<&str> = simulated.lines().filter(|line| line.starts_with('|')).collect();
    assert!(simulated.len() > 30);
    for line in simulated {
        assert!(
            written.contains(&line),
            "docs/scale.md lacks what 'cargo run --release --example fleet' prints: {line}"
        );
    }
}
