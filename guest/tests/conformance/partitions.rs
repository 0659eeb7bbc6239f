//! The partition table against botocore's.

use keyward_ecr::partition::{PARTITIONS, Partition};
use keyward_testbed::vectors::{self, Family, same};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex_lite::Regex;
use serde_json::Value;

use crate::property::configuration;

/// Beginnings of region names: those of every partition, and some of none.
const PREFIXES: &str = "us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso|us-isob|us-isof|eu-isoe|eusc|eusc-de|eusc-fr|xx";

#[test]
fn the_partition_table_is_that_of_botocore() {
    let document = vectors::json("endpoints/partitions.json");
    let partitions = vectors::items(&document["partitions"]);
    // 8 partitions, and 46 regions besides the pseudo region that most partitions have.
    let mut family = Family::new("partitions", 8 + 46).leaving_out(7);
    for partition in partitions {
        family.case(text(&partition["id"]), || check_partition(partition));
    }
    let patterns = patterns(partitions);
    for partition in partitions {
        for region in partition["regions"].as_object().expect("regions are an object").keys() {
            if region.ends_with("-global") {
                family.not_run(region, "it is a pseudo region, whose name no pattern matches");
            } else {
                family.case(region, || {
                    same("partition", &partition_name(region), &Some(text(&partition["id"])))?;
                    same("pattern", &matching(&patterns, region), &vec![text(&partition["id"])])
                });
            }
        }
    }
    family.finish("");
    assert_eq!(PARTITIONS.len(), partitions.len(), "the table has partitions that botocore does not know");
}

#[test]
fn names_of_any_shape_belong_to_the_partition_whose_pattern_matches() {
    let document = vectors::json("endpoints/partitions.json");
    let patterns = patterns(vectors::items(&document["partitions"]));
    // Mostly of a region's shape, with faults of every part: empty, doubled, of other letters.
    let similar = format!(r"({PREFIXES})?-{{0,2}}[a-zA-Z0-9_]{{0,8}}(-[a-z]{{1,5}})?-{{0,2}}[0-9]{{0,3}}[a-zé٣\n]?");
    let well_formed = format!(r"({PREFIXES})-[a-zA-Z0-9_]{{1,12}}-[0-9]{{1,4}}");
    let names = prop_oneof![
        proptest::string::string_regex(&similar).expect("the pattern is valid"),
        proptest::string::string_regex(&well_formed).expect("the pattern is valid"),
        any::<String>(),
    ];
    TestRunner::new(configuration())
        .run(&names, |name| {
            let expected = matching(&patterns, &name);
            prop_assert!(expected.len() <= 1, "{name:?} matches several patterns: {expected:?}");
            prop_assert_eq!(partition_name(&name), expected.first().copied(), "{:?}", name);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn check_partition(expected: &Value) -> Result<(), String> {
    let name = text(&expected["id"]);
    let ours = PARTITIONS.iter().find(|partition| partition.name == name).ok_or("the table does not have it")?;
    let outputs = &expected["outputs"];
    same("name", &ours.name, &text(&outputs["name"]))?;
    same("suffix", &ours.dns_suffix, &text(&outputs["dnsSuffix"]))?;
    same("dual-stack suffix", &ours.dual_stack_dns_suffix, &text(&outputs["dualStackDnsSuffix"]))?;
    // The table has no columns for these, since they are true of every partition.
    same("support of FIPS", &outputs["supportsFIPS"], &Value::Bool(true))?;
    same("support of dual-stack", &outputs["supportsDualStack"], &Value::Bool(true))
}

/// The pattern of each partition's regions, by the partition's name. In these, `\w` and `\d` are ASCII alone, as they
/// are in the AWS SDK for Rust.
fn patterns(partitions: &[Value]) -> Vec<(&str, Regex)> {
    let compile = |partition| Regex::new(text(partition)).expect("botocore's patterns are valid");
    partitions.iter().map(|partition| (text(&partition["id"]), compile(&partition["regionRegex"]))).collect()
}

fn matching<'a>(patterns: &[(&'a str, Regex)], region: &str) -> Vec<&'a str> {
    patterns.iter().filter(|(_, pattern)| pattern.is_match(region)).map(|(name, _)| *name).collect()
}

fn partition_name(region: &str) -> Option<&'static str> {
    Partition::of_region(region).map(|partition| partition.name)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}
