//! Other projects' test vectors again, through the real component: what it asks is seen by the fake AWS.
//!
//! guest/tests/ runs the same files, and more of them, natively. How many cases each has is said here: lost ones fail.

use std::collections::BTreeMap;

use keyward::{Config, Error, Resolver};
use keyward_testbed::vectors::{self, Family, items, same};
use keyward_testbed::{Answer, FakeAws, SeenRequest};
use serde_json::Value;

use crate::common::{PRIVATE, config, config_without_retries};

/// One lookup, and the one request that it made.
async fn look_up(config: &Config, fake: &FakeAws, registry: &str) -> Result<SeenRequest, Error> {
    let before = fake.requests().len();
    Resolver::new(config).unwrap().resolve(registry).await?;
    let mut requests = fake.requests();
    assert_eq!(requests.len(), before + 1, "{registry}");
    Ok(requests.remove(before))
}

/// The suffix of each partition's endpoints, plain and dual-stack, by region, from botocore's own table.
fn suffixes() -> BTreeMap<String, (String, String)> {
    let table = vectors::json("endpoints/partitions.json");
    let mut suffixes = BTreeMap::new();
    for partition in items(&table["partitions"]) {
        let output = |name: &str| partition["outputs"][name].as_str().unwrap().to_owned();
        for region in partition["regions"].as_object().unwrap().keys() {
            suffixes.insert(region.clone(), (output("dnsSuffix"), output("dualStackDnsSuffix")));
        }
    }
    suffixes
}

#[tokio::test]
async fn every_registry_address_leads_to_its_region_and_service() {
    let fake = FakeAws::start();
    let suffixes = suffixes();
    let mut family = Family::new("registry through the component", 40);
    for row in vectors::text("registry/hosts.tsv").lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, input, expect, service, _, region, fips, ..] = columns[..] else { panic!("{row}") };
        if expect == "error" {
            let result = Resolver::new(&config(&fake)).unwrap().resolve(input).await.map(drop);
            family.outcome(input, same("result", &result, &Err(Error::NotOurRegistry)));
            continue;
        }
        let region = if service == "ecr-public" { "us-east-1" } else { region };
        let is_dual_stack = input.contains("ecr-public.aws.com") || input.contains(".on.a");
        let (plain, dual_stack) = &suffixes[region];
        let host = match (service, fips, is_dual_stack) {
            ("ecr-public", _, false) => format!("api.ecr-public.{region}.{plain}"),
            ("ecr-public", _, true) => format!("ecr-public.{region}.{dual_stack}"),
            (_, "false", false) => format!("api.ecr.{region}.{plain}"),
            (_, "true", false) => format!("api.ecr-fips.{region}.{plain}"),
            (_, "false", true) => format!("ecr.{region}.{dual_stack}"),
            (_, "true", true) => format!("ecr-fips.{region}.{dual_stack}"),
            other => panic!("{other:?}"),
        };
        let config = config(&fake).with_connect_to(&host, fake.address());
        let outcome = match look_up(&config, &fake, input).await {
            Ok(request) => {
                let scope = request.scope.unwrap();
                same(
                    "request",
                    &(request.host, scope.service, scope.region, request.signature_is_right),
                    &(host, service.to_owned(), region.to_owned(), true),
                )
            }
            Err(error) => Err(error.to_string()),
        };
        family.outcome(input, outcome);
    }
    family.finish("");
}

/// A registry's address that makes the component ask for this region, and no more than the region.
fn address(region: &str) -> String {
    let suffix = match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("123456789012.dkr.ecr.{region}.{suffix}")
}

#[tokio::test]
async fn every_endpoint_rule_of_ecr_holds() {
    let document = vectors::json("endpoints/ecr.json");
    let mut family = Family::new("endpoints of ecr through the component", 18);
    let fake = FakeAws::start();
    for case in items(&document["testCases"]) {
        let name = case["documentation"].as_str().unwrap();
        let region = case["params"]["Region"].as_str().unwrap_or("us-east-1");
        family.outcome(name, endpoint_case(&fake, "AWS_ENDPOINT_URL_ECR", &address(region), case).await);
    }
    family.finish("");
}

#[tokio::test]
async fn every_endpoint_rule_of_ecr_public_that_a_lookup_can_meet_holds() {
    let document = vectors::json("endpoints/ecr-public.json");
    let mut family = Family::new("endpoints of ecr-public through the component", 6).leaving_out(9);
    let fake = FakeAws::start();
    for case in items(&document["testCases"]) {
        let name = case["documentation"].as_str().unwrap();
        let params = &case["params"];
        if params["Region"].as_str().is_some_and(|region| region != "us-east-1") {
            family.not_run(name, "a lookup asks the one region that gives out tokens");
        } else if params["Region"].is_null() && params["Endpoint"].is_null() {
            family.not_run(name, "a lookup always has a region");
        } else {
            family.outcome(name, endpoint_case(&fake, "AWS_ENDPOINT_URL_ECR_PUBLIC", "public.ecr.aws", case).await);
        }
    }
    family.finish("");
}

async fn endpoint_case(fake: &FakeAws, variable: &str, registry: &str, case: &Value) -> Result<(), String> {
    let params = &case["params"];
    let switch = |name: &str| params[name].as_bool().unwrap_or_default().to_string();
    let mut config = config(fake)
        .with_variable("AWS_USE_FIPS_ENDPOINT", &switch("UseFIPS"))
        .with_variable("AWS_USE_DUALSTACK_ENDPOINT", &switch("UseDualStack"));
    if let Some(endpoint) = params["Endpoint"].as_str() {
        config = config.with_variable(variable, endpoint);
    }
    match case["expect"]["endpoint"]["url"].as_str() {
        Some(url) => {
            let host = url.strip_prefix("https://").unwrap().to_owned();
            let config = config.with_connect_to(&host, fake.address());
            let request = look_up(&config, fake, registry).await.map_err(|error| error.to_string())?;
            same("host", &request.host, &host)
        }
        None => match look_up(&config, fake, registry).await {
            // The rules refuse FIPS and dual-stack together with a custom endpoint; ECR Public has no FIPS at all.
            Err(Error::Invalid(text)) if text.contains("FIPS") || text.contains("AWS_USE_DUALSTACK_ENDPOINT") => Ok(()),
            other => Err(format!("{other:?}, expected {}", case["expect"]["error"])),
        },
    }
}

#[tokio::test]
async fn every_shape_of_an_error_gives_its_code() {
    let document = vectors::json("errors/json.json");
    let mut family = Family::new("errors in json through the component", 8);
    let fake = FakeAws::start();
    for case in items(&document) {
        let name = case["id"].as_str().unwrap();
        let response = &case["response"];
        let headers = response["headers"].as_object().unwrap();
        fake.answer_next(Answer::Raw {
            status: u16::try_from(response["status_code"].as_u64().unwrap()).unwrap(),
            headers: headers.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: response["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
        });
        let error =
            Resolver::new(&config_without_retries(&fake)).unwrap().resolve(PRIVATE).await.unwrap_err().to_string();
        let code = case["errorCode"].as_str().unwrap();
        let message = case["errorMessage"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
        let expected = format!(" failed: {code}{message} (HTTP status ");
        family.outcome(name, if error.contains(&expected) { Ok(()) } else { Err(error) });
    }
    family.finish("");
}
