//! Registry addresses that nobody wrote down: generated ones, against the pattern of amazon-ecr-credential-helper.

use std::sync::LazyLock;

use keyward_ecr::registry::{Kind, Registry};
use proptest::prelude::*;
use regex_lite::Regex;

use crate::property::configuration;

/// The hosts of the public registry.
const PUBLIC_HOSTS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];

/// What the hosts of private registries end in, as patterns. Source: amazon-ecr-credential-helper,
/// `ecr-login/api/client.go`.
const SUFFIXES: [&str; 6] = [
    r"amazonaws\.(com(\.cn)?|eu)",
    r"on\.(aws|amazonwebservices\.com\.cn)",
    r"sc2s\.sgov\.gov",
    r"c2s\.ic\.gov",
    r"cloud\.adc-e\.uk",
    r"csp\.hci\.ic\.gov",
];

/// The helper's pattern of a private registry's host. The first four groups are account, FIPS, region and suffix.
static PRIVATE_HOST: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        format!(r"^([0-9]{{12}})\.dkr[.-]ecr(-fips)?\.([a-zA-Z0-9][a-zA-Z0-9_-]*)\.({})$", SUFFIXES.join("|"));
    Regex::new(&pattern).expect("the pattern is valid")
});

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn any_text_is_understood_or_refused_without_a_panic(address in any::<String>()) {
        check(&address)?;
    }

    #[test]
    fn an_address_that_is_almost_right_is_understood_as_the_helper_does_or_refused(address in almost_right()) {
        check(&address)?;
    }

    #[test]
    fn every_host_that_the_helper_knows_is_understood((host, decorated) in right()) {
        prop_assert!(PRIVATE_HOST.is_match(&host), "{host}");
        let registry = Registry::parse(&host);
        prop_assert!(registry.is_ok(), "{host}");
        prop_assert_eq!(&Registry::parse(&decorated), &registry, "{}", decorated);
        check(&decorated)?;
    }
}

/// What is accepted is a host out of the address, which alone means the same, and it means what it means to the helper.
fn check(address: &str) -> Result<(), TestCaseError> {
    let Ok(registry) = Registry::parse(address) else { return Ok(()) };
    prop_assert_eq!(Registry::parse(&registry.host), Ok(registry.clone()));
    prop_assert!(address.to_ascii_lowercase().contains(&registry.host), "{registry:?}");
    let Kind::Private { account } = &registry.kind else {
        prop_assert!(PUBLIC_HOSTS.contains(&registry.host.as_str()), "{registry:?}");
        return Ok(());
    };
    let groups = PRIVATE_HOST.captures(&registry.host);
    prop_assert!(groups.is_some(), "{registry:?}");
    let groups = groups.expect("it is there");
    prop_assert_eq!(account, &groups[1]);
    prop_assert_eq!(registry.fips, groups.get(2).is_some());
    prop_assert_eq!(&registry.region, &groups[3]);
    let suffix = Some(&groups[4]);
    let (plain, dual_stack) = (registry.partition.registry_suffix, registry.partition.dual_stack_registry_suffix);
    prop_assert_eq!(suffix, if registry.dual_stack { dual_stack } else { Some(plain) });
    Ok(())
}

/// A host that the helper knows, and an address with that host in it. Underscores and a hyphen at the end of the
/// region are left out: the helper's pattern has them, and no host name may (RFC 1123, section 2.1).
fn right() -> impl Strategy<Value = (String, String)> {
    let host =
        format!(r"[0-9]{{12}}\.dkr[.-]ecr(-fips)?\.[a-z0-9]([a-z0-9-]{{0,20}}[a-z0-9])?\.({})", SUFFIXES.join("|"));
    let host = proptest::string::string_regex(&host).expect("the pattern is valid");
    (host, "(https://|HTTPS://)?", any::<bool>(), r"\.?(:443|:5000|:65535)?([/?#]\PC*)?").prop_map(
        |(host, scheme, is_upper_case, rest)| {
            let typed = if is_upper_case { host.to_ascii_uppercase() } else { host.clone() };
            (host, format!("{scheme}{typed}{rest}"))
        },
    )
}

/// A host that the helper knows or the public one, with one fault or none: a character too many, too few or another
/// one, and something before or behind that may belong there.
fn almost_right() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        4 => right().prop_map(|(host, _)| host),
        1 => proptest::sample::select(PUBLIC_HOSTS.map(str::to_owned).to_vec()),
    ];
    let before = "((https?|oci|ssh)://)?([a-z]{1,4}(:[a-z]{1,4})?@)?|[a-z0-9.-]| ";
    let behind = r"\.?(\.example\.com)?(:[0-9]{0,6})?([/?#]\PC{0,8})?|[a-z0-9-]| ";
    (before, host, any::<proptest::sample::Index>(), "\\PC|[a-zA-Z0-9._-]|", 0..4_usize, behind).prop_map(
        |(before, mut host, index, inserted, fault, behind)| {
            let index = index.index(host.len());
            match fault {
                0 => {}
                1 => host.insert_str(index, &inserted),
                2 => host.replace_range(index..=index, &inserted),
                _ => drop(host.remove(index)),
            }
            [before, host, behind].concat()
        },
    )
}
