//! The signer and the clock's text forms against independent implementations: the crates `aws-sigv4`, which is the
//! signer of the AWS SDK for Rust, and `time`.

mod case;
mod generate;
mod recorder;

use keyward_ecr::aws::client::Client;
use keyward_ecr::aws::ecr::get_authorization_token;
use keyward_ecr::context::Context;
use keyward_ecr::endpoint::{Endpoint, Options, Service};
use keyward_ecr::settings::{Origin, Setting, Settings, SharedFiles};
use keyward_ecr::time::Timestamp;
use keyward_ecr::world::World;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime};

use crate::case::{Case, credentials};
use crate::generate::case;
use crate::recorder::Recorder;

/// The last second of the year 9999, after which a year no longer has four digits.
const END_OF_9999: u64 = 253_402_300_799;

proptest! {
    // The same cases in every run, and no files left in the tree. PROPTEST_CASES asks for more of them.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1024),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x006b_6579_7761_7264),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_request_gets_the_headers_that_the_aws_sdk_adds(case in case()) {
        prop_assert_eq!(case.headers(), case.oracle_headers(), "{}", case.url());
    }

    #[test]
    fn any_request_gets_the_signature_in_the_query_that_the_aws_sdk_adds(case in case()) {
        prop_assert_eq!(case.query_signature(), case.oracle_query_signature(), "{}", case.url());
    }

    #[test]
    fn any_second_up_to_the_year_9999_is_written_as_the_crate_time_writes_it(seconds in 0..=END_OF_9999) {
        let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
        let description = format_description!("[year][month][day]T[hour][minute][second]Z");
        let timestamp = Timestamp { seconds };
        prop_assert_eq!(timestamp.basic_format(), time.format(&description).unwrap());
        prop_assert_eq!(timestamp.date(), time.format(&format_description!("[year][month][day]")).unwrap());
    }
}

#[test]
fn the_days_on_which_years_and_februaries_end_are_written_as_the_crate_time_writes_them() {
    for year in 1970..=9999 {
        let new_year = Date::from_calendar_date(year, Month::January, 1).unwrap();
        // From the 28th of February to the 2nd of March, and the last two days of the year.
        for day in [0, 58, 59, 60, 61, 363, 364] {
            let day = new_year + time::Duration::days(day);
            let seconds = u64::try_from(day.midnight().assume_utc().unix_timestamp()).unwrap();
            let expected = day.format(&format_description!("[year][month][day]")).unwrap();
            assert_eq!(Timestamp { seconds }.date(), expected);
        }
    }
}

#[test]
fn the_requests_that_the_product_sends_are_signed_as_the_aws_sdk_would() {
    let url = "http://localhost:4566/a//b/../%C3%A9/".to_owned();
    let custom = Setting { value: url, origin: Origin::Variable("AWS_ENDPOINT_URL") };
    let dual_stack = Options { dual_stack: true, ..Options::default() };
    let custom = Options { custom: Some(custom), ..Options::default() };
    for (service, region, options) in [
        (Service::Ecr, "us-east-1", Options::default()),
        (Service::Ecr, "eusc-de-east-1", Options::default()),
        (Service::Ecr, "us-gov-west-1", Options { fips: true, ..Options::default() }),
        (Service::Ecr, "eu-central-1", dual_stack.clone()),
        (Service::EcrPublic, "us-east-1", Options::default()),
        (Service::EcrPublic, "us-east-1", dual_stack),
        (Service::Ecr, "us-west-2", custom),
    ] {
        for token in [None, Some("FwoGZXIvYXdzEPT//////////wEaDHZ+bQ/k3w==")] {
            check_sent_request(&Endpoint::resolve(service, Some(region), &options).unwrap(), token);
        }
    }
}

/// Asks an endpoint for a token, and has the oracle sign what was sent.
fn check_sent_request(endpoint: &Endpoint, token: Option<&str>) {
    let world = Recorder::default();
    let credentials = credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token);
    let (files, context) = (SharedFiles::read(&world), Context::default());
    let client = Client::new(&world, &Settings::new(&world, &context, &files)).unwrap();
    get_authorization_token(&client, endpoint, &credentials).unwrap_err();
    let sent = world.sent.take().expect("a request was sent");

    let (mut added, own): (Vec<_>, Vec<_>) = sent
        .headers
        .into_iter()
        .partition(|(name, _)| ["authorization", "x-amz-date", "x-amz-security-token"].contains(&name.as_str()));
    // These are sent without being signed: what carries the request may change them.
    let is_signed = |name: &str| !["content-length", "user-agent"].contains(&name);
    let case = Case {
        method: sent.method.as_str().to_owned(),
        authority: sent.authority,
        path: sent.path,
        query: None,
        headers: own.into_iter().filter(|(name, _)| is_signed(name)).collect(),
        body: sent.body,
        credentials,
        time: world.now(),
        region: endpoint.signing_region.clone(),
        service: endpoint.service.signing_name().to_owned(),
    };
    // What is signed has to be what ECR needs.
    assert_eq!((case.method.as_str(), case.body.as_slice()), ("POST", b"{}".as_slice()));
    assert_eq!(case.headers.len(), 2, "{:?}", case.headers);
    added.sort();
    assert_eq!(added, case.oracle_headers(), "{}", case.url());
}
