//! Which destinations a lookup may reach: judged by name before anything is resolved or connected, and by address after
//! the name was resolved. The addresses that are judged are the addresses that are connected to: nothing is resolved twice.
//!
//! Allowed by name are
//!
//! - what the operator's own settings name: `AWS_ENDPOINT_URL` and its relatives for the services that Keyward calls,
//!   `AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_CONTAINER_CREDENTIALS_FULL_URI`, [`Config::with_allowed`], and what `profiles`
//!   finds in the shared files;
//! - over HTTPS on its own port, the API endpoints of those services in the partitions that Keyward knows;
//! - over HTTP on its own port, the addresses of metadata services: of EC2, ECS and EKS Pod Identity, as literals.
//!
//! Nothing else: a component that was given keys cannot carry them elsewhere. What the operator names may lead anywhere. The
//! name of an AWS endpoint may lead to public addresses, and to private ones, since that is how AWS PrivateLink puts an endpoint
//! into a network; but not to this machine or its link, unless this machine's own hosts file says so. Behind a proxy
//! the address is the proxy's, which the operator named.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keyward_ecr::endpoint::Service;
use keyward_ecr::partition::{PARTITIONS, Partition};
use keyward_ecr::secret::address_without_secrets;

use crate::capability::destination::Destination;
use crate::config::Config;
use crate::error::SetupError;

/// The names that API endpoints begin with, before the region: of ECR, ECR Public, STS, and IAM Identity Center's two.
const SERVICES: [&str; 12] = [
    "api.ecr",
    "api.ecr-fips",
    "api.ecr-public",
    "ecr",
    "ecr-fips",
    "ecr-public",
    "oidc",
    "oidc-fips",
    "portal.sso",
    "portal.sso-fips",
    "sts",
    "sts-fips",
];

/// The metadata services of EC2 (both families), of ECS, and of EKS Pod Identity (both families).
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// What the name of a region may have; the longest has 16.
const MAX_REGION_BYTES: usize = 24;

/// The settings that name one destination each, besides AWS_ENDPOINT_URL and its relatives.
const METADATA_SETTINGS: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];

/// What to do about a refusal.
pub(crate) const SETTING: &str = "AWS_ENDPOINT_URL, in the AWS_ENDPOINT_URL variable of its service, in endpoint_url of a \
                                  profile, or with --allow (KEYWARD_ALLOW)";

/// The destinations that lookups may reach.
#[derive(Clone, Debug)]
pub(crate) struct EgressPolicy {
    /// What the operator named as a metadata service.
    metadata: BTreeSet<Destination>,
    /// What the operator named besides.
    named: BTreeSet<Destination>,
}

/// Why a destination is allowed, which decides where its name may lead, and whether a proxy may be on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It is a metadata service: at one of its addresses, or where the operator has it.
    Metadata,
    /// The operator named it.
    Named,
    /// It is an API endpoint of AWS.
    Service,
}

impl EgressPolicy {
    pub(crate) fn new(config: &Config) -> Result<Self, SetupError> {
        let endpoints = Service::ALL.map(Service::endpoint_variable).into_iter().chain(["AWS_ENDPOINT_URL"]);
        let is_ignored = ignores_endpoints(config).unwrap_or_default();
        let mut named: BTreeSet<Destination> =
            endpoints.filter(|_| !is_ignored).filter_map(|name| destination(config.variable(name)?)).collect();
        let metadata = METADATA_SETTINGS.into_iter().filter_map(|name| destination(config.variable(name)?)).collect();
        for allowed in &config.allowed {
            let wrong = || SetupError::Allowed { destination: address_without_secrets(allowed) };
            named.insert(destination(allowed).ok_or_else(wrong)?);
        }
        Ok(Self { metadata, named })
    }

    /// Why a request may be sent there, if it may.
    pub(crate) fn grant(&self, destination: &Destination) -> Option<Grant> {
        let Destination { is_https, host, port } = destination;
        // Before what else it may be named as: no proxy reads the keys of a machine.
        if self.metadata.contains(destination) {
            Some(Grant::Metadata)
        } else if self.named.contains(destination) {
            Some(Grant::Named)
        } else if *is_https && *port == 443 && is_api_endpoint(host) {
            Some(Grant::Service)
        } else {
            // As text, so that it is compared in no other spelling than the usual one, nor as one that another family embeds.
            let is_metadata = METADATA.iter().any(|address| address.to_string() == *host);
            (!is_https && *port == 80 && is_metadata).then_some(Grant::Metadata)
        }
    }
}

