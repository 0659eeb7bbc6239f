//! The address of a registry: what was typed → which registry it means.
//!
//! The parser is anchored by construction. It takes the host out of the address, splits it, and compares every
//! part with the partition table; nothing is searched for inside a longer name. So a look-alike such as
//! `123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com` has a suffix that is in no table.
//!
//! The parser accepts a region that it does not know, since regions appear before tables name them. Whether
//! region and suffix can belong together is a second question: [`Registry::check_region`].

use crate::partition::{PARTITIONS, Partition};

/// Both hosts of Amazon ECR Public, and whether the host is the one that answers on IPv6 too.
/// Source: amazon-ecr-credential-helper, `ecr-login/api/client.go`.
const PUBLIC_HOSTS: [(&str, bool); 2] = [("public.ecr.aws", false), ("ecr-public.aws.com", true)];

/// The one region of ECR Public's API that gives out tokens.
const PUBLIC_REGION: &str = "us-east-1";

/// A registry of Amazon ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The host of the registry, in lower case, without a port.
    pub host: String,
    /// Private, with the account that owns it, or public.
    pub kind: Kind,
    /// The region whose API gives out the token.
    pub region: String,
    /// The partition that the address belongs to.
    pub partition: &'static Partition,
    /// Whether the address asks for endpoints with FIPS 140 validated cryptography.
    pub fips: bool,
    /// Whether the address is one that answers on IPv6 too.
    pub dual_stack: bool,
}

/// Which of the two services a registry belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Amazon ECR: the registry of one account in one region.
    Private {
        /// The account's twelve digits.
        account: String,
    },
    /// Amazon ECR Public.
    Public,
}

/// The address is not one of Amazon ECR's: another provider may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not a registry of Amazon ECR")]
pub struct NotOurRegistry;

/// The region is one of a partition whose registries have other names, so the registry cannot exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} cannot exist: region {region} belongs to partition {partition}, whose registries end in \
     {expected}; correct the address"
)]
pub struct RegionMismatch {
    host: String,
    region: String,
    partition: &'static str,
    expected: &'static str,
}

impl Registry {
    /// Understands an address: a host, a URL with the scheme `https`, or an image reference, with or without a
    /// port, in any case.
    ///
    /// # Errors
    ///
    /// [`NotOurRegistry`] for everything else: other hosts, look-alikes, other schemes, user information, blanks.
    pub fn parse(address: &str) -> Result<Registry, NotOurRegistry> {
        let host = Address::parse(address).ok_or(NotOurRegistry)?.host;
        public(&host).or_else(|| private(&host)).ok_or(NotOurRegistry)
    }

    /// The strict layer above the parser: the region must not belong to a partition other than the address's.
    ///
    /// # Errors
    ///
    /// [`RegionMismatch`] says what the region's registries end in. A region of no known shape passes.
    pub fn check_region(&self) -> Result<(), RegionMismatch> {
        match Partition::of_region(&self.region) {
            Some(partition) if partition != self.partition => Err(RegionMismatch {
                host: self.host.clone(),
                region: self.region.clone(),
                partition: partition.name,
                expected: partition.registry_suffix,
            }),
            _ => Ok(()),
        }
    }
}

/// An address, taken apart: a host, a URL or an image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// In lower case, and without the dot at its end that makes a name absolute: the same host.
    pub host: String,
    /// The port, where there is one.
    pub port: Option<u16>,
    /// Empty, or with the slash before it. Neither a query nor a fragment is a part of it.
    pub path: &'a str,
}

impl<'a> Address<'a> {
    /// An address with the scheme `https`, or without any. `None` where it has parts that no registry's address has.
    pub fn parse(address: &'a str) -> Option<Self> {
        Self::with_schemes(address, &["https"])
    }

    /// As [`parse`](Self::parse), of an address that may have one of these schemes.
    pub fn with_schemes(address: &'a str, schemes: &[&str]) -> Option<Self> {
        let rest = match address.split_once("://") {
            // A scheme stands before everything else; "://" behind a slash is a part of a path.
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
                schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)?
            }
            _ => address,
        };
        let rest = rest.split(['?', '#']).next()?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        // User information has an '@', which no label may have; neither may blanks or letters beyond ASCII.
        host.split('.').all(is_label).then(|| Self { host: host.to_ascii_lowercase(), port, path })
    }
}

/// Host and port; `None` where the port is none that a server can have.
pub fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.split_once(':') {
        Some((host, port)) if is_port(port) => Some((host, port.parse().ok())),
        Some(_) => None,
        None => Some((authority, None)),
    }
}

/// Whether a text is a port number that a server can have.
pub(crate) fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A label of a host name: RFC 1123, section 2.1.
pub fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn public(host: &str) -> Option<Registry> {
    let (_, dual_stack) = PUBLIC_HOSTS.into_iter().find(|(name, _)| *name == host)?;
    Some(Registry {
        host: host.to_owned(),
        kind: Kind::Public,
        region: PUBLIC_REGION.to_owned(),
        partition: Partition::commercial(),
        fips: false,
        dual_stack,
    })
}

