//! Generated cases, put to Keyward and to the AWS SDK for Rust.
//!
//! `KEYWARD_CASES` asks for more of them, and `KEYWARD_SEED` for other ones.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;

use keyward_second_opinion::differences::{self, DIFFERENCES};
use keyward_second_opinion::outcome::{Outcome, Verdict};
use keyward_second_opinion::sections::Sections;
use keyward_second_opinion::theirs::Sdk;
use keyward_second_opinion::{generate, ours};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};

/// So many that each of the listed differences occurs.
const CASES: u32 = 10_000;

const SEED: u64 = 0x006b_6579_7761_7264;

#[test]
fn both_find_the_same_credentials_and_ask_the_same_services() {
    let sdk = Sdk::new();
    let tally = RefCell::new(BTreeMap::<String, u32>::new());
    let count = |what: String| *tally.borrow_mut().entry(what).or_default() += 1;
    let result = runner().run(&generate::case(), |case| {
        let (ours, theirs) = (ours::ask(&case), sdk.ask(&case));
        if ours == theirs {
            count(format!("agreed: {}", kind(&ours)));
            return Ok(());
        }
        let Some(explanation) = differences::explain(&case, &ours, ours::ask, |case| sdk.ask(case)) else {
            return Err(TestCaseError::fail(format!("ours: {ours:?}theirs: {theirs:?}")));
        };
        if let [difference] = explanation[..] {
            count(format!("differed: {}", difference.name));
        } else {
            count("differed: several of these at once".to_owned());
        }
        Ok(())
    });
    let tally = tally.into_inner();
    for (what, number) in &tally {
        println!("{number:6} {what}");
    }
    if let Err(error) = result {
        panic!("an unlisted difference: {error}");
    }
    // A list that has more in it than there is would hide the next difference. It is to be seen in any number of cases from this on.
    let never = DIFFERENCES.iter().filter(|difference| !tally.contains_key(&format!("differed: {}", difference.name)));
    let never: Vec<_> = never.map(|difference| difference.name).collect();
    assert!(cases() < CASES || never.is_empty(), "listed differences that did not occur: {never:#?}");
}

#[test]
fn both_read_the_same_out_of_the_shared_files() {
    let sdk = Sdk::new();
    let result = runner().run(&generate::case(), |case| {
        // Where the files are is another question.
        let case = case.without("AWS_CONFIG_FILE").without("AWS_SHARED_CREDENTIALS_FILE");
        let (ours, theirs) = (Sections::of(&case), sdk.profiles(&case));
        let (Some(ours), Some(theirs)) = (&ours, &theirs) else {
            return if ours.is_none() == theirs.is_none() {
                Ok(())
            } else {
                Err(TestCaseError::fail(format!("only one of both has read the files: {ours:?}")))
            };
        };
        let mut names: Vec<_> = theirs.profiles().collect();
        names.sort_unstable();
        if !ours.profiles().map(|(name, _)| name).eq(names) {
            return Err(TestCaseError::fail(format!("other profiles: {ours:?}")));
        }
        for (name, properties) in ours.profiles() {
            let theirs = theirs.get_profile(name).expect("it is among the names");
            for (property, value) in properties {
                if theirs.get(property) != Some(value) {
                    return Err(TestCaseError::fail(format!(
                        "{property} of {name}: {value:?}, {:?}",
                        theirs.get(property)
                    )));
                }
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn runner() -> TestRunner {
    let seed = env::var("KEYWARD_SEED").map_or(SEED, |seed| seed.parse().expect("KEYWARD_SEED is a number"));
    TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    })
}

fn cases() -> u32 {
    env::var("KEYWARD_CASES").map_or(CASES, |cases| cases.parse().expect("KEYWARD_CASES is a number"))
}

/// What a case was about.
fn kind(outcome: &Outcome) -> String {
    match &outcome.verdict {
        Verdict::Credentials { access_key_id, .. } => access_key_id.split('.').next().unwrap_or_default().to_owned(),
        Verdict::Error => "error".to_owned(),
        Verdict::None => "no credentials".to_owned(),
    }
}
