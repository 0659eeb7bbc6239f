use super::*;
use crate::context::Context;
use crate::settings::SharedFiles;
use crate::test_world::TestWorld;

fn in_world(address: &str, world: &TestWorld) -> Result<String, EndpointError> {
    asked(address, &Context::default(), world)
}

fn asked(address: &str, context: &Context, world: &TestWorld) -> Result<String, EndpointError> {
    let files = SharedFiles::read(world);
    let settings = Settings::new(world, context, &files);
    let endpoint = Endpoint::of_registry(&Registry::parse(address).unwrap(), &settings)?;
    Ok(format!("{}{}", endpoint.authority, endpoint.base_path))
}

fn of(address: &str, variables: &[(&str, &str)]) -> Result<String, EndpointError> {
    in_world(address, &TestWorld::with_environment(variables))
}

#[test]
fn a_profile_names_endpoints_for_one_service_and_for_all_and_the_environment_goes_before_it() {
    let address = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
    let config = "[default]\nendpoint_url = https://all.example\nservices = local\n\
                  [services local]\necr =\n  endpoint_url = https://ecr.example/x/\ns3 =\n  endpoint_url = https://s3.example\n";
    let world = |variables: &[(&str, &str)]| {
        TestWorld::with_environment(&[&[("HOME", "/h")], variables].concat()).file("/h/.aws/config", config)
    };
    assert_eq!(in_world(address, &world(&[])).as_deref(), Ok("ecr.example/x"));
    assert_eq!(in_world("public.ecr.aws", &world(&[])).as_deref(), Ok("all.example"));
    let all = ("AWS_ENDPOINT_URL", "https://environment.example");
    assert_eq!(in_world(address, &world(&[all])).as_deref(), Ok("environment.example"));
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(in_world(address, &world(&[ignored])).as_deref(), Ok("api.ecr.us-west-2.amazonaws.com"));
    let fips = in_world(address, &world(&[("AWS_USE_FIPS_ENDPOINT", "true")])).unwrap_err().to_string();
    assert!(fips.contains("unset endpoint_url of ecr in services local of profile default, or"), "{fips}");
}

#[test]
fn sts_is_global_where_the_settings_want_the_past() {
    let of = |value: &str| {
        let world = TestWorld::with_environment(&[("AWS_STS_REGIONAL_ENDPOINTS", value)]);
        let (files, context) = (SharedFiles::read(&world), Context::default());
        let settings = Settings::new(&world, &context, &files);
        Endpoint::of_service(Service::Sts, "eu-west-1", &settings).map(|endpoint| endpoint.authority)
    };
    assert_eq!(of("").as_deref(), Ok("sts.eu-west-1.amazonaws.com"));
    assert_eq!(of("regional").as_deref(), Ok("sts.eu-west-1.amazonaws.com"));
    assert_eq!(of("legacy").as_deref(), Ok("sts.amazonaws.com"));
    let error = of("global").unwrap_err().to_string();
    assert_eq!(error, "AWS_STS_REGIONAL_ENDPOINTS is 'global': set it to regional or legacy");
}

#[test]
fn the_address_chooses_fips_and_dual_stack() {
    for (address, endpoint) in [
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com", "api.ecr.us-west-2.amazonaws.com"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "api.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("123456789012.dkr-ecr.us-west-2.on.aws", "ecr.us-west-2.api.aws"),
        ("123456789012.dkr-ecr-fips.us-west-2.on.aws", "ecr-fips.us-west-2.api.aws"),
        ("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com"),
        ("ecr-public.aws.com", "ecr-public.us-east-1.api.aws"),
    ] {
        assert_eq!(of(address, &[]).as_deref(), Ok(endpoint), "{address}");
    }
}

