//! API endpoints: the cases of botocore's endpoint rules.

use keyward_ecr::endpoint::{CustomEndpoint, Endpoint, EndpointError, Service, Settings};
use keyward_ecr::world::Scheme;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;

#[test]
fn endpoints_of_ecr_are_those_of_its_endpoint_rules() {
    run(Family::new("endpoints of ecr", 18), "endpoints/ecr.json", Service::Ecr);
}

#[test]
fn endpoints_of_ecr_public_are_those_of_its_endpoint_rules() {
    run(Family::new("endpoints of ecr-public", 15), "endpoints/ecr-public.json", Service::EcrPublic);
}

#[test]
fn endpoints_of_sts_are_those_of_its_endpoint_rules() {
    run(Family::new("endpoints of sts", 48), "endpoints/sts.json", Service::Sts);
}

fn run(mut family: Family, file: &str, service: Service) {
    let document = vectors::json(file);
    for case in vectors::items(&document["testCases"]) {
        let name = case["documentation"].as_str().expect("every case has a name");
        family.case(name, || check(service, case));
    }
    family.finish("");
}

fn check(service: Service, case: &Value) -> Result<(), String> {
    let parameters = &case["params"];
    let region = parameters["Region"].as_str();
    let endpoint = Endpoint::resolve(service, region, &settings(parameters)?);
    if let Some(error) = case["expect"]["error"].as_str() {
        return check_error(endpoint, error);
    }
    let endpoint = endpoint.map_err(|error| error.to_string())?;
    let expected = &case["expect"]["endpoint"];
    same("url", &url(&endpoint).as_str(), &expected["url"].as_str().ok_or("the case expects no url")?)?;
    same("service", &endpoint.service, &service)?;
    match &expected["properties"]["authSchemes"] {
        // Without a word about it, a request is signed for the region that it is sent to.
        Value::Null => match region {
            Some(region) => same("signing region", &endpoint.signing_region.as_str(), &region),
            None => Ok(()),
        },
        schemes => {
            let [scheme] = vectors::items(schemes) else { return Err("the case expects several schemes".to_owned()) };
            same("scheme", &scheme["name"].as_str(), &Some("sigv4"))?;
            same("signing name", &Some(service.signing_name()), &scheme["signingName"].as_str())?;
            same("signing region", &Some(endpoint.signing_region.as_str()), &scheme["signingRegion"].as_str())
        }
    }
}

fn settings(parameters: &Value) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let Some(parameters) = parameters.as_object() else { return Ok(settings) };
    for (name, value) in parameters {
        let switch = || value.as_bool().ok_or_else(|| format!("{name} is neither true nor false"));
        match name.as_str() {
            "Endpoint" => {
                let url = value.as_str().ok_or("the endpoint is not a text")?.to_owned();
                settings.custom = Some(CustomEndpoint { variable: "AWS_ENDPOINT_URL", url });
            }
            "Region" => {}
            "UseDualStack" => settings.dual_stack = switch()?,
            "UseFIPS" => settings.fips = switch()?,
            "UseGlobalEndpoint" => settings.global = switch()?,
            unknown => return Err(format!("the case has a parameter that the runner does not know, {unknown}")),
        }
    }
    Ok(settings)
}

/// The rules' errors are texts for people; what they mean is the variant.
fn check_error(endpoint: Result<Endpoint, EndpointError>, expected: &str) -> Result<(), String> {
    let is_expected = match expected {
        "Invalid Configuration: FIPS and custom endpoint are not supported" => {
            matches!(endpoint, Err(EndpointError::FipsWithCustomEndpoint { .. }))
        }
        "Invalid Configuration: Dualstack and custom endpoint are not supported" => {
            matches!(endpoint, Err(EndpointError::DualStackWithCustomEndpoint { .. }))
        }
        "Invalid Configuration: Missing Region" => matches!(endpoint, Err(EndpointError::MissingRegion)),
        unknown => return Err(format!("the case expects an error that the runner does not know, {unknown}")),
    };
    if is_expected { Ok(()) } else { Err(format!("expected the error {expected:?}, got {endpoint:?}")) }
}

fn url(endpoint: &Endpoint) -> String {
    let scheme = match endpoint.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}{}", endpoint.authority, endpoint.base_path)
}
