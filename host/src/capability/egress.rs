//! Which destinations a lookup may reach, judged by name before anything is resolved or connected.
//!
//! Allowed are, over HTTPS on its own port, the API endpoints of the services that Keyward calls in the partitions that it
//! knows, and what the operator's own environment names in AWS_ENDPOINT_URL and, for those services, its relatives. Nothing else: a
//! component that was given keys cannot carry them elsewhere.

use std::collections::BTreeSet;

use keyward_ecr::endpoint::Service;
use keyward_ecr::partition::PARTITIONS;

use crate::capability::destination::Destination;
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

impl EgressPolicy {
    pub(crate) fn new(config: &Config) -> Self {
        let services = [Service::Ecr, Service::EcrPublic, Service::Sts];
        let settings = services.map(Service::endpoint_variable).into_iter().chain(["AWS_ENDPOINT_URL"]);
        let is_ignored = config
            .variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let named = settings
            .filter(|_| !is_ignored)
            .filter_map(|name| Destination::of(&config.variable(name)?.trim().parse().ok()?))
            .collect();
        Self { named }
    }

    /// Whether a request may be sent there.
    pub(crate) fn allows(&self, destination: &Destination) -> bool {
        let Destination { is_https, host, port } = destination;
        self.named.contains(destination) || (*is_https && *port == 443 && is_api_endpoint(host))
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
        let destination = uri.parse().ok().and_then(|uri| Destination::of(&uri));
        destination.is_some_and(|destination| EgressPolicy::new(config).allows(&destination))
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
        let ignored = config.with_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert!(!allows(&ignored, "http://localhost:4566/"));
    }

    #[test]
    fn the_endpoint_of_a_service_that_lookups_do_not_call_is_not_granted() {
        let config = Config::new().with_variable("AWS_ENDPOINT_URL_S3", "http://localhost:9000");
        assert!(!allows(&config, "http://localhost:9000/"));
    }
}
