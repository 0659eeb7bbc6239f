//! The endpoints of AWS's APIs: service, region and settings → where to send a request.
//!
//! Source: the endpoint rules of the services, as botocore has them (`endpoint-rule-set-1.json` of ecr, ecr-public and
//! sts), whose own test cases tests/conformance/ runs.

use crate::partition::Partition;
use crate::profile::{SectionKind, sub_property};
use crate::registry::{Kind, Registry, is_port};
use crate::settings::{Origin, Setting, SettingError, Settings};
use crate::world::{Local, Scheme};

/// The regions whose STS calls went to the global endpoint before there were regional ones; with [`Options::global`]
/// they still do.
const STS_GLOBAL_REGIONS: [&str; 16] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "aws-global",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A service of AWS that Keyward calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon Elastic Container Registry.
    Ecr,
    /// Amazon ECR Public.
    EcrPublic,
    /// AWS IAM Identity Center's portal, which gives out credentials.
    Sso,
    /// AWS IAM Identity Center's OpenID Connect, which gives out the tokens for it.
    SsoOidc,
    /// AWS Security Token Service.
    Sts,
}

impl Service {
    /// The name that signatures have for the service.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Ecr => "ecr",
            Self::EcrPublic => "ecr-public",
            Self::Sso => "awsssoportal",
            Self::SsoOidc => "sso-oauth",
            Self::Sts => "sts",
        }
    }

    /// Every service.
    pub const ALL: [Self; 5] = [Self::Ecr, Self::EcrPublic, Self::Sso, Self::SsoOidc, Self::Sts];

    /// The variable that names a custom endpoint for this service alone.
    pub fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Ecr => "AWS_ENDPOINT_URL_ECR",
            Self::EcrPublic => "AWS_ENDPOINT_URL_ECR_PUBLIC",
            Self::Sso => "AWS_ENDPOINT_URL_SSO",
            Self::SsoOidc => "AWS_ENDPOINT_URL_SSO_OIDC",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
        }
    }

    /// The endpoint that the settings put in the place of the service's own.
    ///
    /// # Errors
    ///
    /// [`SettingError`] of the setting that turns all of them off.
    pub fn custom<L: Local>(self, settings: &Settings<'_, L>) -> Result<Option<Setting>, SettingError> {
        let ignore = settings.switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")?;
        Ok(if ignore { None } else { custom_endpoint(settings, self) })
    }

    /// The key that a services section of the config file has for the service.
    pub fn section_key(self) -> &'static str {
        match self {
            Self::Ecr => "ecr",
            Self::EcrPublic => "ecr_public",
            Self::Sso => "sso",
            Self::SsoOidc => "sso_oidc",
            Self::Sts => "sts",
        }
    }
}

/// Where to send requests, and what to sign them for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The service.
    pub service: Service,
    /// With or without TLS. Without it only where a custom endpoint says so.
    pub scheme: Scheme,
    /// The host, and the port where it is not the scheme's own.
    pub authority: String,
    /// The path, without a slash at its end.
    pub base_path: String,
    /// The region to sign for.
    pub signing_region: String,
}

/// What chooses among the endpoints of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// An endpoint that replaces the service's own.
    pub custom: Option<Setting>,
    /// Only cryptography validated for FIPS 140.
    pub fips: bool,
    /// An endpoint that answers on IPv6 too.
    pub dual_stack: bool,
    /// STS alone: the endpoint of before there were regional ones.
    pub global: bool,
}