/// `ACCOUNT.dkr.ecr.REGION.SUFFIX`, also with `dkr-ecr`, `ecr-fips`, and both. Real addresses have `dkr.ecr` before
/// the classic suffixes and `dkr-ecr` before the others; the credential helper takes either before each, and one
/// of its test vectors needs that, so the parser does too.
fn private(host: &str) -> Option<Registry> {
    let (account, rest) = host.split_once('.')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let rest = rest.strip_prefix("dkr").filter(|_| is_account)?;
    let rest = rest.strip_prefix(['.', '-'])?.strip_prefix("ecr")?;
    let (fips, rest) = match rest.strip_prefix("-fips") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (region, suffix) = rest.strip_prefix('.')?.split_once('.')?;
    let (partition, dual_stack) = partition(region, suffix)?;
    Some(Registry {
        host: host.to_owned(),
        kind: Kind::Private { account: account.to_owned() },
        region: region.to_owned(),
        partition,
        fips,
        dual_stack,
    })
}

/// The partition whose registries have this suffix, and whether it is the suffix of dual-stack addresses. Where two
/// partitions share a suffix, the region decides.
fn partition(region: &str, suffix: &str) -> Option<(&'static Partition, bool)> {
    let mut candidates = PARTITIONS.iter().filter_map(|partition| {
        if partition.registry_suffix == suffix {
            Some((partition, false))
        } else if partition.dual_stack_registry_suffix == Some(suffix) {
            Some((partition, true))
        } else {
            None
        }
    });
    let of_region = Partition::of_region(region);
    let first = candidates.next()?;
    if of_region == Some(first.0) {
        return Some(first);
    }
    Some(candidates.find(|(partition, _)| of_region == Some(partition)).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    #[test]
    fn every_spelling_of_an_address_means_the_same_registry() {
        let registry = Registry::parse(HOST).unwrap();
        assert_eq!(registry.host, HOST);
        assert_eq!(registry.kind, Kind::Private { account: "123456789012".to_owned() });
        for address in [
            "https://123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "HTTPS://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/",
            "123456789012.DKR.ECR.US-EAST-1.amazonaws.COM",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:443",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:443/v2/",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image:1.2",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image@sha256:00ff",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/odd://path",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com#://",
        ] {
            assert_eq!(Registry::parse(address).as_ref(), Ok(&registry), "{address}");
        }
    }

    #[test]
    fn other_hosts_and_look_alikes_are_not_ours() {
        for address in [
            "",
            " ",
            "registry-1.docker.io",
            "http://123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "ftp://123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "user:password@123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "user@123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com@example.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:443@example.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com",
            "example.com/123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "example.com?123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "example.com#123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "example.com\\123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "x.123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "12345678901.dkr.ecr.us-east-1.amazonaws.com",
            "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
            "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkrxecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr-fipsy.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr..amazonaws.com",
            "123456789012.dkr.ecr.-us.amazonaws.com",
            "123456789012.dkr.ecr.a_b.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com..",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:0",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:65536",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:+80",
            " 123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com\n",
            "api.ecr.us-east-1.amazonaws.com",
            "public.ecr.aws.example.com",
            "xpublic.ecr.aws",
        ] {
            assert_eq!(Registry::parse(address), Err(NotOurRegistry), "{address:?}");
        }
    }

    #[test]
    fn where_two_partitions_share_a_suffix_the_region_decides() {
        let partition = |host: &str| Registry::parse(host).unwrap().partition.name;
        assert_eq!(partition("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"), "aws-us-gov");
        assert_eq!(partition("123456789012.dkr-ecr.us-gov-west-1.on.aws"), "aws-us-gov");
        assert_eq!(partition("123456789012.dkr.ecr.us-west-1.amazonaws.com"), "aws");
        assert_eq!(partition("123456789012.dkr.ecr.lala-land-1.amazonaws.com"), "aws");
    }

    #[test]
    fn a_region_of_another_partition_is_refused_by_the_strict_layer_and_not_by_the_parser() {
        for host in [
            "123456789012.dkr.ecr.us-west-2.amazonaws.com.cn",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com",
            "123456789012.dkr.ecr.us-iso-east-1.amazonaws.com",
        ] {
            Registry::parse(host).unwrap().check_region().unwrap_err();
        }
        let text = Registry::parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com").unwrap().check_region();
        assert_eq!(
            text.unwrap_err().to_string(),
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com cannot exist: region cn-north-1 belongs to partition \
             aws-cn, whose registries end in amazonaws.com.cn; correct the address"
        );
    }

    #[test]
    fn a_region_newer_than_the_table_passes_the_strict_layer() {
        let registry = Registry::parse("123456789012.dkr.ecr.lala-land-1.amazonaws.com").unwrap();
        assert_eq!(registry.check_region(), Ok(()));
    }

    #[test]
    fn both_public_hosts_are_served_from_one_region() {
        let plain = Registry::parse("https://public.ecr.aws/amazonlinux").unwrap();
        let dual_stack = Registry::parse("ECR-public.aws.com").unwrap();
        assert_eq!((plain.kind, plain.region.as_str(), plain.dual_stack), (Kind::Public, "us-east-1", false));
        assert_eq!((dual_stack.kind, dual_stack.dual_stack), (Kind::Public, true));
    }
}
