//! Which destinations a lookup may reach, judged by name before anything is resolved or connected.
//!
//! Allowed are, over HTTPS on its own port, the API endpoints of the services that Keyward calls in the partitions that it
//! knows, and whatever the operator's own environment names in AWS_ENDPOINT_URL and its relatives. Nothing else: a
//! component that was given keys cannot carry them elsewhere.

use std::collections::BTreeSet;

use http::Uri;
use http::uri::Scheme;
use keyward_ecr::partition::PARTITIONS;

use crate::config::Config;

/// The names that API endpoints begin with, before the region.
const SERVICES: [&str; 8] =
    ["api.ecr", "api.ecr-fips", "ecr", "ecr-fips", "api.ecr-public", "ecr-public", "sts", "sts-fips"];

/// The destinations that lookups may reach.
#[derive(Clone, Debug)]
pub(crate) struct EgressPolicy {
    /// What the operator named.
    named: BTreeSet<Destination>,
}

/// Scheme, host and port, with the port always there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Destination {
    is_https: bool,
    host: String,
    port: u16,
}

impl EgressPolicy {
    pub(crate) fn new(config: &Config) -> Self {
        let named = config
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"))
            .filter_map(|(_, url)| Destination::of(&url.expose().trim().parse().ok()?))
            .collect();
        Self { named }
    }

    /// Whether a request may be sent there.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        // Nothing that a guest may ask for has user information in it.
        let has_user = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
        let Some(destination) = Destination::of(uri).filter(|_| !has_user) else { return false };
        self.named.contains(&destination)
            || (destination.is_https && destination.port == 443 && is_api_endpoint(&destination.host))
    }
}

impl Destination {
    fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Some(Self { is_https, host: uri.host()?.to_ascii_lowercase(), port })
    }
}

/// `SERVICE.REGION.SUFFIX`, with one label for the region, in any partition; and STS's global name.
fn is_api_endpoint(host: &str) -> bool {
    let regional = |suffix: &str| {
        let Some(service_and_region) = host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) else {
            return false;
        };
        let Some((service, region)) = service_and_region.rsplit_once('.') else { return false };
        SERVICES.contains(&service) && !region.is_empty()
    };
    host == "sts.amazonaws.com"
        || PARTITIONS
            .iter()
            .any(|partition| regional(partition.dns_suffix) || regional(partition.dual_stack_dns_suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(config: &Config, uri: &str) -> bool {
        uri.parse().is_ok_and(|uri| EgressPolicy::new(config).allows(&uri))
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
            "https://amazonaws.com/",
            "https://user@api.ecr.us-east-1.amazonaws.com/",
            "https://127.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
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
    }
}
