//! What the kubelet asks: bytes → one pull of an image.
//!
//! The request is decoded as strictly as the kubelet decodes responses: an unknown field, a field twice, another kind or something
//! behind the end refuses it. No message repeats anything of the request, which has a token in it.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};

use keyward::Secret;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::settings::service_account::{NotARole, ServiceAccount};

/// The annotation by which a service account names the role that its images are pulled with.
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/ecr-role-arn";

/// The most that is read of a request. All annotations of an object have 256 KiB at most, and a token few.
const MAX_BYTES: usize = 1024 * 1024;

/// One pull of an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pull {
    /// The version that the response is to have.
    pub(super) version: Version,
    /// The image, as the kubelet names it.
    pub(crate) image: String,
    /// The image's registry: host and, where the image has one, port.
    pub(crate) registry: String,
    /// The service account of the pod that the image is for, where the kubelet is configured to tell.
    pub(crate) service_account: Option<ServiceAccount>,
}

/// The versions of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V1Alpha1,
    V1Beta1,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    #[error(
        "the service account has the annotation {ROLE_ANNOTATION} and the request no token: set tokenAttributes in the \
         CredentialProviderConfig"
    )]
    AnnotationWithoutToken,
    #[error(
        "the request is not one of {version} (line {line}, column {column}): send its fields, each once, and no others"
    )]
    Fields { version: Version, line: usize, column: usize },
    #[error("the request names no image: send one, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/image")]
    Image,
    #[error(
        "the request's kind is not CredentialProviderRequest: this is a credential provider, for the kubelet to call"
    )]
    Kind,
    #[error(
        "the request is not an object of JSON with kind and apiVersion (line {line}, column {column}): this is a credential provider, \
         for the kubelet to call"
    )]
    NotJson { line: usize, column: usize },
    #[error("the annotation {ROLE_ANNOTATION} of the service account is {0}: correct it")]
    Role(#[from] NotARole),
    #[error("the request is longer than {MAX_BYTES} bytes: name fewer annotations in the CredentialProviderConfig")]
    TooLong,
    #[error(
        "the request's apiVersion is not known: set that of the provider in the CredentialProviderConfig to {}, {} or {}",
        Version::V1,
        Version::V1Beta1,
        Version::V1Alpha1
    )]
    Version,
}

/// Reads the standard input to its end.
pub(super) fn read(input: &mut dyn Read) -> io::Result<Result<Pull, RequestError>> {
    // One that grows would leave copies of the token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    input.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > MAX_BYTES { Err(RequestError::TooLong) } else { decode(&bytes) })
}

fn decode(bytes: &[u8]) -> Result<Pull, RequestError> {
    // The decoder would take an array for an object.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(RequestError::NotJson { line: 1, column: 1 });
    }
    let Meta { kind, api_version } = serde_json::from_slice(bytes)
        .map_err(|error| RequestError::NotJson { line: error.line(), column: error.column() })?;
    if kind != "CredentialProviderRequest" {
        return Err(RequestError::Kind);
    }
    let version = Version::parse(&api_version).ok_or(RequestError::Version)?;
    let fields =
        |error: serde_json::Error| RequestError::Fields { version, line: error.line(), column: error.column() };
    let (image, service_account) = match version {
        Version::V1 => {
            let document: Document = serde_json::from_slice(bytes).map_err(fields)?;
            let account = service_account(document.service_account_token, document.service_account_annotations)?;
            (document.image, account)
        }
        Version::V1Alpha1 | Version::V1Beta1 => {
            let document: OldDocument = serde_json::from_slice(bytes).map_err(fields)?;
            (document.image, None)
        }
    };
    // As the kubelet itself finds it, so that what is kept is found again.
    let registry = image.split('/').next().unwrap_or_default();
    if registry.is_empty() {
        return Err(RequestError::Image);
    }
    let registry = registry.to_owned();
    Ok(Pull { version, image, registry, service_account })
}

/// An empty value is none: the kubelet leaves such fields out, and templates of clusters write such annotations.
fn service_account(
    token: Option<Token>,
    annotations: Option<Annotations>,
) -> Result<Option<ServiceAccount>, RequestError> {
    let role = annotations.and_then(|annotations| annotations.role).filter(|role| !role.is_empty());
    let role = role.map(|role| role.parse()).transpose()?;
    match token {
        Some(Token(token)) if !token.expose().is_empty() => Ok(Some(ServiceAccount { token, role })),
        _ if role.is_some() => Err(RequestError::AnnotationWithoutToken),
        _ => Ok(None),
    }
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        [Self::V1, Self::V1Alpha1, Self::V1Beta1].into_iter().find(|version| version.text() == text)
    }

    fn text(self) -> &'static str {
        match self {
            Self::V1 => "credentialprovider.kubelet.k8s.io/v1",
            Self::V1Alpha1 => "credentialprovider.kubelet.k8s.io/v1alpha1",
            Self::V1Beta1 => "credentialprovider.kubelet.k8s.io/v1beta1",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

/// What every version has: which one it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    kind: String,
    api_version: String,
}

/// The fields of `v1`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    image: String,
    service_account_annotations: Option<Annotations>,
    service_account_token: Option<Token>,
}

/// The fields of the versions before it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldDocument {
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    image: String,
}

struct Token(Secret);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// Of the annotations, the one that means something here. All of them have to be texts, each there once.
struct Annotations {
    role: Option<String>,
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Annotations;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let (mut seen, mut role) = (HashSet::new(), None);
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    if name == ROLE_ANNOTATION {
                        role = Some(value);
                    }
                    if !seen.insert(name) {
                        return Err(A::Error::custom("an annotation is there twice"));
                    }
                }
                Ok(Annotations { role })
            }
        }

        deserializer.deserialize_map(Visit)
    }
}
