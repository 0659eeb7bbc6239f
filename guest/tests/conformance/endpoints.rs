//! API endpoints: the cases of botocore's endpoint rules.

use keyward_ecr::endpoint::{Endpoint, EndpointError, Options, Service};
use keyward_ecr::settings::{Origin, Setting};
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

#[test]
fn endpoints_of_sso_are_those_of_its_endpoint_rules() {
    run(Family::new("endpoints of sso", 28), "endpoints/sso.json", Service::Sso);
}

#[test]
fn endpoints_of_sso_oidc_are_those_of_its_endpoint_rules() {
    run(Family::new("endpoints of sso-oidc", 28), "endpoints/sso-oidc.json", Service::SsoOidc);
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
    let endpoint = Endpoint::resolve(service, region, &options(parameters)?);
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

fn options(parameters: &Value) -> Result<Options, String> {
    let mut options = Options::default();
    let Some(parameters) = parameters.as_object() else { return Ok(options) };
    for (name, value) in parameters {
        let switch = || value.as_bool().ok_or_else(|| format!("{name} is neither true nor false"));
        match name.as_str() {
            "Endpoint" => {
                let value = value.as_str().ok_or("the endpoint is not a text")?.to_owned();
                options.custom = Some(Setting { value, origin: Origin::Variable("AWS_ENDPOINT_URL") });
            }
            "Region" => {}
            "UseDualStack" => options.dual_stack = switch()?,
            "UseFIPS" => options.fips = switch()?,
            "UseGlobalEndpoint" => options.global = switch()?,
            unknown => return Err(format!("the case has a parameter that the runner does not know, {unknown}")),
        }
    }
    Ok(options)
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