#[test]
fn a_region_newer_than_the_table_stays_in_the_partition_of_the_address() {
    for (address, endpoint) in [
        ("123456789012.dkr.ecr.newregion.amazonaws.com.cn", "api.ecr.newregion.amazonaws.com.cn"),
        ("123456789012.dkr-ecr.newregion.on.amazonwebservices.com.cn", "ecr.newregion.api.amazonwebservices.com.cn"),
        ("123456789012.dkr.ecr.eusc-fr-west-1.amazonaws.eu", "api.ecr.eusc-fr-west-1.amazonaws.eu"),
        ("123456789012.dkr.ecr.newregion.amazonaws.com", "api.ecr.newregion.amazonaws.com"),
    ] {
        assert_eq!(of(address, &[]).as_deref(), Ok(endpoint), "{address}");
    }
}

#[test]
fn the_environment_chooses_fips_and_dual_stack_too() {
    let address = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
    let fips = ("AWS_USE_FIPS_ENDPOINT", "TRUE");
    let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
    assert_eq!(of(address, &[fips]).as_deref(), Ok("api.ecr-fips.us-west-2.amazonaws.com"));
    assert_eq!(of(address, &[dual_stack]).as_deref(), Ok("ecr.us-west-2.api.aws"));
    assert_eq!(of(address, &[fips, dual_stack]).as_deref(), Ok("ecr-fips.us-west-2.api.aws"));
    assert_eq!(of("public.ecr.aws", &[fips]), Err(EndpointError::PublicFips));
    let typo = of(address, &[("AWS_USE_FIPS_ENDPOINT", "yes")]).unwrap_err();
    assert_eq!(typo.to_string(), "AWS_USE_FIPS_ENDPOINT is 'yes': set it to true or false");
}

#[test]
fn the_endpoint_of_one_service_wins_over_the_endpoint_of_all() {
    let address = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
    let all = ("AWS_ENDPOINT_URL", "http://localhost:4566/");
    let ecr = ("AWS_ENDPOINT_URL_ECR", "https://vpce.example.com:443/some/path/");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(of(address, &[all]).as_deref(), Ok("localhost:4566"));
    assert_eq!(of(address, &[all, ecr]).as_deref(), Ok("vpce.example.com/some/path"));
    assert_eq!(of("public.ecr.aws", &[all, ecr]).as_deref(), Ok("localhost:4566"));
    assert_eq!(of(address, &[all, ecr, ignored]).as_deref(), Ok("api.ecr.us-west-2.amazonaws.com"));
}

#[test]
fn a_custom_endpoint_takes_the_place_of_a_dual_stack_address_but_not_of_a_fips_address() {
    let custom = ("AWS_ENDPOINT_URL", "https://vpce.example.com");
    assert_eq!(of("123456789012.dkr-ecr.us-west-2.on.aws", &[custom]).as_deref(), Ok("vpce.example.com"));
    let origin = Origin::Variable("AWS_ENDPOINT_URL");
    assert_eq!(
        of("123456789012.dkr.ecr-fips.us-west-2.amazonaws.com", &[custom]),
        Err(EndpointError::FipsWithCustomEndpoint { origin: origin.clone() })
    );
    assert_eq!(
        of("public.ecr.aws", &[custom, ("AWS_USE_DUALSTACK_ENDPOINT", "true")]),
        Err(EndpointError::DualStackWithCustomEndpoint { origin })
    );
}

