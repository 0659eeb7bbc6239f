//! The shared config and credentials files: the cases of aws-runtime's parser, and the seeds of aws-c-auth's fuzzer.

use std::collections::BTreeMap;

use keyward_ecr::profile::{FileKind, Profiles, SectionKind, SyntaxError};
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;

#[test]
fn the_shared_files_are_read_as_the_aws_sdk_for_rust_reads_them() {
    let document = vectors::json("profile/parser.json");
    let mut family = Family::new("profiles", 45);
    for case in vectors::items(&document["tests"]) {
        family.case(case["name"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

#[test]
fn the_seeds_of_a_fuzzer_are_read_without_a_panic() {
    let folders = ["fuzz-seeds/parse_config_profile", "fuzz-seeds/parse_credentials_profile"];
    let mut family = Family::new("fuzz seeds", 80);
    for path in folders.into_iter().flat_map(vectors::entries) {
        family.case(&path, || {
            let text = vectors::lossy_text(&path);
            // The seeds have no verdicts: an error is as good as profiles.
            for kind in [FileKind::Config, FileKind::Credentials] {
                let mut profiles = Profiles::default();
                if profiles.add(kind, &text).is_ok() {
                    profiles.names().for_each(|(kind, name)| assert!(profiles.get(kind, name).is_some(), "{name}"));
                }
            }
            Ok(())
        });
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let profiles = read(&case["input"]);
    if let Some(expected) = case["output"]["errorContaining"].as_str() {
        return match profiles {
            Ok(_) => Err(format!("expected an error with {expected:?} in it, got profiles")),
            Err(error) if error.to_string().contains(expected) => Ok(()),
            Err(error) => Err(format!("expected an error with {expected:?} in it, got {:?}", error.to_string())),
        };
    }
    let profiles = profiles.map_err(|error| error.to_string())?;
    let expected = &case["output"]["config"];
    same("profiles", &table(&profiles, SectionKind::Profile), &expected_table(&expected["profiles"])?)?;
    same("sso sessions", &table(&profiles, SectionKind::SsoSession), &expected_table(&expected["sso_sessions"])?)
}

/// Both files of a case, the config file first.
fn read(input: &Value) -> Result<Profiles<'_>, SyntaxError> {
    let mut profiles = Profiles::default();
    for (name, kind) in [("configFile", FileKind::Config), ("credentialsFile", FileKind::Credentials)] {
        profiles.add(kind, input[name].as_str().unwrap_or_default())?;
    }
    Ok(profiles)
}

/// Sections by their names, properties by theirs.
type Table = BTreeMap<String, BTreeMap<String, String>>;

fn table(profiles: &Profiles<'_>, kind: SectionKind) -> Table {
    let plain = |name| {
        let properties = profiles.get(kind, name).expect("every section that has a name has properties");
        properties.iter().map(|(name, value)| (name.clone(), value.as_str().to_owned())).collect()
    };
    let of_kind = profiles.names().filter(|(other, _)| *other == kind);
    of_kind.map(|(_, name)| (name.to_owned(), plain(name))).collect()
}

/// A table that a case leaves out is empty.
fn expected_table(value: &Value) -> Result<Table, String> {
    if value.is_null() {
        return Ok(Table::new());
    }
    serde_json::from_value(value.clone()).map_err(|error| format!("the case makes no sense: {error}"))
}
