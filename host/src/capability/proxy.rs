//! Which requests go through a proxy, and through which: by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in upper or lower
//! case, as hyper-util reads them.
//!
//! Metadata services are never asked through a proxy, and neither is this machine: what answers there would be those of the
//! proxy's machine. (What settings name as a metadata service does not come here: see `connect`.)

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::capability::destination::Destination;
use crate::config::Config;
use crate::error::Error;

/// The settings that name a proxy, by the scheme of the requests that they are for.
const FOR_HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const FOR_HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The proxies of a resolver.
#[derive(Debug)]
pub(crate) struct Proxies {
    matcher: Matcher,
    for_http: Option<Setting>,
    for_https: Option<Setting>,
    /// Whether NO_PROXY is `*`, which hyper-util takes for names alone.
    is_off: bool,
}

/// A setting that names a proxy.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    is_usable: bool,
}

impl Proxies {
    pub(crate) fn new(config: &Config) -> Self {
        let first = |names: &[&'static str]| names.iter().find(|name| config.variable(name).is_some()).copied();
        let setting = |names| {
            let name = first(names)?;
            Some(Setting { name, is_usable: is_usable(config.variable(name).unwrap_or_default()) })
        };
        let value = |names: &[&'static str]| first(names).and_then(|name| config.variable(name)).unwrap_or_default();
        let matcher = Matcher::builder()
            .http(value(&FOR_HTTP))
            .https(value(&FOR_HTTPS))
            .no(value(&["NO_PROXY", "no_proxy"]))
            .build();
        let is_off = value(&["NO_PROXY", "no_proxy"]).split(',').any(|entry| entry.trim() == "*");
        Self { matcher, for_http: setting(&FOR_HTTP), for_https: setting(&FOR_HTTPS), is_off }
    }

    /// The proxy for a request, if it goes through one.
    pub(crate) fn of(&self, uri: &Uri, destination: &Destination) -> Result<Option<Intercept>, Error> {
        let setting = if destination.is_https { &self.for_https } else { &self.for_http };
        let Some(setting) = setting.as_ref().filter(|_| !self.is_off && !is_local(&destination.host)) else {
            return Ok(None);
        };
        if setting.is_usable {
            return Ok(self.matcher.intercept(uri));
        }
        Err(Error::Invalid(format!(
            "{} does not name a proxy that can be used: set it to the URL of an HTTP proxy, such as \
             http://proxy.example:3128, or name {} in NO_PROXY",
            setting.name, destination.host
        )))
    }
}

/// Whether it is the URL of an HTTP proxy; without a scheme, it is one too.
fn is_usable(value: &str) -> bool {
    let proxy = Matcher::builder().all(value.to_owned()).build().intercept(&Uri::from_static("https://any.example"));
    proxy.is_some_and(|proxy| {
        proxy.uri().scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
    })
}

/// This machine, its link, and the metadata services of AWS.
fn is_local(host: &str) -> bool {
    use std::net::IpAddr;
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            let is_link_local = address.segments()[0] & 0xffc0 == 0xfe80;
            address.is_loopback() || is_link_local || matches!(address.segments(), [0xfd00, 0xec2, ..])
        }
        Err(_) => {
            let host = host.trim_end_matches('.');
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(settings: &[(&str, &str)], uri: &str) -> Result<Option<String>, Error> {
        let config = settings.iter().fold(Config::new(), |config, (name, value)| config.with_variable(name, value));
        let uri: Uri = uri.parse().unwrap();
        let proxy = Proxies::new(&config).of(&uri, &Destination::of(&uri).unwrap())?;
        Ok(proxy.map(|proxy| proxy.uri().to_string()))
    }

    const ECR: &str = "https://api.ecr.us-east-1.amazonaws.com/";

    #[test]
    fn each_scheme_has_its_setting_in_either_case_and_a_common_one() {
        let through = |settings: &[(&str, &str)], uri| proxy(settings, uri).unwrap().unwrap_or_default();
        assert_eq!(through(&[("HTTPS_PROXY", "http://p:1")], ECR), "http://p:1/");
        assert_eq!(through(&[("https_proxy", "p:1")], ECR), "http://p:1/");
        assert_eq!(through(&[("ALL_PROXY", "https://p:1")], ECR), "https://p:1/");
        assert_eq!(through(&[("all_proxy", "http://all"), ("https_proxy", "http://p")], ECR), "http://p/");
        assert_eq!(through(&[("HTTP_PROXY", "http://p:1")], ECR), "");
        assert_eq!(through(&[("HTTP_PROXY", "http://p:1")], "http://ecr.example:4566/"), "http://p:1/");
        for exception in ["*", "amazonaws.com", ".amazonaws.com", "api.ecr.us-east-1.amazonaws.com"] {
            assert_eq!(through(&[("HTTPS_PROXY", "http://p:1"), ("no_proxy", exception)], ECR), "", "{exception}");
        }
        assert_eq!(through(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")], "https://192.0.2.1/"), "");
    }

    #[test]
    fn metadata_services_and_this_machine_are_never_asked_through_a_proxy() {
        for host in [
            "169.254.169.254",
            "[fd00:ec2::254]",
            "169.254.170.2",
            "[fd00:ec2::23]",
            "[fe80::1]",
            "127.0.0.1:80",
            "localhost:80",
            "a.localhost.",
        ] {
            assert_eq!(proxy(&[("ALL_PROXY", "http://p:1")], &format!("http://{host}/")), Ok(None), "{host}");
        }
    }

    #[test]
    fn an_unusable_setting_is_an_error_of_the_requests_that_it_is_for_and_does_not_repeat_its_password() {
        for value in ["socks5://user:hunter2@p:1", "ftp://user:hunter2@p", "http://user:hunter2@ p"] {
            let Err(Error::Invalid(text)) = proxy(&[("HTTPS_PROXY", value)], ECR) else { panic!("{value}") };
            assert!(text.starts_with("HTTPS_PROXY does not name a proxy") && !text.contains("hunter2"), "{text}");
            assert_eq!(proxy(&[("HTTPS_PROXY", value)], "http://ecr.example/"), Ok(None));
        }
    }
}