#[test]
fn the_endpoint_of_the_request_goes_before_all_that_is_configured_and_is_not_ignored_with_it() {
    let address = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
    let asked = |address: &str, url: &str, variables: &[(&str, &str)]| {
        let context = Context { endpoint: Some(url.to_owned()), ..Context::default() };
        asked(address, &context, &TestWorld::with_environment(variables))
    };
    let named = "https://vpce.example:8443/x/";
    let configured = [("AWS_ENDPOINT_URL_ECR", "https://ecr.example"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
    assert_eq!(asked(address, named, &configured[..1]).as_deref(), Ok("vpce.example:8443/x"));
    assert_eq!(asked(address, named, &configured).as_deref(), Ok("vpce.example:8443/x"));
    assert_eq!(asked("public.ecr.aws", named, &[]).as_deref(), Ok("vpce.example:8443/x"));
    // Nothing else of it is another than that of a variable.
    let origin = Origin::Context("endpoint");
    assert_eq!(
        asked("123456789012.dkr.ecr-fips.us-west-2.amazonaws.com", named, &[]),
        Err(EndpointError::FipsWithCustomEndpoint { origin: origin.clone() })
    );
    assert_eq!(
        asked(address, named, &[("AWS_USE_DUALSTACK_ENDPOINT", "true")]),
        Err(EndpointError::DualStackWithCustomEndpoint { origin })
    );
    let error = asked(address, "vpce.example", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "endpoint of the request is not a usable URL (it has no scheme): set it to https://HOST[:PORT][/PATH]"
    );
    assert_eq!(asked(address, " ", &[]).as_deref(), Ok("api.ecr.us-west-2.amazonaws.com"));
}

/// Who names the registry's API does not send the keys of a role's first identity there.
#[test]
fn the_endpoint_of_the_request_is_that_of_no_other_service() {
    let context = Context { endpoint: Some("https://vpce.example".to_owned()), ..Context::default() };
    let world = TestWorld::default();
    let files = SharedFiles::read(&world);
    let endpoint = Endpoint::of_service(Service::Sts, "us-west-2", &Settings::new(&world, &context, &files));
    assert_eq!(endpoint.unwrap().authority, "sts.us-west-2.amazonaws.com");
}

#[test]
fn an_address_in_brackets_may_have_a_port_or_none() {
    for (url, authority) in
        [("http://[::1]:8080/", "[::1]:8080"), ("https://[FD00::1]", "[fd00::1]"), ("https://[::1]:443", "[::1]")]
    {
        assert_eq!(of("public.ecr.aws", &[("AWS_ENDPOINT_URL", url)]).as_deref(), Ok(authority), "{url}");
    }
}

#[test]
fn a_host_may_be_any_name_or_address() {
    for host in ["localhost", "127.0.0.1", "aws_mock:4566", "vpce-0.ECR.example.com.", "[::ffff:127.0.0.1]"] {
        let endpoint = of("public.ecr.aws", &[("AWS_ENDPOINT_URL", &format!("http://{host}/"))]);
        assert_eq!(endpoint, Ok(host.to_ascii_lowercase()));
    }
}

#[test]
fn the_global_endpoint_of_sts_is_neither_a_fips_nor_a_dual_stack_endpoint() {
    let host = |fips, dual_stack| {
        let options = Options { fips, dual_stack, ..Options::default() };
        Endpoint::resolve(Service::Sts, Some("aws-global"), &options).unwrap().authority
    };
    assert_eq!(host(false, false), "sts.amazonaws.com");
    assert_eq!(host(true, false), "sts-fips.aws-global.amazonaws.com");
    assert_eq!(host(false, true), "sts.aws-global.api.aws");
}

/// It goes into the signature, whatever the endpoint.
#[test]
fn the_region_of_a_custom_endpoint_has_to_be_one_too() {
    let world = TestWorld::with_environment(&[("AWS_ENDPOINT_URL", "https://sts.example")]);
    let (files, context) = (SharedFiles::read(&world), Context::default());
    let settings = Settings::new(&world, &context, &files);
    for region in ["no region", "a\nb", "a.b"] {
        let error = Endpoint::of_service(Service::Sts, region, &settings).unwrap_err();
        assert_eq!(error, EndpointError::UnusableRegion(region.to_owned()));
    }
}

#[test]
fn an_endpoint_that_is_no_usable_url_is_an_error() {
    for url in [
        "vpce.example.com",
        "ftp://x",
        "https://",
        "https://:1",
        "https://user@x",
        "https://x?y",
        "https://x#y",
        "https://x y",
        "https://x/\u{e9}",
        "https://x/a\nb",
        "https://x:",
        "https://x:http",
        "https://x:0",
        "https://x:65536",
        "http://[::1",
        "http://::1]",
        "http://[]",
        "http://[::1]x",
        "http://[::g]",
        "http://a%zz",
        "https://h\"x",
        "https://x..y",
        "https://.",
    ] {
        let error = of("public.ecr.aws", &[("AWS_ENDPOINT_URL", url)]).unwrap_err();
        assert!(matches!(error, EndpointError::UnusableUrl { .. }), "{url}: {error}");
    }
}