/// The settings do not lead to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// AWS's rules refuse a custom endpoint together with dual-stack.
    #[error("AWS_USE_DUALSTACK_ENDPOINT (use_dualstack_endpoint) and {origin} cannot be combined: unset one of them")]
    DualStackWithCustomEndpoint {
        /// The setting that names the custom endpoint.
        origin: Origin,
    },
    /// AWS's rules refuse a custom endpoint together with FIPS: nobody could say whether it is one.
    #[error(
        "a FIPS endpoint, asked for by the registry's address or by AWS_USE_FIPS_ENDPOINT (use_fips_endpoint), and {origin} cannot be \
         combined: unset {origin}, or ask for no FIPS endpoint"
    )]
    FipsWithCustomEndpoint {
        /// The setting that names the custom endpoint.
        origin: Origin,
    },
    /// No region to choose the endpoint by.
    #[error("the region is missing: set AWS_REGION")]
    MissingRegion,
    /// ECR Public has no FIPS endpoint.
    #[error("ECR Public has no FIPS endpoint: unset AWS_USE_FIPS_ENDPOINT (use_fips_endpoint) for this registry")]
    PublicFips,
    /// A setting that makes no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The region cannot be a part of a host name.
    #[error("the region '{0}' is not a valid one: correct AWS_REGION, or region or sso_region in the config file")]
    UnusableRegion(String),
    /// The custom endpoint is not a usable URL.
    #[error("{origin} is not a usable URL ({reason}): set it to https://HOST[:PORT][/PATH]")]
    UnusableUrl {
        /// The setting that names the custom endpoint.
        origin: Origin,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Options {
    /// The settings for one service: AWS_ENDPOINT_URL and its relatives, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, and
    /// AWS_STS_REGIONAL_ENDPOINTS, each in the environment or in the profile. Source: the AWS SDKs and Tools Reference Guide.
    ///
    /// # Errors
    ///
    /// [`SettingError`].
    pub fn of<L: Local>(settings: &Settings<'_, L>, service: Service) -> Result<Self, SettingError> {
        Ok(Self {
            custom: service.custom(settings)?,
            fips: settings.switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
            dual_stack: settings.switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
            global: service == Service::Sts && is_sts_global(settings)?,
        })
    }
}

/// In the order of the reference guide: the service's own variable, the one for all, the profile's services section, the profile.
fn custom_endpoint<L: Local>(settings: &Settings<'_, L>, service: Service) -> Option<Setting> {
    settings
        .variable(service.endpoint_variable())
        .or_else(|| settings.variable("AWS_ENDPOINT_URL"))
        .or_else(|| {
            let services = settings.property("services")?.value;
            let section = settings.profiles().ok()?.get(SectionKind::Services, &services)?;
            let url = sub_property(section.get(service.section_key())?, "endpoint_url")?;
            let property = format!("endpoint_url of {} in services {services}", service.section_key());
            let origin = Origin::Profile { profile: settings.profile_name().to_owned(), property };
            Some(Setting { value: url.to_owned(), origin })
        })
        .or_else(|| settings.property("endpoint_url"))
}

/// Regional endpoints are what every SDK has by default today.
fn is_sts_global<L: Local>(settings: &Settings<'_, L>) -> Result<bool, SettingError> {
    match settings.value("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints") {
        None => Ok(false),
        Some(setting) if setting.value.eq_ignore_ascii_case("regional") => Ok(false),
        Some(setting) if setting.value.eq_ignore_ascii_case("legacy") => Ok(true),
        Some(Setting { value, origin }) => Err(SettingError { origin, value, expected: "regional or legacy" }),
    }
}

impl Endpoint {
    /// The endpoint that gives out the tokens of a registry, by the address asked and by the settings.
    ///
    /// The endpoint that the request names goes before what is configured. It is no configured one either, so it counts where those are to
    /// be ignored.
    ///
    /// An address with `ecr-fips` in it demands a FIPS endpoint as AWS_USE_FIPS_ENDPOINT does. A dual-stack address
    /// is a preference: it gives way to a custom endpoint, where AWS_USE_DUALSTACK_ENDPOINT is an error.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] for settings that contradict each other or the registry.
    pub fn of_registry<L: Local>(registry: &Registry, settings: &Settings<'_, L>) -> Result<Self, EndpointError> {
        let service = match registry.kind {
            Kind::Private { .. } => Service::Ecr,
            Kind::Public => Service::EcrPublic,
        };
        let mut options = Options::of(settings, service)?;
        options.custom = settings.requested_endpoint().or(options.custom);
        options.fips |= registry.fips;
        options.dual_stack |= registry.dual_stack && options.custom.is_none();
        if options.fips && registry.kind == Kind::Public {
            return Err(EndpointError::PublicFips);
        }
        // The address knows its partition even where the region is newer than the table.
        Self::in_partition(registry.partition, service, Some(&registry.region), &options)
    }

    /// The endpoint of another service for a region, by the settings.
    ///
    /// # Errors
    ///
    /// [`EndpointError`].
    pub fn of_service<L: Local>(
        service: Service,
        region: &str,
        settings: &Settings<'_, L>,
    ) -> Result<Self, EndpointError> {
        Self::resolve(service, Some(region), &Options::of(settings, service)?)
    }

    /// The endpoint that AWS's rules give for a service, a region and the settings. They go by the region alone, and
    /// take one of no known shape for one of the commercial partition.
    ///
    /// # Errors
    ///
    /// [`EndpointError`].
    pub fn resolve(service: Service, region: Option<&str>, options: &Options) -> Result<Self, EndpointError> {
        let partition = region.and_then(Partition::of_region).unwrap_or(Partition::commercial());
        Self::in_partition(partition, service, region, options)
    }

    fn in_partition(
        partition: &Partition,
        service: Service,
        region: Option<&str>,
        options: &Options,
    ) -> Result<Self, EndpointError> {
        let region = region.filter(|region| !region.is_empty());
        // Of a custom endpoint, too: it is signed for.
        if let Some(unusable) = region.filter(|region| !is_host_label(region)) {
            return Err(EndpointError::UnusableRegion(unusable.to_owned()));
        }
        if let Some(custom) = &options.custom {
            return Self::custom(service, region, options, custom);
        }
        let region = region.ok_or(EndpointError::MissingRegion)?;
        let regional_only = options.fips || options.dual_stack;
        let is_global = region == "aws-global" || (options.global && STS_GLOBAL_REGIONS.contains(&region));
        let (authority, signing_region) = if service == Service::Sts && is_global && !regional_only {
            ("sts.amazonaws.com".to_owned(), "us-east-1")
        } else {
            (regional_host(partition, service, region, options), region)
        };
        Ok(Self {
            service,
            scheme: Scheme::Https,
            authority,
            base_path: String::new(),
            signing_region: signing_region.to_owned(),
        })
    }

    fn custom(
        service: Service,
        region: Option<&str>,
        options: &Options,
        custom: &Setting,
    ) -> Result<Self, EndpointError> {
        let origin = || custom.origin.clone();
        if options.fips {
            return Err(EndpointError::FipsWithCustomEndpoint { origin: origin() });
        }
        if options.dual_stack {
            return Err(EndpointError::DualStackWithCustomEndpoint { origin: origin() });
        }
        let (scheme, authority, base_path) =
            split_url(&custom.value).map_err(|reason| EndpointError::UnusableUrl { origin: origin(), reason })?;
        Ok(Self { service, scheme, authority, base_path, signing_region: region.unwrap_or("us-east-1").to_owned() })
    }
}

fn regional_host(partition: &Partition, service: Service, region: &str, options: &Options) -> String {
    let (fips, dual_stack) = (options.fips, options.dual_stack);
    let suffix = if dual_stack { partition.dual_stack_dns_suffix } else { partition.dns_suffix };
    let name = match (service, fips, dual_stack) {
        (Service::Ecr, false, false) => "api.ecr",
        (Service::Ecr, true, false) => "api.ecr-fips",
        // Unlike those of other services, these names lose their `api.`: the suffix has it.
        (Service::Ecr, false, true) => "ecr",
        (Service::Ecr, true, true) => "ecr-fips",
        (Service::EcrPublic, false, true) if partition.name == "aws" => "ecr-public",
        (Service::EcrPublic, false, _) => "api.ecr-public",
        (Service::EcrPublic, true, _) => "api.ecr-public-fips",
        // In this partition, every endpoint of these is a FIPS endpoint.
        (Service::Sso, true, false) if partition.name == "aws-us-gov" => "portal.sso",
        (Service::Sso, true, _) => "portal.sso-fips",
        (Service::Sso, false, _) => "portal.sso",
        (Service::SsoOidc, true, false) if partition.name == "aws-us-gov" => "oidc",
        (Service::SsoOidc, true, _) => "oidc-fips",
        (Service::SsoOidc, false, _) => "oidc",
        (Service::Sts, true, false) if partition.name == "aws-us-gov" => "sts",
        (Service::Sts, true, _) => "sts-fips",
        (Service::Sts, false, _) => "sts",
    };
    format!("{name}.{region}.{suffix}")
}

fn is_host_label(text: &str) -> bool {
    text.len() <= 63 && !text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text can stand for the host of a URL: a name, or an address in brackets. Underscores are for the names of
/// containers, which have them.
fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // One dot at the end makes a name absolute.
    text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

/// Scheme, authority and path of a URL; what a request has no place for is an error.
///
/// # Errors
///
/// What is wrong with it.
pub fn split_url(url: &str) -> Result<(Scheme, String, String), &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => (Scheme::Https, ":443"),
        "http" => (Scheme::Http, ":80"),
        _ => return Err("its scheme is neither https nor http"),
    };
    if rest.contains(['?', '#']) {
        return Err("it has a query or a fragment");
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has characters that have to be percent-encoded");
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    if authority.contains('@') {
        return Err("it has user information");
    }
    // The colons of an IPv6 address are inside its brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err("it has no host");
    }
    if !is_host(host) {
        return Err("its host is neither a name nor an address");
    }
    if port.is_some_and(|port| !is_port(port)) {
        return Err("its port is not a number from 1 to 65535");
    }
    // The scheme's own port is not sent in the host header, so it must not be signed either.
    let authority = authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase();
    Ok((scheme, authority, path.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests;
