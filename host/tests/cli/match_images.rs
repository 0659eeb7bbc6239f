//! deploy/kubelet/credential-provider-config.yaml: the kubelet asks for every registry that the parser knows, and for no other.

use std::fs;
use std::path::Path;

use keyward_ecr::partition::{PARTITIONS, Partition};
use keyward_ecr::registry::Registry;

const PUBLIC_HOSTS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];

/// A region of each partition.
const REGIONS: [&str; 9] = [
    "us-east-1",
    "ap-southeast-2",
    "us-gov-west-1",
    "cn-northwest-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
];

#[test]
fn every_registry_of_every_partition_has_a_pattern() {
    let patterns = patterns();
    let mut seen = 0;
    for partition in &PARTITIONS {
        let hosts = hosts_of(partition);
        assert!(!hosts.is_empty(), "no region of {} is known here", partition.name);
        for host in hosts.iter().map(String::as_str).chain(PUBLIC_HOSTS) {
            Registry::parse(host).unwrap().check_region().unwrap();
            for image in [host.to_owned(), format!("{host}/team/image")] {
                assert!(patterns.iter().any(|pattern| matches(pattern, &image)), "no pattern has {image}");
            }
            seen += 1;
        }
    }
    assert!(seen > 2 * PARTITIONS.len(), "only {seen} hosts");
}

#[test]
fn every_pattern_is_for_registries_that_the_parser_knows() {
    for pattern in patterns() {
        let hosts = REGIONS.map(|region| pattern.replacen('*', "123456789012", 1).replacen('*', region, 1));
        let is_known = |host: &String| Registry::parse(host).is_ok_and(|registry| registry.check_region().is_ok());
        assert!(hosts.iter().any(is_known), "{pattern} is for no registry");
        for host in hosts {
            assert!(Registry::parse(&host).is_ok() && matches(&pattern, &host), "{pattern}: {host}");
        }
    }
}

#[test]
fn no_pattern_is_there_twice_or_has_the_registry_of_somebody_else() {
    let patterns = patterns();
    for (index, pattern) in patterns.iter().enumerate() {
        assert!(!patterns[..index].contains(pattern), "{pattern} is there twice");
        for host in [
            "docker.io",
            "registry.k8s.io",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com",
            "x.123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us.east-1.amazonaws.com",
            "123456789012.dkr.s3.us-east-1.amazonaws.com",
            "public.ecr.aws.example.com",
            "example.com/public.ecr.aws",
        ] {
            assert!(!matches(pattern, host), "{pattern} has {host}");
        }
    }
}

/// The lines that the kubelet's own validation asks for. Whoever uncomments what is commented out gets what it says.
#[test]
fn the_configuration_has_what_the_kubelet_asks_for() {
    let text = configuration();
    for line in [
        "apiVersion: kubelet.config.k8s.io/v1",
        "kind: CredentialProviderConfig",
        "  - name: keyward",
        "    apiVersion: credentialprovider.kubelet.k8s.io/v1",
        "    defaultCacheDuration: \"0s\"",
        "    #tokenAttributes:",
        "    #    - \"eks.amazonaws.com/ecr-role-arn\"",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in it");
    }
    assert!(text.lines().all(|line| !line.contains('\t')), "YAML has no tabs");
}

fn configuration() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubelet/credential-provider-config.yaml");
    fs::read_to_string(path).unwrap()
}

/// The items of `matchImages`.
fn patterns() -> Vec<String> {
    let text = configuration();
    let (_, list) = text.split_once("\n    matchImages:\n").unwrap();
    let items = list.lines().take_while(|line| line.starts_with("      "));
    let items = items.filter(|line| !line.trim_start().starts_with('#'));
    let patterns: Vec<String> =
        items.map(|line| line.trim().strip_prefix("- \"").unwrap().strip_suffix('"').unwrap().to_owned()).collect();
    assert!(patterns.len() > PARTITIONS.len(), "{patterns:?}");
    patterns
}

/// Each registry of one account that a partition can have: plain and dual-stack, with FIPS and without.
fn hosts_of(partition: &Partition) -> Vec<String> {
    let regions = REGIONS.into_iter().filter(|region| partition.has_region(region));
    let suffixes =
        [Some(("dkr.ecr", partition.registry_suffix)), partition.dual_stack_registry_suffix.map(|s| ("dkr-ecr", s))];
    let suffixes: Vec<_> = suffixes.into_iter().flatten().collect();
    regions
        .flat_map(|region| {
            suffixes.iter().flat_map(move |(service, suffix)| {
                ["", "-fips"].map(|fips| format!("123456789012.{service}{fips}.{region}.{suffix}"))
            })
        })
        .collect()
}

/// Whether the kubelet would ask for an image.
fn matches(pattern: &str, image: &str) -> bool {
    pattern.parse::<keyward::Pattern>().unwrap().matches(image)
}