impl Grant {
    /// Whether a name with this grant may lead to an address.
    pub(crate) fn allows(self, address: IpAddr, is_of_this_machine: bool) -> bool {
        match self {
            Self::Metadata | Self::Named => true,
            Self::Service => is_of_this_machine || !is_local(address),
        }
    }
}

/// Whether the environment says that configured endpoints are to be ignored; `None` where it says nothing.
pub(crate) fn ignores_endpoints(config: &Config) -> Option<bool> {
    Some(config.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.trim().eq_ignore_ascii_case("true"))
}

/// The destination of a setting's URL.
pub(crate) fn destination(text: &str) -> Option<Destination> {
    Destination::of(&text.trim().parse().ok()?)
}

/// `SERVICE.REGION.SUFFIX`, with a region that has the shape of the partition's, and STS's global name. Whatever else could stand in
/// the place of a region is somebody's: `s3`, where anybody may have a bucket of any name, or a secret on its way to a name server.
fn is_api_endpoint(host: &str) -> bool {
    let regional = |partition: &Partition, suffix: &str| {
        let Some(service_and_region) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else {
            return false;
        };
        let Some((service, region)) = service_and_region.rsplit_once('.') else { return false };
        SERVICES.contains(&service) && region.len() <= MAX_REGION_BYTES && partition.has_region(region)
    };
    host == "sts.amazonaws.com"
        || PARTITIONS.iter().any(|partition| {
            regional(partition, partition.dns_suffix) || regional(partition, partition.dual_stack_dns_suffix)
        })
}

/// Whether an address is that of no server elsewhere: this machine, its link, many machines at once, or none (the registries
/// of special addresses, RFC 6890).
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_local_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(address) => is_local_v4(address),
            None => !is_unicast_v6(address) || METADATA.contains(&IpAddr::V6(address)),
        },
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    // The metadata services of Alibaba Cloud and of Azure, which are not link-local.
    if matches!(address.octets(), [100, 100, 100, 200] | [168, 63, 129, 16]) {
        return true;
    }
    match first {
        0 | 127 => true,
        169 => second == 254,
        // Protocol assignments, documentation, and relays to the other family.
        192 => (second == 0 && (third == 0 || third == 2)) || (second == 88 && third == 99),
        // Benchmarks and documentation.
        198 => second == 18 || second == 19 || (second == 51 && third == 100),
        203 => second == 0 && third == 113,
        first => first >= 224,
    }
}

/// The address of the other family that an address stands for: mapped, compatible, translated (64:ff9b::/96), 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(joined(g, h)),
        // :: and ::1 are addresses of their own.
        (0, 0, 0, 0, 0, 0) if g != 0 || h > 1 => Some(joined(g, h)),
        (0x2002, ..) => Some(joined(b, c)),
        _ => None,
    }
}

