use super::*;
use crate::test_world::TestWorld;

fn of(address: &str, variables: &[(&str, &str)]) -> Result<String, EndpointError> {
    let world = TestWorld::with_environment(variables);
    let endpoint = Endpoint::of_registry(&Registry::parse(address).unwrap(), &world)?;
    Ok(format!("{}{}", endpoint.authority, endpoint.base_path))
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
    let variable = "AWS_ENDPOINT_URL";
    assert_eq!(
        of("123456789012.dkr.ecr-fips.us-west-2.amazonaws.com", &[custom]),
        Err(EndpointError::FipsWithCustomEndpoint { variable })
    );
    assert_eq!(
        of("public.ecr.aws", &[custom, ("AWS_USE_DUALSTACK_ENDPOINT", "true")]),
        Err(EndpointError::DualStackWithCustomEndpoint { variable })
    );
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
        let settings = Settings { fips, dual_stack, ..Settings::default() };
        Endpoint::resolve(Service::Sts, Some("aws-global"), &settings).unwrap().authority
    };
    assert_eq!(host(false, false), "sts.amazonaws.com");
    assert_eq!(host(true, false), "sts-fips.aws-global.amazonaws.com");
    assert_eq!(host(false, true), "sts.aws-global.api.aws");
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
