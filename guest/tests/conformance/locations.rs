//! Where the shared files are, and which profile is chosen: the cases of aws-runtime. And the endpoints that settings name: the cases of
//! botocore.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyward_ecr::context::Context;
use keyward_ecr::endpoint::{Endpoint, Service};
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, Local, Scheme};
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;

/// Variables and files, and which of the files were asked for.
#[derive(Default)]
struct Machine {
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    asked: RefCell<Vec<String>>,
}

impl Local for Machine {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.asked.borrow_mut().push(path.to_owned());
        let text = self.files.get(path).ok_or(FileError::NotFound)?;
        Ok(Wiped::new(text.clone().into_bytes()))
    }
}

#[test]
fn the_shared_files_and_the_profile_are_where_the_aws_sdk_looks_for_them() {
    let document = vectors::json("profile/file-location.json");
    let mut family = Family::new("file locations", 4);
    for case in vectors::items(&document["tests"]) {
        family.case(case["name"].as_str().expect("every case has a name"), || check_location(case));
    }
    family.finish("");
}

fn check_location(case: &Value) -> Result<(), String> {
    let environment = serde_json::from_value(case["environment"].clone()).map_err(|error| error.to_string())?;
    let machine = Machine { environment, ..Machine::default() };
    let (files, context) = (SharedFiles::read(&machine), Context::default());
    let expected =
        [&case["configLocation"], &case["credentialsLocation"]].map(|path| path.as_str().unwrap_or_default());
    same("files", &machine.asked.borrow().as_slice(), &&expected.map(str::to_owned)[..])?;
    let profile = case["profile"].as_str().unwrap_or("default");
    same("profile", &Settings::new(&machine, &context, &files).profile_name(), &profile)
}

/// The cases are about services that Keyward does not call: others stand for them.
const SERVICES: [(&str, &str); 2] = [("s3", "ecr"), ("dynamodb", "sts")];

#[test]
fn the_settings_name_endpoints_in_the_order_of_the_reference_guide() {
    let text = vectors::text("endpoints/configured-urls.json");
    let text = SERVICES.iter().fold(text, |text, (theirs, ours)| {
        let upper = |name: &str| name.to_uppercase();
        text.replace(&format!("\"{theirs}\""), &format!("\"{ours}\""))
            .replace(&format!("AWS_ENDPOINT_URL_{}\"", upper(theirs)), &format!("AWS_ENDPOINT_URL_{}\"", upper(ours)))
    });
    let document: Value = serde_json::from_str(&text).expect("names were replaced by names");
    let suite = &document["testSuites"][0];
    let mut family = Family::new("configured endpoints", 13).leaving_out(14);
    for case in vectors::items(&suite["endpointUrlTests"]) {
        let name = case["name"].as_str().expect("every case has a name");
        match case["client_config"].as_str() {
            Some("default") => family.case(name, || check_endpoint(suite, case)),
            _ => family.not_run(name, "an endpoint is given in code, which a lookup has no code for"),
        }
    }
    family.finish("");
}

fn check_endpoint(suite: &Value, case: &Value) -> Result<(), String> {
    let named = |table: &str, key: &str| &suite[table][case[key].as_str().unwrap_or_default()];
    let mut environment: BTreeMap<String, String> =
        serde_json::from_value(named("environments", "environment").clone()).map_err(|error| error.to_string())?;
    environment.insert("HOME".to_owned(), "/h".to_owned());
    let mut config = "[default]\n".to_owned();
    for (key, value) in named("profiles", "profile").as_object().ok_or("the case has no profile")? {
        config += &format!("{key} = {}\n", value.as_str().unwrap_or_default());
    }
    for (name, services) in suite["services"].as_object().ok_or("there are no services")? {
        config += &format!("[services {name}]\n");
        for (service, properties) in services.as_object().ok_or("there are no services")? {
            let url = properties["endpoint_url"].as_str().ok_or("a service has no endpoint")?;
            config += &format!("{service} =\n  endpoint_url = {url}\n");
        }
    }
    let files = BTreeMap::from([("/h/.aws/config".to_owned(), config)]);
    let machine = Machine { environment, files, ..Machine::default() };
    let (files, context) = (SharedFiles::read(&machine), Context::default());
    let settings = Settings::new(&machine, &context, &files);
    let service = match case["service"].as_str() {
        Some("ecr") => Service::Ecr,
        Some("sts") => Service::Sts,
        other => return Err(format!("the case is about another service, {other:?}")),
    };
    let region = settings.region().ok_or("the profile has no region")?.value;
    let endpoint = Endpoint::of_service(service, &region, &settings).map_err(|error| error.to_string())?;
    let scheme = if endpoint.scheme == Scheme::Https { "https" } else { "http" };
    let url = format!("{scheme}://{}{}", endpoint.authority, endpoint.base_path);
    let expected = case["output"]["endpointUrl"].as_str().ok_or("the case expects no endpoint")?;
    // The service's own endpoint has another name than that of the one it stands for.
    let expected = expected.replace("https://s3.fake-region-10.", "https://api.ecr.fake-region-10.");
    same("endpoint", &url, &expected)
}
