//! Values that are addresses, or say for which addresses something is.

use std::fmt;
use std::str::FromStr;

use keyward::{Mismatch, Pattern, PatternError};
use keyward_ecr::endpoint::split_url;
use keyward_ecr::registry::{Address, Registry};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::value::{FromFile, Value, listed};

/// The URL of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(pub(crate) String);

impl Value for Endpoint {
    const EXPECTED: &'static str = "https://HOST[:PORT][/PATH]";

    fn parse(text: &str) -> Result<Self, String> {
        split_url(text).map(|_| Self(text.to_owned())).map_err(str::to_owned)
    }

    fn show(&self) -> String {
        self.0.clone()
    }

    /// The text is not repeated: there may be a password in it.
    fn complaint(_: &str, reason: &str) -> String {
        format!("is not a usable URL ({reason}): set it to {}", Self::EXPECTED)
    }
}

impl FromFile for Endpoint {
    type Written = String;

    fn from_file(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|reason| Self::complaint(&text, &reason))
    }
}

/// The registry that another address stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias(pub(crate) Registry);

impl Value for Alias {
    const EXPECTED: &'static str = "ACCOUNT.dkr.ecr.REGION.amazonaws.com, or its like";

    fn parse(text: &str) -> Result<Self, String> {
        let registry = Registry::parse(text).map_err(|_| "not a registry of Amazon ECR".to_owned())?;
        registry.check_region().map_err(|mismatch| mismatch.to_string())?;
        Ok(Self(registry))
    }

    fn show(&self) -> String {
        self.0.host.clone()
    }
}

impl FromFile for Alias {
    type Written = String;

    fn from_file(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|reason| Self::complaint(&text, &reason))
    }
}

/// Which addresses stand for which registry: explicitly, since a registry's password goes to whoever is at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) pattern: Pattern,
    pub(crate) alias: Alias,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pattern, registry) = text.split_once('=').ok_or("it has no '='")?;
        let pattern = pattern.parse().map_err(|error: PatternError| format!("{pattern}: {error}"))?;
        Ok(Self { pattern, alias: Alias::parse(registry).map_err(|reason| format!("{registry}: {reason}"))? })
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.pattern, self.alias.show())
    }
}

/// Whether a pattern of the settings matches an address, as [`Pattern::check`] has it; but a registry of Amazon ECR is the same one at
/// whatever port: whoever writes it with one would otherwise get around the rule that is for it, to another identity. A pattern that
/// has a port is for that port alone.
pub(super) fn compare(pattern: &Pattern, address: &str) -> Result<(), Mismatch> {
    match (pattern.check(address), without_port(address)) {
        (Err(Mismatch::Port { pattern: None, .. }), Some(address)) => pattern.check(&address),
        (checked, _) => checked,
    }
}

/// The address of a registry of Amazon ECR, with its path and without its port; `None` of every other address.
fn without_port(address: &str) -> Option<String> {
    Registry::parse(address).ok()?;
    let Address { host, path, .. } = Address::parse(address)?;
    Some(format!("{host}{path}"))
}

/// In the file, it is the rules that have aliases.
impl Value for Vec<Mapping> {
    const EXPECTED: &'static str = "PATTERN=REGISTRY, with commas between";

    fn parse(text: &str) -> Result<Self, String> {
        listed(text).map(str::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(Mapping::to_string).collect::<Vec<_>>().join(",")
    }
}

/// What a rule is for: one pattern, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns(pub(crate) Vec<Pattern>);

impl Value for Patterns {
    const EXPECTED: &'static str = "a pattern, as in *.dkr.ecr.*.amazonaws.com";

    fn parse(text: &str) -> Result<Self, String> {
        Self::from_file(OneOrMore(vec![text.to_owned()]))
    }

    fn show(&self) -> String {
        self.0.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl FromFile for Patterns {
    type Written = OneOrMore;

    fn from_file(OneOrMore(texts): OneOrMore) -> Result<Self, String> {
        if texts.is_empty() {
            return Err(format!("is empty: set it to {}", Self::EXPECTED));
        }
        let parse = |text: &String| {
            text.parse().map_err(|error: PatternError| Self::complaint(text, &format!("not a pattern: {error}")))
        };
        texts.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// A text, or a list of texts.
pub(crate) struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMore;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<OneOrMore, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = texts.next_element()? {
                    all.push(text);
                }
                Ok(OneOrMore(all))
            }
        }

        deserializer.deserialize_any(Texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_endpoint_is_said_without_it() {
        let reason = Endpoint::parse("https://user:hunter2@ecr.example").unwrap_err();
        assert_eq!(
            Endpoint::complaint("https://user:hunter2@ecr.example", &reason),
            "is not a usable URL (it has user information): set it to https://HOST[:PORT][/PATH]"
        );
        Endpoint::parse("http://localhost:4566/x").unwrap();
    }

    #[test]
    fn a_pattern_without_a_port_matches_a_registry_of_amazon_ecr_at_every_port_and_other_hosts_at_none() {
        const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

        let matches = |pattern: &str, address: &str| compare(&pattern.parse().unwrap(), address).is_ok();
        for port in ["", ":443", ":8443"] {
            for address in [
                format!("{HOST}{port}/team/x"),
                format!("https://{HOST}.{port}/team/x"),
                format!("HTTPS://{}{port}/team/x:1", HOST.to_ascii_uppercase()),
            ] {
                for pattern in [HOST.to_owned(), format!("{HOST}/team/"), "*.dkr.ecr.*.amazonaws.com".to_owned()] {
                    assert!(matches(&pattern, &address), "{pattern} {address}");
                }
                assert!(!matches(&format!("{HOST}/other/"), &address), "{address}");
            }
        }
        assert!(matches(HOST, &format!("{HOST}:443#://")));
        // One with a port is for that port.
        assert!(matches(&format!("{HOST}:8443"), &format!("{HOST}:8443/x")));
        assert!(!matches(&format!("{HOST}:8443"), HOST) && !matches(&format!("{HOST}:8443"), &format!("{HOST}:443")));
        // Whoever listens there is somebody else.
        for address in ["r.example.com:5000", "https://r.example.com:443/x"] {
            assert!(!matches("r.example.com", address), "{address}");
        }
    }

    #[test]
    fn an_alias_is_a_registry_that_can_exist() {
        assert_eq!(
            Alias::parse("https://123456789012.DKR.ecr.eu-west-1.amazonaws.com/x").unwrap().show(),
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        );
        Alias::parse("public.ecr.aws").unwrap();
        for text in ["", "registry.example.com", "123456789012.dkr.ecr.cn-north-1.amazonaws.com"] {
            Alias::parse(text).unwrap_err();
        }
    }

    #[test]
    fn a_mapping_names_the_addresses_and_the_registry() {
        let text = "*.example.com=public.ecr.aws,r.example=123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        assert_eq!(<Vec<Mapping> as Value>::parse(text).unwrap().show(), text);
        for text in ["public.ecr.aws", "=public.ecr.aws", "a.example=", "https://a.example=public.ecr.aws"] {
            <Vec<Mapping> as Value>::parse(text).unwrap_err();
        }
    }
}