/// Global unicast (2000::/3) but for protocol assignments (2001::/23) and documentation, and unique local (fc00::/7).
fn is_unicast_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = (first == 0x2001 && (second < 0x200 || second == 0xdb8)) || (first == 0x3fff && second < 0x1000);
    (first & 0xe000 == 0x2000 && !is_special) || first & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(config: &Config, uri: &str) -> bool {
        let destination = uri.parse().ok().and_then(|uri| Destination::of(&uri));
        destination.is_some_and(|destination| EgressPolicy::new(config).unwrap().grant(&destination).is_some())
    }

    #[test]
    fn the_endpoints_of_the_known_partitions_are_allowed_over_https() {
        for uri in [
            "https://api.ecr.us-east-1.amazonaws.com/",
            "https://API.ECR.us-east-1.amazonaws.com:443/",
            "https://api.ecr-fips.us-gov-west-1.amazonaws.com/",
            "https://ecr.us-west-2.api.aws/",
            "https://api.ecr.cn-north-1.amazonaws.com.cn/",
            "https://ecr-fips.us-isof-south-1.api.aws.hci.ic.gov/",
            "https://ecr-public.us-east-1.api.aws/",
            "https://sts.eu-central-1.amazonaws.com/",
            "https://sts.amazonaws.com/",
            "https://portal.sso.eu-west-1.amazonaws.com/",
            "https://oidc-fips.us-gov-west-1.amazonaws.com/",
        ] {
            assert!(allows(&Config::new(), uri), "{uri}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for uri in [
            "http://api.ecr.us-east-1.amazonaws.com/",
            "https://api.ecr.us-east-1.amazonaws.com:8443/",
            "https://api.ecr.us-east-1.amazonaws.com.example.com/",
            "https://bucket.s3.us-east-1.amazonaws.com/",
            "https://x.api.ecr.us-east-1.amazonaws.com/",
            "https://api.ecr..amazonaws.com/",
            "https://ecr-fips.s3.amazonaws.com/",
            "https://sts-fips.s3.amazonaws.com/",
            "https://ecr.s3-us-west-2.amazonaws.com/",
            "https://oidc.us-thesecretaccesskeyofsomebody-1.amazonaws.com/",
            "https://api.ecr.us-east-1.amazonaws.com.cn/",
            "https://api.ecr.us-east-1.amazonaws.com:443x/",
            "https://api.ecr.us-east-1.amazonaws.com./",
            "https://amazonaws.com/",
            "https://user@api.ecr.us-east-1.amazonaws.com/",
            "https://127.0.0.1/",
            "http://127.0.0.1/",
            "http://localhost/",
            "https://example.com/",
            "ftp://api.ecr.us-east-1.amazonaws.com/",
        ] {
            assert!(!allows(&Config::new(), uri), "{uri}");
        }
    }

    #[test]
    fn what_the_operator_names_is_allowed_with_its_scheme_and_port_and_no_other() {
        let config = Config::new().with_variable("AWS_ENDPOINT_URL_ECR", "http://localhost:4566/path");
        assert!(allows(&config, "http://localhost:4566/"));
        assert!(!allows(&config, "https://localhost:4566/"));
        assert!(!allows(&config, "http://localhost:4567/"));
        assert!(!allows(&config, "http://localhost/"));
        let ignored = config.with_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert!(!allows(&ignored, "http://localhost:4566/"));
    }

    #[test]
    fn the_endpoint_of_a_service_that_lookups_do_not_call_is_not_granted() {
        let config = Config::new().with_variable("AWS_ENDPOINT_URL_S3", "http://localhost:9000");
        assert!(!allows(&config, "http://localhost:9000/"));
    }

    #[test]
    fn metadata_services_are_reached_as_address_literals_in_their_usual_spelling_and_in_no_other_way() {
        for uri in [
            "http://169.254.169.254/latest/meta-data/",
            "http://[fd00:ec2::254]/latest/meta-data/",
            "http://169.254.170.2/v2/credentials",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert!(allows(&Config::new(), uri), "{uri}");
        }
        for uri in [
            "https://169.254.169.254/",
            "http://169.254.169.254:8080/",
            "http://169.254.169.253/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://169.254.169.254./",
            "http://0.0.0.0/",
            "http://0/",
            "http://[::]/",
            "http://metadata.google.internal/",
        ] {
            assert!(!allows(&Config::new(), uri), "{uri}");
        }
    }

    #[test]
    fn the_operators_settings_for_metadata_and_containers_name_one_destination_each() {
        let config = Config::new()
            .with_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:8080/credentials")
            .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[::1]:1338");
        assert!(allows(&config, "http://localhost:8080/other"));
        assert!(allows(&config, "http://[::1]:1338/latest"));
        assert!(!allows(&config, "http://localhost:8081/"));
        assert!(!allows(&config, "http://127.0.0.1:8080/"));
    }

    #[test]
    fn what_is_allowed_is_a_destination_or_an_error_that_names_it() {
        assert!(allows(&Config::new().with_allowed("https://proxy.example:8443"), "https://proxy.example:8443/path"));
        for (wrong, named) in [
            ("proxy.example", "proxy.example"),
            ("ftp://proxy.example", "ftp://proxy.example"),
            ("", ""),
            ("https://user:hunter2@proxy.example", "https://***@proxy.example"),
        ] {
            let error = EgressPolicy::new(&Config::new().with_allowed(wrong)).unwrap_err();
            assert_eq!(error, SetupError::Allowed { destination: named.to_owned() });
        }
    }

    #[test]
    fn the_name_of_an_endpoint_may_lead_to_public_and_private_addresses_and_not_to_this_machine_or_its_link() {
        let allows = |address: &str| Grant::Service.allows(address.parse().unwrap(), false);
        // Private ones, since AWS PrivateLink answers with them.
        for address in [
            "52.94.133.131",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "2600:1f18::1",
            "fd12:3456::1",
            "::ffff:10.0.0.1",
            "64:ff9b::3445:1",
        ] {
            assert!(allows(address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "fd00:ec2::254",
            "4000::1",
            "2001:0:7f00:1::1",
            "3fff::1",
            "192.88.99.1",
            "100.100.100.200",
            "168.63.129.16",
        ] {
            assert!(!allows(address), "{address}");
        }
    }

    #[test]
    fn what_the_operator_or_this_machine_says_may_lead_anywhere() {
        let here = "127.0.0.1".parse().unwrap();
        assert!(Grant::Named.allows(here, false));
        assert!(Grant::Service.allows(here, true));
    }
}
