//! AWS partitions: the one table that registry addresses and API endpoints are both made from.
//!
//! Source: botocore's partitions.json for regions and suffixes, and amazon-ecr-credential-helper's
//! `ecr-login/api/client.go` for the names that registries have.

/// A group of regions that share accounts, DNS names and endpoints, and nothing with other partitions.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The partition's identifier, as in ARNs: `aws`, `aws-cn`.
    pub name: &'static str,
    /// What the names of its regions begin with, up to the last two parts: `us` for `us-east-1`.
    region_prefixes: &'static [&'static str],
    /// The suffix of API endpoints.
    pub dns_suffix: &'static str,
    /// The suffix of API endpoints that answer on IPv6 too.
    pub dual_stack_dns_suffix: &'static str,
    /// The suffix of registry addresses, where no registry of the partition has an IPv6 address: the only one.
    pub registry_suffix: &'static str,
    /// The suffix of registry addresses that answer on IPv6 too.
    pub dual_stack_registry_suffix: Option<&'static str>,
}

/// Every partition, the commercial one first.
pub static PARTITIONS: [Partition; 8] = [
    Partition {
        name: "aws",
        region_prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
        registry_suffix: "amazonaws.com",
        dual_stack_registry_suffix: Some("on.aws"),
    },
    Partition {
        name: "aws-cn",
        region_prefixes: &["cn"],
        dns_suffix: "amazonaws.com.cn",
        dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
        registry_suffix: "amazonaws.com.cn",
        dual_stack_registry_suffix: Some("on.amazonwebservices.com.cn"),
    },
    Partition {
        name: "aws-us-gov",
        region_prefixes: &["us-gov"],
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
        registry_suffix: "amazonaws.com",
        dual_stack_registry_suffix: Some("on.aws"),
    },
    Partition {
        name: "aws-eusc",
        region_prefixes: &["eusc-de"],
        dns_suffix: "amazonaws.eu",
        dual_stack_dns_suffix: "api.amazonwebservices.eu",
        registry_suffix: "amazonaws.eu",
        dual_stack_registry_suffix: None,
    },
    Partition {
        name: "aws-iso",
        region_prefixes: &["us-iso"],
        dns_suffix: "c2s.ic.gov",
        dual_stack_dns_suffix: "api.aws.ic.gov",
        registry_suffix: "c2s.ic.gov",
        dual_stack_registry_suffix: None,
    },
    Partition {
        name: "aws-iso-b",
        region_prefixes: &["us-isob"],
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_dns_suffix: "api.aws.scloud",
        registry_suffix: "sc2s.sgov.gov",
        dual_stack_registry_suffix: None,
    },
    Partition {
        name: "aws-iso-e",
        region_prefixes: &["eu-isoe"],
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
        registry_suffix: "cloud.adc-e.uk",
        dual_stack_registry_suffix: None,
    },
    Partition {
        name: "aws-iso-f",
        region_prefixes: &["us-isof"],
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_dns_suffix: "api.aws.hci.ic.gov",
        registry_suffix: "csp.hci.ic.gov",
        dual_stack_registry_suffix: None,
    },
];

impl Partition {
    /// The partition that a region's name belongs to, or `None` for a name of no known shape.
    pub fn of_region(region: &str) -> Option<&'static Partition> {
        PARTITIONS.iter().find(|partition| partition.has_region(region))
    }

    /// The commercial partition, which endpoint rules fall back to for a region of no known shape.
    pub fn commercial() -> &'static Partition {
        &PARTITIONS[0]
    }

    /// Whether a region's name has the shape that this partition's regions have: one of the prefixes, a word,
    /// a number, as botocore's patterns `^(us|eu|…)\-\w+\-\d+$` say.
    pub fn has_region(&self, region: &str) -> bool {
        let mut parts = region.rsplitn(3, '-');
        let (Some(number), Some(word), Some(prefix)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        self.region_prefixes.contains(&prefix)
            && !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_belongs_to_the_partition_whose_shape_it_has() {
        for (region, name) in [
            ("us-east-1", "aws"),
            ("mx-central-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
            ("cn-northwest-1", "aws-cn"),
        ] {
            assert_eq!(Partition::of_region(region).map(|partition| partition.name), Some(name), "{region}");
        }
    }

    #[test]
    fn a_name_of_another_shape_belongs_to_no_partition() {
        for region in
            ["", "us", "us-east", "us-east-", "us--1", "us-east-1a", "lala-land-1", "-us-east-1", "us-east-1-2"]
        {
            assert_eq!(Partition::of_region(region), None, "{region:?}");
        }
    }
}
